/** Counts against a rate: a bucket for each key, one number a bucket (the generic cell rate algorithm, ITU-T I.371). */
import type { Rate } from './rate.ts';

/** How somebody stands with a rate. */
export interface Standing {
  /** Requests at once, after a rest. */
  limit: number;
  /** Requests that would pass now. */
  remaining: number;
  /** Whole seconds, at least 1: until the whole limit is there again, or for one who is refused until the next request passes. */
  reset: number;
}

export interface Buckets {
  /** Takes one request out of the bucket of this key, if there is one left. */
  take(key: string): Standing & { isAdmitted: boolean };
}

/** Milliseconds of a clock that never goes back: one that did would lock people out for as long as it went. */
export type Clock = () => number;

/**
 * Keys after which those not seen meanwhile may be forgotten; at most twice as many are kept. To be forgotten is to have a
 * full bucket again, and takes requests under this many other keys: more than any burst that could be won by it.
 */
const room = 20_000;

export function createBuckets({ count, seconds, burst = count }: Rate, now: Clock = () => performance.now()): Buckets {
  // Time in parts of a millisecond: `count` of them make one, so that every figure here is a whole number and exact.
  const refill = seconds * 1000;
  const depth = refill * burst;
  const toSeconds = (parts: number): number => Math.ceil(parts / (1000 * count));
  const fullAt = createRecent(room);

  return {
    take(key) {
      const time = Math.floor(now()) * count;
      const before = Math.max(fullAt.get(key) ?? 0, time);
      const isAdmitted = before + refill - time <= depth;
      const after = isAdmitted ? before + refill : before;
      fullAt.set(key, after);
      const wait = isAdmitted ? after - time : after + refill - depth - time;
      return { isAdmitted, limit: burst, remaining: Math.floor((depth - (after - time)) / refill), reset: toSeconds(wait) };
    },
  };
}

interface Recent {
  get(key: string): number | undefined;
  set(key: string, value: number): void;
}

/** The numbers set last, `size` to `2 × size` of them. Two generations are quicker than an order of use for every key. */
function createRecent(size: number): Recent {
  let young = new Map<string, number>();
  let old = new Map<string, number>();
  return {
    get: (key) => young.get(key) ?? old.get(key),
    set(key, value) {
      young.set(key, value);
      if (young.size < size) return;
      old = young;
      young = new Map();
    },
  };
}
