/** Messages: sending, reading, changing, and catching up after an absence. */
import { Type, type Static } from 'typebox';
import { event, operation } from '../../core/contract.ts';
import { filesAtMost } from '../../core/file.ts';
import { ordinary } from '../../core/rate.ts';
import { Emoji, Message, Place } from '../../core/message.ts';
import { formed, Id, Limit, Lines, MessageId, Nothing, pageOf, Sequence, strictObject } from '../../core/schemas.ts';
import { Me, User } from '../users/users.contract.ts';
import { ChatInfo, Member, Mine, tellingMembers } from '../chats/chats.contract.ts';

export const Text = Lines(8000, 'Up to 8,000 characters, counted in their composed form (NFC).');

export const SentMessage = strictObject(
  { ...Message.properties, deduplicated: Type.Optional(Type.Literal(true, { description: 'This id was sent before; nothing new was stored.' })) },
  { title: 'SentMessage' },
);
export type SentMessage = Static<typeof SentMessage>;

export const SyncedChat = strictObject(
  {
    chat: ChatInfo,
    mine: Mine,
    members: Type.Array(Member, { description: 'Those who are new, or of whom anything has changed; everybody, if `joinedSeq` in `mine` is another than before.' }),
    former: Type.Array(Id, { description: 'Those who are not in the chat any more.' }),
    place: Place,
    messages: Type.Array(Message, { description: 'Those changed since the place asked for, by rev; then the new ones, by seq.' }),
    more: Type.Boolean({ description: 'There is more of this chat.' }),
  },
  { title: 'SyncedChat' },
);
export type SyncedChat = Static<typeof SyncedChat>;

const SyncCursor = Type.String({ ...formed('^[A-Za-z0-9_-]{1,500}$', 'a cursor out of an earlier answer'), description: 'Made by the server: keep that of the last answer, and give it with the next request, also after days.' });

/** A change each, one after another in a chat. */
const reacting = { per: 'caller', count: 10, seconds: 1, burst: 60 } as const;

/** Whoever blocks its sender is shown an edited message no more, and keeps in mind which: slower than one can send. */
const editing = { per: 'caller', count: 1, seconds: 1, burst: 60 } as const;

const aNumber = Type.Integer({ minimum: 1, maximum: Number.MAX_SAFE_INTEGER });

export const messagesContract = {
  operations: {
    'messages.send': operation({
      summary: 'Send a text, files or both to a chat (chatId) or to a person (to), as a reply to another message of that chat if need be. Repeated with the same id it is stored once.',
      access: 'user',
      rate: ordinary,
      input: strictObject({
        id: Type.Optional(MessageId),
        chatId: Type.Optional(Id),
        to: Type.Optional(Id),
        text: Type.Optional(Text),
        fileIds: Type.Optional(Type.Array(Id, { minItems: 1, maxItems: filesAtMost, uniqueItems: true, description: 'Files that I have sent in, or that are in a message that I see: they are shared, and not copied.' })),
        replyTo: Type.Optional(MessageId),
      }),
      output: SentMessage,
      errors: ['CHAT_NOT_FOUND', 'NOT_ALLOWED', 'BLOCKED', 'USER_NOT_FOUND', 'MESSAGE_NOT_FOUND', 'MESSAGE_REMOVED', 'FILE_NOT_FOUND', 'CONFLICT', 'BUSY'],
    }),
    'messages.list': operation({
      summary: 'Messages of a chat by ascending seq: the newest, or those before, after or around one.',
      access: 'user',
      rate: ordinary,
      input: strictObject({
        chatId: Id,
        before: Type.Optional(aNumber),
        after: Type.Optional(Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER })),
        around: Type.Optional(aNumber),
        limit: Limit(50),
      }),
      output: pageOf(Message),
      errors: ['CHAT_NOT_FOUND'],
    }),
    'messages.get': operation({
      summary: 'One message.',
      access: 'user',
      rate: ordinary,
      input: strictObject({ id: MessageId }),
      output: Message,
      errors: ['MESSAGE_NOT_FOUND'],
    }),
    'messages.seen': operation({
      summary: `Who has read a message, as far as they and I tell that of ourselves: not who has sent it, nor who came later. In chats of up to ${tellingMembers} members.`,
      access: 'user',
      rate: ordinary,
      input: strictObject({ id: MessageId }),
      output: strictObject({ users: Type.Array(User, { description: 'By id.' }) }),
      errors: ['MESSAGE_NOT_FOUND', 'GROUP_TOO_LARGE'],
    }),
    'messages.edit': operation({
      summary: 'Change the text of a message of mine, within two days unless the server is set otherwise.',
      access: 'user',
      rate: editing,
      input: strictObject({ id: MessageId, text: Text }),
      output: Message,
      errors: ['MESSAGE_NOT_FOUND', 'NOT_THE_SENDER', 'NOT_CHANGEABLE', 'MESSAGE_REMOVED', 'EDIT_TOO_LATE', 'NOT_ALLOWED', 'BLOCKED', 'BUSY'],
    }),
    'messages.remove': operation({
      summary: 'Remove a message of mine for everybody, or as owner or admin of a group anybody\'s. A tombstone keeps its place.',
      access: 'user',
      rate: ordinary,
      input: strictObject({ id: MessageId }),
      output: Nothing,
      errors: ['MESSAGE_NOT_FOUND', 'NOT_THE_SENDER', 'NOT_CHANGEABLE', 'BUSY'],
    }),
    'messages.hide': operation({
      summary: 'Remove a message for me alone, on all my devices.',
      access: 'user',
      rate: ordinary,
      input: strictObject({ id: MessageId }),
      output: Nothing,
      errors: ['MESSAGE_NOT_FOUND', 'TOO_MUCH_HIDDEN', 'BUSY'],
    }),
    'messages.react': operation({
      summary: 'React to a message with an emoji, with up to three different ones.',
      access: 'user',
      rate: reacting,
      input: strictObject({ id: MessageId, emoji: Emoji }),
      output: Message,
      errors: ['MESSAGE_NOT_FOUND', 'NOT_CHANGEABLE', 'MESSAGE_REMOVED', 'TOO_MANY_REACTIONS', 'BLOCKED', 'BUSY'],
    }),
    'messages.unreact': operation({
      summary: 'Take a reaction of mine back.',
      access: 'user',
      rate: reacting,
      input: strictObject({ id: MessageId, emoji: Emoji }),
      output: Message,
      errors: ['MESSAGE_NOT_FOUND', 'NOT_CHANGEABLE', 'MESSAGE_REMOVED', 'BUSY'],
    }),
    'messages.sync': operation({
      summary: 'Everything that has changed in my chats since the places and the cursor given, page by page; a chat without a place from its beginning. The first page has my account (me), too.',
      access: 'user',
      rate: ordinary,
      input: strictObject({
        chats: Type.Record(Id, Place, { default: {}, maxProperties: 2000, additionalProperties: false, description: 'My place in each chat, by chat id.' }),
        limit: Type.Integer({ minimum: 1, maximum: 500, default: 200, description: 'The most messages to answer with; there are fewer when they are long, about 1 MB in all.' }),
        cursor: Type.Optional(SyncCursor),
      }),
      output: strictObject({
        chats: Type.Array(SyncedChat, { description: 'Those of which anything has changed.' }),
        gone: Type.Array(Id, { description: 'Chats that were asked for and that I am not in: drop them.' }),
        me: Type.Optional(Me),
        blocked: Type.Optional(Type.Array(Id, { description: 'Everybody I block, if that has changed; on the first page only.' })),
        more: Type.Boolean({ description: 'Ask again at once, with the new places and the new cursor.' }),
        cursor: SyncCursor,
      }),
      errors: ['BUSY'],
    }),
  },
  events: {
    'message.created': event({ summary: 'A new message in one of my chats.', payload: Message }),
    'message.withheld': event({ summary: 'A message that is not mine to see has come: my place moves on to this seq. It raises its sender\'s readSeq like every other.', payload: strictObject({ chatId: Id, seq: Sequence, senderId: Id }) }),
    'message.edited': event({ summary: 'A message has a new text.', payload: Message }),
    'message.removed': event({ summary: 'A message was removed; what is left is its tombstone.', payload: Message }),
    'message.reacted': event({ summary: 'A message has other reactions.', payload: Message }),
    'message.passed': event({ summary: 'A message that is not mine to see has changed: my place moves on to this rev.', payload: strictObject({ chatId: Id, rev: Sequence }) }),
  },
};
