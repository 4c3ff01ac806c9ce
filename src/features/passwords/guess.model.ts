/** How guesses, and mails with links, are counted in the store. MongoDB removes the counters in which nothing matters any more. */
import { Schema, type Connection, type mongo } from 'mongoose';

export interface CountedGuess {
  id: string;
  at: Date;
  /** How many there were beyond the limit, this one included; 0 within it. */
  beyond: number;
}

export interface GuessDocument {
  /** SHA-256 of what the guesses have in common. */
  _id: string;
  /** Those that were wrong or are being looked at, in the order they came. */
  guesses: CountedGuess[];
  /** From when on the latest one that was subject to limits was, or would have been, allowed; null if it was at any time. */
  freeAt: Date | null;
  expiresAt: Date;
}

const schema = new Schema<GuessDocument>(
  {
    _id: { type: String, required: true },
    guesses: { type: [{ id: String, at: Date, beyond: Number }], required: true },
    freeAt: Date,
    expiresAt: { type: Date, required: true },
  },
  { collection: 'guesses', versionKey: false },
);
schema.index({ expiresAt: 1 }, { expireAfterSeconds: 0 });

export type GuessCollection = mongo.Collection<GuessDocument>;

export function guessCollection(connection: Connection): GuessCollection {
  const model = connection.model('Guess', schema);
  return connection.getClient().db(connection.name).collection(model.collection.collectionName);
}
