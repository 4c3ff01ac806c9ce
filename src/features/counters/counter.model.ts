/** How attempts are counted in the store. MongoDB removes the counters in which nothing matters any more. */
import { Schema, type Connection, type mongo } from 'mongoose';

export interface CountedAttempt {
  id: string;
  at: Date;
  /** How many there were beyond the limit, this one included; 0 within it. */
  beyond: number;
}

export interface CounterDocument {
  /** SHA-256 of what the attempts have in common. */
  _id: string;
  /** In the order they came. */
  attempts: CountedAttempt[];
  /** From when on the latest one that was subject to limits was, or would have been, allowed; null if it was at any time. */
  freeAt: Date | null;
  expiresAt: Date;
}

const schema = new Schema<CounterDocument>(
  {
    _id: { type: String, required: true },
    attempts: { type: [{ id: String, at: Date, beyond: Number }], required: true },
    freeAt: Date,
    expiresAt: { type: Date, required: true },
  },
  { collection: 'counters', versionKey: false },
);
schema.index({ expiresAt: 1 }, { expireAfterSeconds: 0 });

export type CounterCollection = mongo.Collection<CounterDocument>;

/** What is counted may be lost with a crash: nobody waits until it is in the journal. */
export function counterCollection(connection: Connection): CounterCollection {
  const model = connection.model('Counter', schema);
  return connection.getClient().db(connection.name).collection(model.collection.collectionName, { writeConcern: { w: 1, journal: false } });
}
