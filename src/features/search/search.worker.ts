/**
 * Keeps the index of words up with the log, behind everybody's back: it takes a fifth of the time at most, and what it
 * does at once is little. What is stored or changed here is noted, which costs its sender nothing. What no note tells of
 * (this process or another has died, or there was too much to note) is found by a look at every chat, at the start and
 * every few minutes, that compares where its log stands with how far the index has come.
 */
import { setTimeout as pause } from 'node:timers/promises';
import { createBell } from '../../core/bell.ts';
import { withDeadline } from '../../core/deadline.ts';
import type { Message } from '../../core/message.ts';
import type { Id } from '../../core/schemas.ts';
import type { Filling } from './search.filling.ts';
import { createSearchQueue, fillNext } from './search.queue.ts';
import { surveyPage, type Surveyed } from './search.survey.ts';

export interface SearchWorker {
  /** A message is in the log, or was changed there. */
  note(message: Pick<Message, 'chatId' | 'seq' | 'rev' | 'text'>): void;
  start(): void;
  /** Ends within a second and a half, whatever hangs. What is left is found by the next start. */
  stop(): Promise<void>;
}

/** In milliseconds. */
export interface SearchPace {
  /** From the first note after a rest until it is looked at: what comes meanwhile goes along. */
  gathering: number;
  /** After each step so many times as long as it took. */
  restFactor: number;
  /** Before something that has failed is tried again. */
  retry: number;
  /** Between two looks at every chat. */
  survey: number;
  closing: number;
}

export interface SearchWorkerOptions {
  filling: Filling;
  surveyed: Surveyed;
  onError: (error: unknown) => void;
  pace?: Partial<SearchPace>;
}

const usualPace: SearchPace = { gathering: 100, restFactor: 4, retry: 1000, survey: 5 * 60_000, closing: 1500 };

export function createSearchWorker({ filling, surveyed, onError, pace: given = {} }: SearchWorkerOptions): SearchWorker {
  const pace = { ...usualPace, ...given };
  const queue = createSearchQueue();
  const bell = createBell();
  const over = new AbortController();
  const rest = (milliseconds: number): Promise<unknown> => pause(milliseconds, undefined, { signal: over.signal }).catch(() => undefined);
  let running = Promise.resolve();

  const survey = createRounds(pace.survey, async (after) => (await surveyPage({ surveyed, filling, queue }, after)).last);
  /** Does something. Gives how long to rest then. */
  const step = async (): Promise<number> => {
    const began = performance.now();
    if (queue.takeOverflow()) survey.ask();
    const hasFilled = await fillNext(filling, queue);
    if (!hasFilled && survey.isDue()) await survey.goOn();
    else if (!hasFilled && queue.isEmpty()) {
      await bell.wait(survey.untilDue());
      return pace.gathering;
    }
    return (performance.now() - began) * pace.restFactor;
  };
  const tryStep = (): Promise<number> =>
    step().catch((error: unknown) => {
      onError(error);
      return pace.retry;
    });
  const run = async (): Promise<void> => {
    while (!over.signal.aborted) await rest(await tryStep());
  };

  return {
    note({ chatId, seq, rev = 0, text }) {
      queue.note(chatId, { seq, rev }, text);
      bell.ring();
    },
    start: () => void (running = run()),
    async stop() {
      over.abort();
      bell.ring();
      await withDeadline(running, pace.closing).catch(() => undefined);
    },
  };
}

/** Rounds through all chats, page by page: the first at once, each further one so long after the last has ended, or at once if that is asked for meanwhile. */
function createRounds(interval: number, look: (after: Id | undefined) => Promise<Id | undefined>) {
  let after: Id | undefined;
  let dueAt = 0;
  let isAsked = false;
  return {
    isDue: () => performance.now() >= dueAt,
    untilDue: () => Math.max(0, dueAt - performance.now()),
    /** A round under way goes on to its end first: begun again and again, none would come there. */
    ask(): void {
      isAsked = true;
      dueAt = 0;
    },
    async goOn(): Promise<void> {
      if (after === undefined) isAsked = false;
      after = await look(after);
      if (after === undefined && !isAsked) dueAt = performance.now() + interval;
    },
  };
}
