/** Conversations: opening one with somebody, and the list of mine. */
import { Type, type Static } from 'typebox';
import { event, operation } from '../../core/contract.ts';
import { Message, Place } from '../../core/message.ts';
import { Description, GroupSettings, Title } from '../../core/notice.ts';
import { ordinary } from '../../core/rate.ts';
import { Id, Nothing, pageOf, Sequence, strictObject, Timestamp } from '../../core/schemas.ts';
import { User } from '../users/users.contract.ts';

export const Role = Type.Enum(['owner', 'admin', 'member'], { description: 'In a private chat everybody is a member.' });
export type Role = Static<typeof Role>;

export const Member = strictObject(
  {
    user: User,
    role: Role,
    readSeq: Type.Optional(Type.Integer({ minimum: 0, description: 'Everything up to here this member has read. Sending raises it too. Absent if they, or you, do not tell.' })),
  },
  { title: 'Member' },
);
export type Member = Static<typeof Member>;

const infoFields = {
  id: Id,
  kind: Type.Enum(['private', 'group']),
  title: Type.Optional(Title),
  description: Type.Optional(Description),
  ownerId: Type.Optional(Id),
  settings: Type.Optional(GroupSettings),
  memberCount: Type.Integer({ minimum: 0 }),
  createdAt: Timestamp,
};

/** A chat as it is the same for everybody in it. Title, description, owner and settings are those of a group. */
export const ChatInfo = strictObject(infoFields, { title: 'ChatInfo', description: 'A chat. Title, description, owner and settings are those of a group.' });
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
    head: Place,
    lastMessage: Type.Optional(Message),
    unread: Type.Integer({ minimum: 0, description: 'How many messages I have not read.' }),
  },
  { title: 'ChatSummary', description: 'A chat as its list shows it. `head` is the place of who has seen everything.' },
);
export type ChatSummary = Static<typeof ChatSummary>;

export const chatsContract = {
  operations: {
    'chats.open': operation({
      summary: 'The private chat with this person, made if there is none yet. With oneself it is a place for notes.',
      access: 'user',
      rate: ordinary,
      input: strictObject({ userId: Id }),
      output: Chat,
      errors: ['USER_NOT_FOUND'],
    }),
    'chats.list': operation({
      summary: 'My chats, the most recently active first.',
      access: 'user',
      rate: ordinary,
      input: strictObject({
        limit: Type.Integer({ minimum: 1, maximum: 100, default: 50 }),
        before: Type.Optional(Id),
      }, { description: 'before: the last chat of the page already seen.' }),
      output: pageOf(ChatSummary),
      errors: ['CHAT_NOT_FOUND'],
    }),
    'chats.get': operation({
      summary: 'One of my chats.',
      access: 'user',
      rate: ordinary,
      input: strictObject({ id: Id }),
      output: ChatSummary,
      errors: ['CHAT_NOT_FOUND'],
    }),
    'chats.read': operation({
      summary: 'I have read everything up to here. It never goes back, and never beyond the last message.',
      access: 'user',
      rate: ordinary,
      input: strictObject({ id: Id, seq: Sequence }),
      output: Nothing,
      errors: ['CHAT_NOT_FOUND'],
    }),
  },
  events: {
    'chat.created': event({ summary: 'I am in a new chat.', payload: ChatSummary }),
    'chat.left': event({ summary: 'I am not in this chat any more: nothing of it is mine to see.', payload: strictObject({ chatId: Id }) }),
    'chat.read': event({
      summary: 'I have read up to here on another device, or a member who tells it has.',
      payload: strictObject({ chatId: Id, userId: Id, readSeq: Sequence }),
    }),
  },
};
