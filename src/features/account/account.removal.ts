/**
 * The end of an account. One write erases everything personal and notes that the rest is to be done; every step of the
 * rest may be done twice, so whoever finds the note after a crash begins them again.
 */
import type { Caller } from '../../core/contract.ts';
import { AppError } from '../../core/errors.ts';
import type { Id } from '../../core/schemas.ts';
import { createTurns } from '../../core/turns.ts';
import type { MailQueue } from '../mails/mails.service.ts';
import type { PasswordsService } from '../passwords/passwords.service.ts';
import type { SessionsService } from '../sessions/sessions.service.ts';
import type { CredentialsService } from '../users/credentials.service.ts';

export interface RemovalInput {
  password?: string;
  messages: RemovalWish['messages'];
}

export interface Removals {
  /** @throws WRONG_PASSWORD, FRESH_SIGN_IN_REQUIRED */
  remove(caller: Caller, input: RemovalInput): Promise<null>;
  /** Takes up what a crash has left undone, now and every minute. */
  start(): void;
  /** Lets the step under way end, and begins no other. */
  stop(): Promise<void>;
}

/** Something to be done for an account that is gone; done twice it is done as well. */
export type RemovalStep = (userId: Id, wish: RemovalWish) => Promise<unknown>;

export interface RemovalWish {
  messages: 'keep' | 'remove';
  /** Breaks off what takes long, when the server stops. */
  signal: AbortSignal;
}

export interface RemovalParts {
  credentials: CredentialsService;
  sessions: SessionsService;
  passwords: PasswordsService;
  mails: MailQueue;
  /** In their order; the first ends the sessions. */
  steps: readonly RemovalStep[];
  onError: (error: unknown) => void;
}

/** Milliseconds between two looks for removals that are not complete. */
const interval = 60_000;

export function createRemovals(parts: RemovalParts): Removals {
  const { credentials, sessions, passwords, mails } = parts;
  const work = createWork(parts);
  const requireProof = async (caller: Caller, password: string | undefined): Promise<void> => {
    const account = await credentials.require(caller.userId);
    if (password !== undefined) return passwords.require(account, password, caller);
    if ((await sessions.findFreshProof(caller.sessionId)) !== 'google') throw new AppError('FRESH_SIGN_IN_REQUIRED');
  };

  return {
    start: () => work.start(),
    stop: async () => work.stop(),
    async remove(caller, { password, messages }) {
      await requireProof(caller, password);
      const { id, me } = await credentials.require(caller.userId);
      await credentials.erase(id, messages);
      work.begin(id, messages);
      // Its sockets are closed before the answer; what takes longer goes on behind it.
      await sessions.endAll(id);
      if (me.email !== undefined) await mails.enqueue({ kind: 'account-removed', to: me.email, language: me.language, values: { name: me.firstName } });
      return null;
    },
  };
}

/** The steps of all removals that are not complete: those of one account in their order, once at a time. */
function createWork({ credentials, steps, onError }: RemovalParts) {
  const turns = createTurns();
  const underWay = new Set<Promise<void>>();
  const stopping = new AbortController();
  const { signal } = stopping;
  let timer: NodeJS.Timeout | undefined;

  const report = (error: unknown): void => {
    if (!signal.aborted) onError(error);
  };
  const proceed = async (userId: Id, messages: RemovalWish['messages']): Promise<void> => {
    for (const step of steps) {
      signal.throwIfAborted();
      await step(userId, { messages, signal });
    }
    await credentials.completeRemoval(userId);
  };
  const begin = (userId: Id, messages: RemovalWish['messages']): void => {
    if (turns.isTaken(userId)) return;
    const work = turns.take(userId, () => proceed(userId, messages)).catch(report);
    underWay.add(work);
    void work.then(() => underWay.delete(work));
  };
  const takeUp = async (): Promise<void> => {
    for (const { id, messages } of await credentials.findRemovals()) begin(id, messages);
  };

  return {
    begin,
    start(): void {
      void takeUp().catch(report);
      timer = setInterval(() => void takeUp().catch(report), interval).unref();
    },
    async stop(): Promise<void> {
      stopping.abort();
      clearInterval(timer);
      await Promise.all(underWay);
    },
  };
}
