/**
 * Passwords: which are taken, how they are kept, and how often somebody may guess at them. However a device composes their
 * characters, they are the same (RFC 8265, section 4.2.2).
 */
import type { Guest } from '../../core/contract.ts';
import { AppError } from '../../core/errors.ts';
import { networkOf } from '../../core/network.ts';
import { toFieldError } from '../../core/validate.ts';
import type { SecurityService } from '../security/security.service.ts';
import type { Guesses } from './guesses.service.ts';
import type { PasswordHashing } from './password.hashing.ts';
import { requireStrongPassword, type PasswordOwner } from './password.rules.ts';

export interface PasswordAttempt {
  /** What the guesses of one account have in common: what was typed, or its id. */
  subject: string;
  password: string;
  /** Absent for an account that has none, or does not exist: compared at the same cost, never right. */
  hash: string | undefined;
  guest: Guest;
  /** Whether this address has signed in to this account before. */
  isFamiliar: () => Promise<boolean>;
}

export interface PasswordsService {
  /** @throws PASSWORD_TOO_EASY, BUSY */
  hash(password: string, owner: PasswordOwner, guest: Guest): Promise<string>;
  /** Keeps a place for an attempt before anything is looked up for it: of a flood, most is refused without a word to the store. @throws BUSY */
  admit<T>(guest: Guest, attempt: () => Promise<T>): Promise<T>;
  /** For an attempt that was admitted. @throws RATE_LIMITED after too many wrong ones, BUSY */
  check(attempt: PasswordAttempt): Promise<boolean>;
  /**
   * Admits and checks an attempt at an account that is known.
   * @param field what the password is called in the request, for whoever left it out
   * @throws VALIDATION_FAILED if there is none, WRONG_PASSWORD, RATE_LIMITED, BUSY
   */
  require(account: { id: string; passwordHash: string | undefined }, password: string | undefined, guest: Guest, field?: string): Promise<void>;
}

export interface PasswordsParts {
  hashing: PasswordHashing;
  guesses: Guesses;
  security: SecurityService;
}

export function createPasswordsService({ hashing, guesses, security }: PasswordsParts): PasswordsService {
  const check: PasswordsService['check'] = async ({ subject, password, hash, guest, isFamiliar }) => {
    const guess = await guesses.begin(subject, guest, isFamiliar);
    return guess.settle(() => hashing.matches(networkOf(guest.ip), password.normalize('NFC'), hash));
  };
  return {
    admit: async (guest, attempt) => hashing.admit(networkOf(guest.ip), attempt),
    check,
    async hash(password, owner, guest) {
      requireStrongPassword(password, owner);
      return hashing.hash(networkOf(guest.ip), password.normalize('NFC'));
    },
    async require({ id, passwordHash }, password, guest, field = 'password') {
      if (password === undefined) throw toFieldError(field, 'is required');
      const isFamiliar = (): Promise<boolean> => security.hasSignedInFrom(id, guest.ip);
      if (await hashing.admit(networkOf(guest.ip), () => check({ subject: `account:${id}`, password, hash: passwordHash, guest, isFamiliar }))) return;
      await security.record(id, 'password-failed', guest);
      throw new AppError('WRONG_PASSWORD');
    },
  };
}
