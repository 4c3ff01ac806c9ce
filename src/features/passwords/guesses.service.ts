/** The guard against guessing passwords and codes: shared by all processes, and the same for accounts that do not exist. */
import { createHash, randomUUID } from 'node:crypto';
import type { Guest } from '../../core/contract.ts';
import { AppError } from '../../core/errors.ts';
import { networkOf } from '../../core/network.ts';
import { createGuessCounters, type GuessCounters, type Limit } from './guess.counters.ts';
import type { GuessCollection } from './guess.model.ts';

export interface Guess {
  /** It was right: given back, and what failed from this address at this account before is forgotten. */
  succeeded(): Promise<void>;
  /** Nobody has looked whether it is right, say because too much was to do: given back. */
  withdraw(): Promise<void>;
}

export interface Guesses {
  /**
   * Counts an attempt before it is looked at: as wrong until it is said to have succeeded.
   * @param subject what is guessed at: the e-mail or username as typed, in small letters, or `totp:<user id>` and the like
   * @param isFamiliar whether this address has signed in to this account before; asked only where too many others fail
   * @throws RATE_LIMITED with details.retryAfter in seconds
   */
  begin(subject: string, guest: Guest, isFamiliar?: () => Promise<boolean>): Promise<Guess>;
}

export interface GuessesParts {
  collection: GuessCollection;
  now?: () => number;
  /** Multiplies how many attempts are allowed. */
  scale: number;
}

const second = 1000;
const minute = 60 * second;
const hour = 60 * minute;

/** Whom a limit is for. Only `subject` can hurt others than whoever guesses: so it is short, and spares the familiar. */
type Scope = 'pair' | 'address' | 'subject';

const limitsAt = (scale: number): Record<Scope, Limit[]> => {
  const scaled = (count: number): number => Math.max(1, Math.round(count * scale));
  return {
    pair: [
      { most: scaled(5), within: minute },
      { most: scaled(20), within: hour, wait: { first: minute, longest: hour } },
    ],
    address: [{ most: scaled(100), within: hour }],
    subject: [{ most: scaled(20), within: hour, wait: { first: second, longest: minute } }],
  };
};

export function createGuesses({ collection, now = Date.now, scale }: GuessesParts): Guesses {
  const counters = createGuessCounters(collection, now);
  const limits = limitsAt(scale);

  return {
    async begin(subject, { ip }, isFamiliar = () => Promise.resolve(false)) {
      const id = randomUUID();
      const address = networkOf(ip);
      const keys = { pair: keyOf('pair', subject, address), address: keyOf('address', address), subject: keyOf('subject', subject) };
      const counted: Scope[] = [];
      for (const scope of ['pair', 'address', 'subject'] as const) {
        const wait = await counters.count(keys[scope], limits[scope], id);
        if (wait === 0) counted.push(scope);
        else if (scope !== 'subject' || !(await isFamiliar())) {
          await giveBack(counters, counted.map((one) => keys[one]), id);
          throw new AppError('RATE_LIMITED', { retryAfter: Math.ceil(wait / second) });
        }
      }
      const others = counted.filter((scope) => scope !== 'pair').map((scope) => keys[scope]);
      return {
        async succeeded() {
          await Promise.all([counters.reset(keys.pair), giveBack(counters, others, id)]);
        },
        withdraw: () => giveBack(counters, [keys.pair, ...others], id),
      };
    },
  };
}

async function giveBack(counters: GuessCounters, keys: readonly string[], id: string): Promise<void> {
  await Promise.all(keys.map((key) => counters.giveBack(key, id)));
}

/** Neither names nor addresses are in the store. */
const keyOf = (scope: Scope, ...parts: readonly string[]): string => createHash('sha256').update(JSON.stringify([scope, ...parts])).digest('base64url');
