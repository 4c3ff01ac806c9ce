/** Keeps one mongod running until told to stop: starts it again at once when it dies, gives up when it keeps dying. */
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

const TOO_MANY = 5;

export function supervise({ first, start, end, report, onLost }: Supervised) {
  const isTooOften = countDeaths();
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

  async function restart(reason: string, attempt = 0): Promise<void> {
    if (isTooOften()) {
      onLost(new Error(`MongoDB died ${TOO_MANY} times within a minute, the last time: ${reason}`));
      return;
    }
    report(`MongoDB died (${reason}): starting it again.`);
    try {
      await delay(200 * attempt, undefined, { signal });
      follow(await start(signal));
    } catch (error) {
      if (!signal.aborted) await restart(toMessage(error), attempt + 1);
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

/** A function to call at each death: true at the fifth within a minute. */
function countDeaths(): () => boolean {
  let deaths: number[] = [];
  return () => {
    const now = Date.now();
    deaths = [...deaths.filter((time) => now - time < 60_000), now];
    return deaths.length >= TOO_MANY;
  };
}
