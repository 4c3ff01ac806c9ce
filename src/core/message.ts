/** The message: what chats show, messages make, and the log numbers. */
import { Type, type Static } from 'typebox';
import { Notice } from './notice.ts';
import { Id, MessageId, Sequence, strictObject, Timestamp } from './schemas.ts';

/** How far a client has come in a chat: the last new message (`seq`) and the last change (`rev`) it has applied. */
export const Place = strictObject({ seq: Sequence, rev: Sequence }, { title: 'Place' });
export type Place = Static<typeof Place>;

export const Message = strictObject(
  {
    id: MessageId,
    chatId: Id,
    seq: Type.Integer({ minimum: 1, description: 'Its place in the chat: 1, 2, 3 … without a gap.' }),
    rev: Type.Optional(Type.Integer({ minimum: 1, description: 'The number of its last change among all changes in the chat; absent while it was never changed.' })),
    senderId: Id,
    kind: Type.Enum(['text', 'notice'], { description: 'What a person has written, or what the server notes of the group itself.' }),
    text: Type.Optional(Type.String({ description: 'Of a text; absent once the message is removed.' })),
    notice: Type.Optional(Notice),
    createdAt: Timestamp,
    editedAt: Type.Optional(Timestamp),
    removedAt: Type.Optional(Timestamp),
  },
  { title: 'Message', description: 'A message, or the tombstone of a removed one (removedAt is set, text is gone).' },
);
export type Message = Static<typeof Message>;

/** What a stored message means for its chat. */
export interface StoredMessage {
  chatId: Id;
  senderId: Id;
  seq: number;
  createdAt: Date;
}
