/** Counts guesses in MongoDB, each by one atomic step that looks at the limits and adds to the counter. */
import type { mongo } from 'mongoose';
import { storePatience, withDeadline } from '../../core/deadline.ts';
import type { CountedGuess, GuessCollection } from './guess.model.ts';

/** All times are in milliseconds. */
export interface Limit {
  /** So many guesses are allowed within any period of that length. */
  most: number;
  within: number;
  /** Further ones are allowed, too, each so long after the one before; the wait doubles every time. */
  wait?: { first: number; longest: number };
}

export interface GuessCounters {
  /** Counts a guess under the key unless that is beyond a limit: then it gives the milliseconds to wait, otherwise 0. */
  count(key: string, limits: readonly Limit[], id: string): Promise<number>;
  /** Counts a guess under the key even beyond the limit. Only the latest are kept, twice as many as matter: some may be given back. */
  add(key: string, limit: Limit, id: string): Promise<void>;
  /** The guess was never made. */
  giveBack(key: string, id: string): Promise<void>;
  /** No guess was ever made under the key. */
  reset(key: string): Promise<void>;
}

export function createGuessCounters(collection: GuessCollection, now: () => number): GuessCounters {
  return {
    async count(key, limits, id) {
      const at = now();
      // When several make the same counter at once, MongoDB repeats what came too late by itself (SERVER-37124, SERVER-47212).
      const update = collection.findOneAndUpdate({ _id: key }, counting(limits, { id, at }), { upsert: true, returnDocument: 'after' });
      const counter = await withDeadline(update, storePatience);
      const isCounted = counter?.guesses.some((guess) => guess.id === id);
      return isCounted ? 0 : Math.max(1, Number(counter?.freeAt ?? at) - at);
    },

    async add(key, { most, within }, id) {
      const at = now();
      const guesses = { $concatArrays: [guessesSince(at - within), [{ id, at: new Date(at), beyond: 0 }]] };
      const update = collection.updateOne({ _id: key }, [{ $set: { guesses: { $slice: [guesses, -2 * most] }, expiresAt: new Date(at + within) } }], { upsert: true });
      await withDeadline(update, storePatience);
    },

    async giveBack(key, id) {
      await withDeadline(collection.updateOne({ _id: key }, { $pull: { guesses: { id } } }), storePatience);
    },

    async reset(key) {
      await withDeadline(collection.deleteOne({ _id: key }), storePatience);
    },
  };
}

/** The step in MongoDB's own words: forget what no longer matters, look from when on a guess is allowed, add it if that is past. */
function counting(limits: readonly Limit[], { id, at }: Pick<CountedGuess, 'id'> & { at: number }): mongo.Document[] {
  const memory = Math.max(...limits.map(({ within, wait }) => within + (wait?.longest ?? 0)));
  const now = new Date(at);
  const isBeyond = { $or: limits.map((limit) => isBeyondOf(limit, at)) };
  const guess = { id, at: now, beyond: { $cond: [isBeyond, { $add: [last('beyond'), 1] }, 0] } };
  return [
    { $set: { guesses: guessesSince(at - memory) } },
    { $set: { freeAt: { $max: limits.map((limit) => freeAtOf(limit, at)) } } },
    // Where no limit is reached, freeAt is null, which MongoDB orders before every date.
    { $set: { guesses: { $cond: [{ $lte: ['$freeAt', now] }, { $concatArrays: ['$guesses', [guess]] }, '$guesses'] } } },
    { $set: { expiresAt: { $add: [last('at'), memory] } } },
  ];
}

const guessesSince = (time: number): mongo.Document => ({ $filter: { input: { $ifNull: ['$guesses', []] }, cond: { $gt: ['$$this.at', new Date(time)] } } });

/** A field of the guess that is the nth from the end; missing if there are fewer. */
const nthLast = (n: number, field: keyof CountedGuess): mongo.Document => ({ $arrayElemAt: [`$guesses.${field}`, -n] });
const last = (field: keyof CountedGuess): mongo.Document => nthLast(1, field);

/** Guesses beyond a limit stay beyond it until all of them are forgotten. */
const isBeyondOf = ({ most, within, wait }: Limit, at: number): mongo.Document | false =>
  wait !== undefined && { $or: [{ $gt: [nthLast(most, 'at'), new Date(at - within)] }, { $gt: [last('beyond'), 0] }] };

function freeAtOf(limit: Limit, at: number): mongo.Document {
  const { most, within, wait } = limit;
  if (!wait) return { $add: [nthLast(most, 'at'), within] };
  const milliseconds = { $min: [wait.longest, { $multiply: [wait.first, { $pow: [2, last('beyond')] }] }] };
  return { $cond: [isBeyondOf(limit, at), { $add: [last('at'), milliseconds] }, null] };
}
