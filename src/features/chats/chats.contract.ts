/** Conversations: opening one with somebody, and the list of mine. */
import { Type, type Static } from 'typebox';
import { event, operation } from '../../core/contract.ts';
import { Message, Place } from '../../core/message.ts';
import { Description, GroupSettings, Title } from '../../core/notice.ts';
import { Photo } from '../../core/photo.ts';
import { ordinary } from '../../core/rate.ts';
import { Cursor, Id, Limit, Nothing, pageOf, Sequence, strictObject, Timestamp } from '../../core/schemas.ts';
import { User } from '../users/users.contract.ts';

/** In a chat with more members nobody is told how far the others have come, nor who is typing. */
export const tellingMembers = 200;

/** Most people of whom somebody hears by having private chats with them: those of the most recent. */
export const partnersAtMost = 200;

export const Role = Type.Enum(['owner', 'admin', 'member'], { description: 'In a private chat everybody is a member.' });
export type Role = Static<typeof Role>;

export const Member = strictObject(
  {
    user: User,
    role: Role,
    joinedSeq: Type.Integer({ minimum: 0, description: 'The notice by which this member came in; 0 in a private chat. Nobody has read what was there before by having come later.' }),
    readSeq: Type.Optional(Type.Integer({ minimum: 0, description: 'Everything up to here this member has read. Sending raises it too. Absent if they, or you, do not tell; your own is always there.' })),
    deliveredSeq: Type.Integer({ minimum: 0, description: 'Everything up to here has reached a device of theirs.' }),
  },
  { title: 'Member' },
);
export type Member = Static<typeof Member>;

/** What is mine alone in a chat, the same on all my devices. */
export const Mine = strictObject(
  {
    version: Type.Integer({ minimum: 0, description: 'Goes up with each change: of two the higher counts.' }),
    joinedSeq: Type.Integer({ minimum: 0, description: 'The notice by which I came in; nothing up to it counts as unread.' }),
    fromSeq: Type.Integer({ minimum: 0, description: 'Messages up to here were before my time. It never goes back, also not for whoever comes again.' }),
    clearedSeq: Type.Integer({ minimum: 0, description: 'I have cleared the chat up to here; 0 if not at all. While nothing has come since, it is not in my list.' }),
    hidden: Type.Array(strictObject({ from: Sequence, to: Sequence }), { description: 'Numbers of messages that I do not see besides, from … to. While I block the other one, `to` of the last is the largest number there is.' }),
    mutedUntil: Type.Optional(Timestamp),
    archived: Type.Boolean(),
    pinned: Type.Boolean(),
    markedUnread: Type.Boolean({ description: 'I have marked it as unread. Reading takes that away.' }),
  },
  { title: 'Mine', description: 'What is mine alone in a chat. Show no message that it does not let me see. Whoever comes into a group again begins anew: not archived, pinned or marked as unread.' },
);
export type Mine = Static<typeof Mine>;

const infoFields = {
  id: Id,
  kind: Type.Enum(['private', 'group']),
  title: Type.Optional(Title),
  description: Type.Optional(Description),
  photo: Type.Optional(Photo),
  ownerId: Type.Optional(Id),
  settings: Type.Optional(GroupSettings),
  memberCount: Type.Integer({ minimum: 0 }),
  createdAt: Timestamp,
};

/** A chat as it is the same for everybody in it. Title, description, photo, owner and settings are those of a group. */
export const ChatInfo = strictObject(infoFields, { title: 'ChatInfo', description: 'A chat. Title, description, photo, owner and settings are those of a group.' });
export type ChatInfo = Static<typeof ChatInfo>;

const chatFields = {
  ...infoFields,
  members: Type.Array(Member, { description: 'The two people of a private chat, or one in a chat with oneself. Of a group it is me alone: groups.members gives the others.' }),
};

export const Chat = strictObject(chatFields, { title: 'Chat' });
export type Chat = Static<typeof Chat>;

export const ChatSummary = strictObject(
  {
    ...chatFields,
    mine: Mine,
    head: Place,
    lastMessage: Type.Optional(Message),
    unread: Type.Integer({ minimum: 0, description: 'How many messages I have not read.' }),
  },
  { title: 'ChatSummary', description: 'A chat as its list shows it. `head` is the place of who has seen everything.' },
);
export type ChatSummary = Static<typeof ChatSummary>;

const Marks = strictObject({ chatId: Id, marks: Type.Array(strictObject({ userId: Id, seq: Sequence })) }, { title: 'Marks', description: 'How far members of a chat have come.' });

export const chatsContract = {
  operations: {
    'chats.open': operation({
      summary: 'The private chat with this person, made if there is none yet. With oneself it is a place for notes.',
      access: 'user',
      rate: ordinary,
      input: strictObject({ userId: Id }),
      output: Chat,
      errors: ['USER_NOT_FOUND', 'BLOCKED'],
    }),
    'chats.list': operation({
      summary: 'My chats: those I have pinned first, then the most recently active.',
      access: 'user',
      rate: ordinary,
      input: strictObject({
        limit: Limit(50),
        cursor: Type.Optional(Cursor),
        archived: Type.Optional(Type.Boolean()),
      }, { description: 'archived: those alone that I have archived, or have not. The cursor is that of the page before: what has moved since may come twice, or by its event alone.' }),
      output: strictObject({ ...pageOf(ChatSummary).properties, cursor: Type.Optional(Cursor) }),
      errors: ['BUSY'],
    }),
    'chats.get': operation({
      summary: 'One of my chats.',
      access: 'user',
      rate: ordinary,
      input: strictObject({ id: Id }),
      output: ChatSummary,
      errors: ['CHAT_NOT_FOUND'],
    }),
    'chats.unread': operation({
      summary: 'How much I have not read, in all my chats together.',
      access: 'user',
      rate: ordinary,
      input: strictObject({}),
      output: strictObject({ messages: Sequence, chats: Type.Integer({ minimum: 0, description: 'Those in my list with something unread, or marked as unread.' }) }),
      errors: ['BUSY'],
    }),
    'chats.read': operation({
      summary: 'I have read everything up to here. It never goes back, and never beyond the last message.',
      access: 'user',
      rate: ordinary,
      input: strictObject({ id: Id, seq: Sequence }),
      output: Nothing,
      errors: ['CHAT_NOT_FOUND'],
    }),
    'chats.receive': operation({
      summary: 'A device of mine has received everything up to here, in each of these chats. Others are left out.',
      access: 'user',
      rate: ordinary,
      input: strictObject({ chats: Type.Record(Id, Sequence, { maxProperties: 500, additionalProperties: false, description: 'The last seq received, by chat id.' }) }),
      output: Nothing,
      errors: ['BUSY'],
    }),
    'chats.arrange': operation({
      summary: 'Mute, archive, pin a chat or mark it as unread, for me alone. Null ends muting.',
      access: 'user',
      rate: ordinary,
      input: strictObject({
        id: Id,
        mutedUntil: Type.Optional(Type.Union([Timestamp, Type.Null()])),
        archived: Type.Optional(Type.Boolean()),
        pinned: Type.Optional(Type.Boolean()),
        markedUnread: Type.Optional(Type.Boolean()),
      }),
      output: Mine,
      errors: ['CHAT_NOT_FOUND'],
    }),
    'chats.clear': operation({
      summary: 'Clear a chat for me alone: I see nothing of it up to now, or to a message. If there was anything, it is not in my list before something new comes.',
      access: 'user',
      rate: ordinary,
      input: strictObject({ id: Id, seq: Type.Optional(Sequence) }),
      output: Mine,
      errors: ['CHAT_NOT_FOUND'],
    }),
  },
  events: {
    'chat.created': event({ summary: 'I am in a new chat.', payload: ChatSummary }),
    'chat.left': event({ summary: 'I am not in this chat any more: nothing of it is mine to see.', payload: strictObject({ chatId: Id }) }),
    'chat.read': event({ summary: 'I have read up to here on another device, or members who tell it have.', payload: Marks, shed: 'marks' }),
    'chat.received': event({ summary: 'Everything up to here has reached a device of these members.', payload: Marks, shed: 'marks' }),
    'member.updated': event({
      summary: 'Somebody in one of my chats has changed their profile, or whether they tell how far they read.',
      payload: strictObject({ chatId: Id, user: User, deliveredSeq: Type.Optional(Type.Integer({ minimum: 0, description: 'They do not tell: their `readSeq` goes, and this is their `deliveredSeq`.' })) }),
    }),
    'chat.arranged': event({ summary: 'What is mine alone in this chat has changed, here or on another device.', payload: strictObject({ chatId: Id, mine: Mine }) }),
  },
};
