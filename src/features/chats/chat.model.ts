/** How chats are stored. */
import { Schema, type Connection, type Types } from 'mongoose';
import type { Id } from '../../core/schemas.ts';

export interface ChatDocument {
  _id: Types.ObjectId;
  kind: 'private';
  /** Who a private chat is between; unique, so that two people have one. */
  pairKey: string;
  createdAt: Date;
  /** The last message, as a cache for lists: it may lag by a moment; the messages' own index is the truth. */
  head: { seq: number; at: Date };
}

const schema = new Schema<ChatDocument>(
  {
    kind: { type: String, required: true },
    pairKey: String,
    createdAt: { type: Date, required: true },
    head: { seq: { type: Number, required: true }, at: { type: Date, required: true } },
  },
  { collection: 'chats', versionKey: false },
);
schema.index({ pairKey: 1 }, { unique: true, partialFilterExpression: { pairKey: { $exists: true } } });

export const chatModel = (connection: Connection) => connection.model('Chat', schema);
export type ChatModel = ReturnType<typeof chatModel>;

/** The same for both, whoever opens the chat. */
export const pairKeyOf = (a: Id, b: Id): string => (a < b ? `${a}:${b}` : `${b}:${a}`);
