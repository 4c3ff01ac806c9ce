/** Hashing of passwords with bcrypt, a few at a time: the rest waits, and a queue that is too long is refused. */
import bcrypt from 'bcrypt';
import pLimit from 'p-limit';
import { AppError } from '../../core/errors.ts';

export interface Passwords {
  /** @throws BUSY when too many are waiting */
  hash(password: string): Promise<string>;
  /** Compares at the same cost when there is no hash to compare with, so that time tells nothing. @throws BUSY */
  matches(password: string, hash: string | undefined): Promise<boolean>;
}

/** libuv's default number of threads: more hashes at once would only wait there, in front of everything else. */
const concurrency = 4;
const maximumWaiting = 200;

export function createPasswords(cost: number): Passwords {
  const limit = pLimit(concurrency);
  const queue = <T>(work: () => Promise<T>): Promise<T> => {
    if (limit.pendingCount >= maximumWaiting) throw new AppError('BUSY');
    return limit(work);
  };
  const nobody = bcrypt.hashSync('nobody has this password', cost);
  return {
    hash: async (password) => queue(() => bcrypt.hash(password, cost)),
    async matches(password, hash) {
      // bcrypt reads 72 bytes only: a longer password must not match by its beginning.
      const fits = Buffer.byteLength(password) <= 72;
      const equal = await queue(() => bcrypt.compare(password, hash ?? nobody));
      return equal && fits && hash !== undefined;
    },
  };
}
