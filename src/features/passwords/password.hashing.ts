/** Hashing of passwords with bcrypt, a few at a time: the rest waits, and a queue that is too long is refused. */
import bcrypt from 'bcrypt';
import pLimit from 'p-limit';
import { AppError } from '../../core/errors.ts';

export interface PasswordHashing {
  /**
   * Makes an attempt that ends in a comparison, with a place kept for it: one that could not be looked at is not begun.
   * @throws BUSY when too many are under way, SHUTTING_DOWN
   */
  admit<T>(attempt: () => Promise<T>): Promise<T>;
  /** @throws BUSY, SHUTTING_DOWN */
  hash(password: string): Promise<string>;
  /** Compares at the same cost when there is no hash to compare with, so that time tells nothing. @throws BUSY, SHUTTING_DOWN */
  matches(password: string, hash: string | undefined): Promise<boolean>;
  /** Refuses everybody who waits, and whoever still comes: the server closes. */
  refuse(): void;
}

/** Of libuv's four threads one is left to everything else that needs one, such as checking tokens. */
const concurrency = 3;
/** So many are hashed within half a minute even on a single core that has other things to do: whoever waits is answered in time. */
const maximumWaiting = 50;

export function createPasswordHashing(cost: number): PasswordHashing {
  const limit = pLimit({ concurrency, rejectOnClear: true });
  let refusing = false;
  let underWay = 0;
  const requireRoom = (taken: number): void => {
    if (refusing) throw new AppError('SHUTTING_DOWN');
    if (taken >= maximumWaiting) throw new AppError('BUSY');
  };
  const queue = async <T>(work: () => Promise<T>): Promise<T> => {
    requireRoom(limit.pendingCount);
    try {
      return await limit(work);
    } catch (error) {
      throw error instanceof Error && error.name === 'AbortError' ? new AppError('SHUTTING_DOWN') : error;
    }
  };
  const nobody = bcrypt.hashSync('nobody has this password', cost);
  return {
    async admit(attempt) {
      requireRoom(underWay);
      underWay++;
      try {
        return await attempt();
      } finally {
        underWay--;
      }
    },
    hash: async (password) => queue(() => bcrypt.hash(password, cost)),
    async matches(password, hash) {
      // bcrypt reads 72 bytes only: a longer password must not match by its beginning.
      const fits = Buffer.byteLength(password) <= 72;
      const equal = await queue(() => bcrypt.compare(password, hash ?? nobody));
      return equal && fits && hash !== undefined;
    },
    refuse() {
      refusing = true;
      limit.clearQueue();
    },
  };
}
