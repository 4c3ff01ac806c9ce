/** Hashing of passwords with bcrypt, a few at a time: the rest waits, and too many are refused. */
import bcrypt from 'bcrypt';
import { AppError } from '../../core/errors.ts';
import { createFairQueue } from './fair.queue.ts';

export interface PasswordHashing {
  /**
   * Makes an attempt that ends in a comparison, with a place kept for it: one that could not be looked at is not begun.
   * @param party who makes it: everybody has their turn, and nobody more than a few places
   * @throws BUSY when too many are under way, SHUTTING_DOWN
   */
  admit<T>(party: string, attempt: () => Promise<T>): Promise<T>;
  /** @throws BUSY, SHUTTING_DOWN */
  hash(party: string, password: string): Promise<string>;
  /**
   * For an attempt that was admitted. Compares at the same cost when there is no hash to compare with, so that time tells
   * nothing. @throws BUSY, SHUTTING_DOWN
   */
  matches(party: string, password: string, hash: string | undefined): Promise<boolean>;
  /** Refuses everybody who waits, and whoever still comes: the server closes. */
  refuse(): void;
}

/** Of libuv's four threads one is left to everything else that needs one, such as checking tokens. */
const concurrency = 3;

/**
 * Attempts under way. Nobody takes more than a part of what is free, so there is room for one more however many parties
 * flood (dynamic thresholds; Choudhury and Hahne, 1998).
 */
const most = { ofAll: 1050, part: 1 / 21 };

export function createPasswordHashing(cost: number): PasswordHashing {
  const queue = createFairQueue(concurrency);
  const places = createPlaces();
  // Of the right form and cost, and of no password that anybody could find.
  const nobody = bcrypt.genSaltSync(cost) + '.'.repeat(31);
  let refusing = false;

  const admit: PasswordHashing['admit'] = async (party, attempt) => {
    if (refusing) throw new AppError('SHUTTING_DOWN');
    const leave = places.take(party);
    try {
      return await attempt();
    } finally {
      leave();
    }
  };
  return {
    admit,
    hash: async (party, password) => admit(party, () => queue.run(party, () => bcrypt.hash(password, cost))),
    async matches(party, password, hash) {
      if (refusing) throw new AppError('SHUTTING_DOWN');
      // bcrypt reads 72 bytes only: a longer password must not match by its beginning.
      const fits = Buffer.byteLength(password) <= 72;
      const equal = await queue.run(party, () => bcrypt.compare(password, hash ?? nobody));
      return equal && fits && hash !== undefined;
    },
    refuse() {
      refusing = true;
      queue.clear();
    },
  };
}

/** The places that are taken, of each party that has any. */
function createPlaces(): { take: (party: string) => () => void } {
  const taken = new Map<string, number>();
  let all = 0;
  return {
    take(party) {
      const mine = taken.get(party) ?? 0;
      if (mine >= most.part * (most.ofAll - all + mine)) throw new AppError('BUSY');
      taken.set(party, mine + 1);
      all++;
      return () => {
        const left = (taken.get(party) ?? 1) - 1;
        if (left > 0) taken.set(party, left);
        else taken.delete(party);
        all--;
      };
    },
  };
}
