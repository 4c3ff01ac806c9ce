/** The message: what chats show, messages make, and the log numbers. */
import { Type, type Static } from 'typebox';
import { FileInfo } from './file.ts';
import { Notice } from './notice.ts';
import { Id, MessageId, Sequence, strictObject, Timestamp } from './schemas.ts';
import { isVisible, type View } from './view.ts';

/** How far a client has come in a chat: the last new message (`seq`) and the last change (`rev`) it has applied. */
export const Place = strictObject({ seq: Sequence, rev: Sequence }, { title: 'Place' });
export type Place = Static<typeof Place>;

/** Where a client is that has nothing of a chat, and a chat in which nothing was said. */
export const beginning: Place = { seq: 0, rev: 0 };

export const Emoji = Type.String({ format: 'emoji', 'x-form': 'a single emoji', minLength: 1, maxLength: 40, description: 'A single emoji by Unicode\'s definition (UTS #51, RGI).' });

/** Most characters of a text that a reply shows of what it replies to. */
export const shownOfOriginal = 100;

export const ReplyTo = strictObject(
  {
    id: MessageId,
    seq: Sequence,
    senderId: Type.Optional(Id),
    text: Type.Optional(Type.String({ description: `The beginning of its text as it is now, up to ${shownOfOriginal} characters.` })),
    file: Type.Optional(Type.Pick(FileInfo, ['name', 'kind'], { additionalProperties: false, title: 'FileMention', description: 'The first of its files.' })),
    removedAt: Type.Optional(Timestamp),
  },
  { title: 'ReplyTo', description: 'What a message replies to. Only id and seq if it is not yours to see. Who holds that message shows it as it is.' },
);
export type ReplyTo = Static<typeof ReplyTo>;

/** Most people that a message names for one reaction. */
export const namedReactors = 100;

export const Reaction = strictObject(
  { emoji: Emoji, count: Type.Integer({ minimum: 1 }), userIds: Type.Array(Id, { description: `The first ${namedReactors} who have reacted so, in their order. In an answer you come first if you are one of those behind them.` }) },
  { title: 'Reaction' },
);
export type Reaction = Static<typeof Reaction>;

export const Message = strictObject(
  {
    id: MessageId,
    chatId: Id,
    seq: Type.Integer({ minimum: 1, description: 'Its place in the chat: 1, 2, 3 … without a gap.' }),
    rev: Type.Optional(Type.Integer({ minimum: 1, description: 'The number of its last change among all changes in the chat; absent while it was never changed.' })),
    senderId: Id,
    kind: Type.Enum(['text', 'notice'], { description: 'What a person has written, or what the server notes of the group itself.' }),
    text: Type.Optional(Type.String({ description: 'What a person has written; absent where there are files alone, and once the message is removed.' })),
    files: Type.Optional(Type.Array(FileInfo, { description: 'What was sent along; absent where nothing was, and once the message is removed.' })),
    notice: Type.Optional(Notice),
    replyTo: Type.Optional(ReplyTo),
    reactions: Type.Optional(Type.Array(Reaction, { description: 'By the order in which each came first; absent while there are none.' })),
    createdAt: Timestamp,
    editedAt: Type.Optional(Timestamp),
    removedAt: Type.Optional(Timestamp),
  },
  { title: 'Message', description: 'A message, or the tombstone of a removed one (removedAt is set, text and files are gone).' },
);
export type Message = Static<typeof Message>;

/** What a reply shows of a message. */
export const toReplyTo = ({ id, seq, senderId, text, files: [file] = [], removedAt }: Message): ReplyTo => ({
  id,
  seq,
  senderId,
  ...(text !== undefined && { text: beginningOf(text) }),
  ...(file && { file: { name: file.name, kind: file.kind } }),
  ...(removedAt !== undefined && { removedAt }),
});

/** Whole characters: a pair of surrogates is not cut in two. */
const beginningOf = (text: string): string => (text.length <= shownOfOriginal ? text : Array.from(text.slice(0, 2 * shownOfOriginal)).slice(0, shownOfOriginal).join(''));

/** The same message for somebody who may not see what it replies to. */
export function withoutOriginal(message: Message): Message {
  const { replyTo } = message;
  return replyTo ? { ...message, replyTo: { id: replyTo.id, seq: replyTo.seq } } : message;
}

/** A message that somebody sees, with no more of what it replies to than they may see. */
export const asSeen = (message: Message, view: View): Message => (message.replyTo && !isVisible(view, message.replyTo.seq) ? withoutOriginal(message) : message);

/** Where the log of a chat has come to. */
export interface Head {
  place: Place;
  /** When the last message was sent; absent where there is none. */
  sentAt?: Date;
}

/** What a stored message means for its chat. */
export interface StoredMessage {
  chatId: Id;
  senderId: Id;
  seq: number;
  createdAt: Date;
}

