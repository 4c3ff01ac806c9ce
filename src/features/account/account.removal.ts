/**
 * The end of an account. One write erases everything personal and notes that the rest is to be done; every step of the
 * rest may be done twice, so whoever finds the note after a crash begins them again.
 */
import pLimit from 'p-limit';
import type { Caller } from '../../core/contract.ts';
import { AppError } from '../../core/errors.ts';
import { repeat, type Repeated } from '../../core/repeat.ts';
import type { Id } from '../../core/schemas.ts';
import { createTurns } from '../../core/turns.ts';
import { toFieldError } from '../../core/validate.ts';
import type { PasswordsService } from '../passwords/passwords.service.ts';
import type { SessionsService } from '../sessions/sessions.service.ts';
import type { Account, CredentialsService, Removal } from '../users/credentials.service.ts';
import type { RemovalStep } from './removal.steps.ts';

export interface RemovalInput {
  password?: string;
  messages: Removal['messages'];
}

export interface Removals {
  /** @throws WRONG_PASSWORD, FRESH_SIGN_IN_REQUIRED, SESSION_ENDED */
  remove(caller: Caller, input: RemovalInput): Promise<null>;
  /** Takes up what a crash has left undone, now and every minute. */
  start(): void;
  /** Lets the step under way end, and begins no other. */
  stop(): Promise<void>;
}

export interface RemovalParts {
  credentials: CredentialsService;
  sessions: SessionsService;
  passwords: PasswordsService;
  /** In their order. */
  steps: readonly RemovalStep[];
  onError: (error: unknown) => void;
}

/** Removals that are worked at together; a store with many to be taken up has other things to do, too. */
const atOnce = 3;

/** Milliseconds between two looks for removals that are not complete. */
const interval = 60_000;

/**
 * Milliseconds after which no request that was under way when the account was erased can leave anything behind any more,
 * say the session of a sign-in. Until then a removal is not complete: all of it is done once more.
 */
const settlingTime = 60_000;

export function createRemovals(parts: RemovalParts): Removals {
  const { credentials, sessions, passwords } = parts;
  const work = createWork(parts);
  const requireProof = async (caller: Caller, password: string | undefined): Promise<Account> => {
    const account = await sessions.requireAccount(caller);
    if (password !== undefined) await passwords.require(account, password, caller);
    else if ((await sessions.findFreshProof(caller.sessionId)) !== 'google') throw account.passwordHash === undefined ? new AppError('FRESH_SIGN_IN_REQUIRED') : toFieldError('password', 'is required, but within five minutes of a sign-in with Google');
    return account;
  };

  return {
    start: () => work.start(),
    stop: async () => work.stop(),
    async remove(caller, { password, messages }) {
      const account = await requireProof(caller, password);
      await sessions.requireAlive(caller);
      const removal = await credentials.erase(account, messages);
      if (removal) work.begin(account.id, removal);
      // Unless another removal was faster, all sessions had to end since the proof was looked at.
      else if (await credentials.find({ id: account.id })) throw new AppError('SESSION_ENDED');
      // Its sockets are closed before the answer; what takes longer goes on behind it.
      await sessions.endAll(account.id);
      return null;
    },
  };
}

/** The steps of all removals that are not complete: those of one account in their order, once at a time, and of a few accounts together. */
function createWork({ credentials, steps, onError }: RemovalParts) {
  const turns = createTurns();
  const limit = pLimit(atOnce);
  const underWay = new Set<Promise<void>>();
  const stopping = new AbortController();
  const { signal } = stopping;
  let looking: Repeated | undefined;

  const report = (error: unknown): void => {
    if (!signal.aborted) onError(error);
  };
  const proceed = async (userId: Id, removal: Removal): Promise<void> => {
    const isSettled = Date.now() - removal.startedAt.getTime() >= settlingTime;
    for (const step of steps) {
      signal.throwIfAborted();
      await step(userId, { ...removal, signal });
    }
    if (isSettled) await credentials.completeRemoval(userId);
  };
  const begin = (userId: Id, removal: Removal): void => {
    if (turns.isTaken(userId)) return;
    const work = turns.take(userId, () => limit(() => proceed(userId, removal))).catch(report);
    underWay.add(work);
    void work.then(() => underWay.delete(work));
  };
  const takeUp = async (): Promise<void> => {
    for (const { id, ...removal } of await credentials.findRemovals()) begin(id, removal);
  };

  return {
    begin,
    start(): void {
      void takeUp().catch(report);
      looking = repeat(takeUp, interval, report);
    },
    async stop(): Promise<void> {
      stopping.abort();
      looking?.stop();
      await Promise.all(underWay);
    },
  };
}
