/** Keeps one mongod running until told to stop: starts it again at once when it dies, gives up when it does not come up. */
import { setTimeout as delay } from 'node:timers/promises';
import { describeEnding } from './faults.ts';
import { toMessage } from './places.ts';
import type { Running } from './process.ts';

export interface Supervised {
  first: Running;
  start: (signal: AbortSignal) => Promise<Running>;
  end: (running: Running) => Promise<void>;
  report: (line: string) => void;
  onLost: (error: Error) => void;
}

/** Starts in a row that may fail before it is given up. */
const MOST_FAILURES = 5;

export function supervise({ first, start, end, report, onLost }: Supervised) {
  const stopping = new AbortController();
  const { signal } = stopping;
  let running = first;
  let restarting = Promise.resolve();

  function follow(next: Running): void {
    running = next;
    void next.ended.then((ending) => {
      if (!signal.aborted) restarting = restart(describeEnding(ending));
    });
  }

  async function restart(reason: string, failures = 0): Promise<void> {
    if (failures === MOST_FAILURES) {
      onLost(new Error(`MongoDB died and could not be started again (${reason})`));
      return;
    }
    report(`MongoDB died (${reason}): starting it again.`);
    try {
      await delay(200 * failures, undefined, { signal });
      follow(await start(signal));
    } catch (error) {
      if (!signal.aborted) await restart(toMessage(error), failures + 1);
    }
  }

  follow(first);
  return {
    pid: () => running.pid,
    async stop(): Promise<void> {
      stopping.abort();
      await restarting;
      await end(running);
    },
  };
}
