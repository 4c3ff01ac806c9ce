/** The guard against guessing passwords and codes: shared by all processes, and the same for accounts that do not exist. */
import { randomUUID } from 'node:crypto';
import type { Guest } from '../../core/contract.ts';
import { AppError } from '../../core/errors.ts';
import { networkOf } from '../../core/network.ts';
import type { CounterKey, CountersService, Limit } from '../counters/counters.service.ts';

export interface Guess {
  /**
   * Looks whether it is right, and says so. If it was, what failed from this address at this account before is forgotten. If
   * it could not be looked at, say because too much was to do, it does not count, and the caller is told why.
   */
  settle(look: () => Promise<boolean>): Promise<boolean>;
}

export interface Guesses {
  /**
   * Counts an attempt before it is looked at: as wrong until it is said to have succeeded.
   * @param subject what is guessed at: `login:<e-mail or username as typed, in small letters>`, `account:<user id>`, `code:<user id>`
   * @param reach whose failures count together for those who are not familiar: of each address, or from anywhere; the
   *   latter keeps out the owner as well, so it is for what only somebody comes to who has passed another step
   * @param isFamiliar whether this address has signed in to this account before; asked each time, for accounts that do not exist as well
   * @throws RATE_LIMITED with details.retryAfter in seconds: one, as long as this process looks at others that count together with it, for one of them may be right
   */
  begin(subject: string, guest: Guest, isFamiliar?: () => Promise<boolean>, reach?: 'address' | 'anywhere'): Promise<Guess>;
}

export interface GuessesParts {
  counters: CountersService;
  /** Multiplies how many attempts are allowed. */
  scale: number;
}

const second = 1000;
const minute = 60 * second;
const hour = 60 * minute;

interface Limits {
  /** For an address at a subject, as long as not too many strangers fail there. */
  pair: Limit[];
  /** For a stranger's address at a subject at which too many strangers fail. */
  hotPair: Limit[];
  /** For an address, whatever it guesses at that it is not familiar with. */
  address: Limit[];
  /** How many failures from anywhere make a subject hot. It refuses nobody: if it did, those who fail would keep others out. */
  subject: Limit;
}

const limitsAt = (scale: number): Limits => {
  const scaled = (count: number): number => Math.max(1, Math.round(count * scale));
  const growing = { first: minute, longest: hour };
  return {
    pair: [
      { most: scaled(5), within: minute },
      { most: scaled(20), within: hour, wait: growing },
    ],
    hotPair: [{ most: scaled(1), within: hour, wait: growing }],
    address: [{ most: scaled(100), within: hour }],
    subject: { most: scaled(20), within: hour },
  };
};

export function createGuesses({ counters, scale }: GuessesParts): Guesses {
  const limits = limitsAt(scale);
  const looks = createLooks();
  const giveBack = async (keys: readonly CounterKey[], id: string): Promise<void> => {
    await Promise.all(keys.map((key) => counters.giveBack(key, id)));
  };

  return {
    async begin(subject, { ip }, isFamiliar = () => Promise.resolve(false), reach = 'address') {
      const id = randomUUID();
      const address = networkOf(ip);
      const isStranger = !(await isFamiliar());
      // The familiar are counted apart, and only so that an attempt of theirs takes as long as any other.
      const keys = {
        subject: [isStranger ? 'strangers' : 'familiar', subject],
        pair: ['pair', subject, isStranger && reach === 'anywhere' ? reach : address],
        address: ['address', address, ...(isStranger ? [] : [subject])],
      };
      const requireFree = async (key: CounterKey, wanted: readonly Limit[], counted: readonly CounterKey[]): Promise<void> => {
        const wait = await counters.count(key, wanted, id);
        if (wait === 0) return;
        const isUndecided = looks.areUnderWay(key);
        await giveBack(counted, id);
        throw new AppError('RATE_LIMITED', { retryAfter: isUndecided ? 1 : Math.ceil(wait / second) });
      };

      const isHot = (await counters.count(keys.subject, [limits.subject], id)) > 0;
      await requireFree(keys.pair, isHot && isStranger ? limits.hotPair : limits.pair, [keys.subject]);
      const end = looks.begin(keys.pair);
      try {
        await requireFree(keys.address, limits.address, [keys.subject, keys.pair]);
        // Not before: what is refused must not keep a subject hot.
        if (isHot) await counters.add(keys.subject, limits.subject, id);
      } catch (error) {
        end();
        throw error;
      }
      const succeeded = async (): Promise<void> => {
        await Promise.all([counters.reset(keys.pair), giveBack([keys.subject, keys.address], id)]);
      };
      return toGuess(succeeded, () => giveBack(Object.values(keys), id), end);
    },
  };
}

/** The guesses that this process is looking at. */
function createLooks() {
  const looks = new Map<string, Set<object>>();
  return {
    areUnderWay: (key: CounterKey): boolean => looks.has(JSON.stringify(key)),
    /** Gives what ends it. */
    begin(key: CounterKey): () => void {
      const name = JSON.stringify(key);
      const look = {};
      const others = looks.get(name) ?? new Set();
      looks.set(name, others.add(look));
      return () => {
        others.delete(look);
        if (others.size === 0) looks.delete(name);
      };
    },
  };
}

const toGuess = (succeeded: () => Promise<void>, withdraw: () => Promise<void>, end: () => void): Guess => ({
  async settle(look) {
    try {
      const isRight = await look();
      if (isRight) await succeeded();
      return isRight;
    } catch (error) {
      // If that fails as well, it stays counted.
      await withdraw().catch(() => undefined);
      throw error;
    } finally {
      end();
    }
  },
});
