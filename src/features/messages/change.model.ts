/** The last change made in each chat: what numbers the next one, and what a crash may have left half done. */
import { Schema, type Connection, type mongo, type Types } from 'mongoose';
import type { MessageDocument } from './message.model.ts';

/** What a change does to a message; its `rev` is added when it is applied. */
export interface Update {
  set: Partial<Pick<MessageDocument, 'text' | 'sentHash' | 'editedAt' | 'removedAt' | 'reactions'>>;
  unset?: readonly ('text' | 'files' | 'sentHash' | 'editedAt' | 'reactions' | 'replyTo')[];
}

export interface ChangeDocument {
  /** The chat's id: there is one document per chat. */
  _id: Types.ObjectId;
  rev: number;
  messageId: mongo.Binary;
  update: Update;
}

const schema = new Schema<ChangeDocument>(
  {
    _id: { type: Schema.Types.ObjectId, required: true },
    rev: { type: Number, required: true },
    messageId: { type: Schema.Types.UUID, required: true },
    update: { type: Schema.Types.Mixed, required: true },
  },
  { collection: 'changes', versionKey: false },
);

export type ChangeCollection = mongo.Collection<ChangeDocument>;

export function changeCollection(connection: Connection): ChangeCollection {
  const model = connection.model('Change', schema);
  return connection.getClient().db(connection.name).collection(model.collection.collectionName);
}
