/**
 * Counts attempts in MongoDB, so for all processes together, each by one atomic step that looks at the limits and adds
 * to the counter: of many at once no more pass than of as many in turn.
 */
import type { mongo } from 'mongoose';
import { storePatience, withDeadline } from '../../core/deadline.ts';
import { sha256 } from '../../core/hash.ts';
import type { CountedAttempt, CounterCollection } from './counter.model.ts';

/** All times are in milliseconds. */
export interface Limit {
  /** So many attempts are allowed within any period of that length. */
  most: number;
  within: number;
  /** Further ones are allowed, too, each so long after the one before; the wait doubles every time. */
  wait?: { first: number; longest: number };
}

/** What attempts have in common that count together, as JSON has it; the first says what sort of attempts they are. */
export type CounterKey = readonly unknown[];

export interface CountersService {
  /** Counts an attempt under the key, once, unless that is beyond a limit: then it gives the milliseconds to wait, otherwise 0. */
  count(key: CounterKey, limits: readonly Limit[], id: string): Promise<number>;
  /** Counts an attempt under the key even beyond the limit. Only the latest are kept, twice as many as matter: some may be given back. */
  add(key: CounterKey, limit: Limit, id: string): Promise<void>;
  /** The attempt was never made. */
  giveBack(key: CounterKey, id: string): Promise<void>;
  /** No attempt was ever made under the key. */
  reset(key: CounterKey): Promise<void>;
}

export function createCountersService(counters: CounterCollection, now: () => number = Date.now): CountersService {
  return {
    async count(key, limits, id) {
      const at = now();
      // When several make the same counter at once, MongoDB repeats what came too late by itself (SERVER-37124, SERVER-47212).
      const update = counters.findOneAndUpdate({ _id: idOf(key) }, counting(limits, { id, at }), { upsert: true, returnDocument: 'after' });
      const counter = await withDeadline(update, storePatience);
      const isCounted = counter?.attempts.some((attempt) => attempt.id === id);
      return isCounted ? 0 : Math.max(1, Number(counter?.freeAt ?? at) - at);
    },

    async add(key, { most, within }, id) {
      const at = now();
      const attempts = { $concatArrays: [attemptsSince(at - within), [{ id, at: new Date(at), beyond: 0 }]] };
      const update = counters.updateOne({ _id: idOf(key) }, [{ $set: { attempts: { $slice: [attempts, -2 * most] }, expiresAt: new Date(at + within) } }], { upsert: true });
      await withDeadline(update, storePatience);
    },

    async giveBack(key, id) {
      await withDeadline(counters.updateOne({ _id: idOf(key) }, { $pull: { attempts: { id } } }), storePatience);
    },

    async reset(key) {
      await withDeadline(counters.deleteOne({ _id: idOf(key) }), storePatience);
    },
  };
}

/** Neither names nor addresses are in the store. */
const idOf = (key: CounterKey): string => sha256(JSON.stringify(key));

/** The step in MongoDB's own words: forget what no longer matters, look from when on an attempt is allowed, add it if that is past. */
function counting(limits: readonly Limit[], { id, at }: Pick<CountedAttempt, 'id'> & { at: number }): mongo.Document[] {
  const memory = Math.max(...limits.map(({ within, wait }) => within + (wait?.longest ?? 0)));
  const now = new Date(at);
  const isBeyond = { $or: limits.map((limit) => isBeyondOf(limit, at)) };
  // One that is counted already is allowed, and not counted again.
  const isNew = { $and: [{ $lte: ['$freeAt', now] }, { $not: [{ $in: [id, '$attempts.id'] }] }] };
  const attempt = { id, at: now, beyond: { $cond: [isBeyond, { $add: [last('beyond'), 1] }, 0] } };
  return [
    { $set: { attempts: attemptsSince(at - memory) } },
    { $set: { freeAt: { $max: limits.map((limit) => freeAtOf(limit, at)) } } },
    // Where no limit is reached, freeAt is null, which MongoDB orders before every date.
    { $set: { attempts: { $cond: [isNew, { $concatArrays: ['$attempts', [attempt]] }, '$attempts'] } } },
    { $set: { expiresAt: { $add: [last('at'), memory] } } },
  ];
}

const attemptsSince = (time: number): mongo.Document => ({ $filter: { input: { $ifNull: ['$attempts', []] }, cond: { $gt: ['$$this.at', new Date(time)] } } });

/** A field of the attempt that is the nth from the end; missing if there are fewer. */
const nthLast = (n: number, field: keyof CountedAttempt): mongo.Document => ({ $arrayElemAt: [`$attempts.${field}`, -n] });
const last = (field: keyof CountedAttempt): mongo.Document => nthLast(1, field);

/** Attempts beyond a limit stay beyond it until all of them are forgotten. */
const isBeyondOf = ({ most, within, wait }: Limit, at: number): mongo.Document | false =>
  wait !== undefined && { $or: [{ $gt: [nthLast(most, 'at'), new Date(at - within)] }, { $gt: [last('beyond'), 0] }] };

function freeAtOf(limit: Limit, at: number): mongo.Document {
  const { most, within, wait } = limit;
  if (!wait) return { $add: [nthLast(most, 'at'), within] };
  const milliseconds = { $min: [wait.longest, { $multiply: [wait.first, { $pow: [2, last('beyond')] }] }] };
  return { $cond: [isBeyondOf(limit, at), { $add: [last('at'), milliseconds] }, null] };
}
