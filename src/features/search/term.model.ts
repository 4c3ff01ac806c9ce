/** By which words a message is found: one document for each message of a person, also for those that were removed. */
import { Schema, type Connection, type mongo, type Types } from 'mongoose';

export interface TermDocument {
  /** That of the message. */
  _id: mongo.Binary;
  chatId: Types.ObjectId;
  seq: number;
  /** The last change of the message that these words know of; 0 if there was none. */
  rev: number;
  at: Date;
  /** None once the message is removed. */
  words: string[];
}

const schema = new Schema<TermDocument>(
  {
    _id: { type: Schema.Types.UUID, required: true },
    chatId: { type: Schema.Types.ObjectId, required: true },
    seq: { type: Number, required: true },
    rev: { type: Number, required: true },
    at: { type: Date, required: true },
    words: { type: [String], required: true },
  },
  { collection: 'searchTerms', versionKey: false },
);

/**
 * Words come first: a word that is rare then costs a step or two, however many chats somebody is in. With chats first it
 * would cost a step for each of them, 15 ms for a thousand; writing would be a quarter cheaper.
 */
export const byWords = { words: 1, chatId: 1 } as const;
export const byTime = { chatId: 1, at: -1 } as const;
schema.index(byWords);
schema.index(byTime);

export type TermCollection = mongo.Collection<TermDocument>;

/** The connection must be open. */
export function termCollection(connection: Connection): TermCollection {
  const model = connection.models['SearchTerm'] ?? connection.model('SearchTerm', schema);
  return connection.getClient().db(connection.name).collection(model.collection.collectionName);
}
