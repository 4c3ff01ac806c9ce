/** Sends the mails of the queue in the background, a few at once, again and again until they are accepted or too old. */
import { setTimeout as pause } from 'node:timers/promises';
import { backOff, type Retries } from '../../core/back.off.ts';
import { createBell } from '../../core/bell.ts';
import { withDeadline } from '../../core/deadline.ts';
import { createMailLeases, type MailLeases } from './mail.leases.ts';
import type { MailDocument, MailModel } from './mail.model.ts';
import { sendMail, type SendingParts } from './mail.sending.ts';
import type { MailQueue } from './mails.service.ts';

export interface MailWorker {
  start(): void;
  /**
   * Takes up nothing more and waits for what is under way; what has not been sent by then is broken off and goes back to
   * the queue. Ends within twice `closing`, whatever hangs. The store must still be connected.
   */
  stop(): Promise<void>;
}

/** In milliseconds. */
export interface Pace extends Retries {
  /** Between two looks at the queue when nobody says that there is something. */
  idle: number;
  /** For one attempt; must end well before the lease, or another process takes the mail up meanwhile. */
  attempt: number;
  lease: number;
  closing: number;
}

export interface MailWorkerOptions extends SendingParts {
  mails: MailModel;
  queue: Pick<MailQueue, 'onEnqueued'>;
  onError: (error: unknown) => void;
  pace?: Partial<Pace>;
}

export const usualPace: Pace = { idle: 1000, firstRetry: 1000, longestRetry: 5 * 60_000, attempt: 40_000, lease: 60_000, closing: 1500 };
const atOnce = 3;

/** What it takes to see one mail through. */
interface Work extends SendingParts {
  leases: MailLeases;
  onError: (error: unknown) => void;
  pace: Pace;
  /** The worker has stopped: the store may be gone. */
  over: AbortSignal;
}

export function createMailWorker({ mails, queue, mailer, prepare, onError, pace: given = {} }: MailWorkerOptions): MailWorker {
  const pace = { ...usualPace, ...given };
  const leases = createMailLeases(mails, pace.lease);
  const over = new AbortController();
  const work: Work = { mailer, prepare, leases, onError, pace, over: over.signal };
  const bell = createBell();
  const inHand = new Map<MailDocument, AbortController>();
  let running = Promise.resolve();
  let stopping = false;

  const handle = async (mail: MailDocument): Promise<void> => {
    const attempt = new AbortController();
    inHand.set(mail, attempt);
    if (stopping) attempt.abort();
    await seeThrough(work, mail, attempt);
    inHand.delete(mail);
    bell.ring();
  };
  const run = async (): Promise<void> => {
    while (!stopping || inHand.size > 0) {
      const mail = stopping || inHand.size >= atOnce ? undefined : await takeOne(work, [...inHand.keys()]);
      if (mail) void handle(mail);
      else await bell.wait(pace.idle);
    }
  };

  queue.onEnqueued(() => bell.ring());
  return {
    start: () => void (running = run()),
    async stop() {
      stopping = true;
      bell.ring();
      await withDeadline(running, pace.closing).catch(() => undefined);
      for (const attempt of inHand.values()) attempt.abort();
      await withDeadline(running, pace.closing).catch(() => undefined);
      over.abort();
    },
  };
}

/** Never throws: a store that does not answer is asked again at the next look. */
async function takeOne({ leases, onError }: Work, inHand: readonly MailDocument[]): Promise<MailDocument | undefined> {
  try {
    return await leases.take(inHand.map(({ _id }) => _id));
  } catch (error) {
    onError(error);
    return undefined;
  }
}

/** Never throws: a mail that cannot even be given back is taken up when its lease has ended. */
async function seeThrough(work: Work, mail: MailDocument, attempt: AbortController): Promise<void> {
  const { leases, onError, pace } = work;
  const timer = setTimeout(() => attempt.abort(), pace.attempt);
  try {
    const outcome = await sendMail(work, mail, attempt.signal);
    if (outcome.error) onError(outcome.error);
    if (outcome.kind !== 'later') await remove(work, mail, outcome.kind);
    else await leases.giveBack(mail, new Date(Date.now() + backOff(mail.attempts, pace)));
  } catch (error) {
    onError(error);
  } finally {
    clearTimeout(timer);
  }
}

/** Tries until it is done: a mail that was sent and stays in the queue would be sent again. */
async function remove({ leases, onError, pace, over }: Work, mail: MailDocument, outcome: 'over' | 'needless'): Promise<void> {
  while (!over.aborted) {
    try {
      await leases.remove(mail, outcome);
      return;
    } catch (error) {
      onError(error);
      await pause(pace.idle);
    }
  }
}
