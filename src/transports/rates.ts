/** Whether a request comes too soon: the rate of each operation, and of connecting, scaled, with a bucket for each person or address. */
import { operations } from '../contracts.ts';
import { createBuckets, type Buckets, type Clock, type Standing } from '../core/buckets.ts';
import type { Caller, Guest } from '../core/contract.ts';
import { AppError } from '../core/errors.ts';
import type { Rate } from '../core/rate.ts';
import { networkOf } from '../core/network.ts';

export interface Rates {
  /**
   * Counts a request of this caller against the rate of an operation.
   * @throws UNKNOWN_OPERATION; RATE_LIMITED with the limit, and in `retryAfter` the whole seconds until a request passes
   */
  count(name: string, caller: Guest | Caller): Standing;
  /** Counts a websocket that is to be opened. @throws RATE_LIMITED, with the same details */
  countConnect(caller: Caller): void;
}

/** Websockets that one person opens: for many devices that come back at once, less than a loop. */
const connecting: Rate = { per: 'caller', count: 60, seconds: 60, burst: 100 };

/** @param scale multiplies all rates; nothing is ever less than one request */
export function createRates(scale: number, now?: Clock): Rates {
  // Buckets of their own for each operation: however many come to one, they push nobody out of those of another.
  const counted = new Map([...operations].map(([name, { rate }]) => [name, { per: rate.per, buckets: createBuckets(scaled(rate, scale), now) }]));

  const connects = createBuckets(scaled(connecting, scale), now);

  return {
    count(name, caller) {
      const rate = counted.get(name);
      if (!rate) throw new AppError('UNKNOWN_OPERATION');
      return requireAdmitted(rate.buckets.take(rate.per === 'caller' && 'userId' in caller ? caller.userId : networkOf(caller.ip)));
    },
    countConnect: ({ userId }) => void requireAdmitted(connects.take(userId)),
  };
}

function requireAdmitted(standing: ReturnType<Buckets['take']>): Standing {
  if (!standing.isAdmitted) throw new AppError('RATE_LIMITED', { limit: standing.limit, retryAfter: standing.reset });
  return standing;
}

function scaled({ count, burst = count, ...rest }: Rate, scale: number): Rate {
  const times = (value: number): number => Math.max(1, Math.round(value * scale));
  return { ...rest, count: times(count), burst: times(burst) };
}
