/** Keeps mongod's log bounded: the current file and one before it. */
import { renameSync, statSync } from 'node:fs';
import type { Places } from './places.ts';
import { isMongod, sendSignal } from './process.ts';

const LARGEST = 16 * 2 ** 20;

/** Sets the log aside, so that the next start begins a fresh one. */
export function setLogAside(places: Places): void {
  try {
    renameSync(places.log, `${places.log}.1`);
  } catch {
    // The first start has none.
  }
}

/** Lets the running mongod begin a new log whenever the current one is large; gives the function that ends this. */
export function keepLogSmall(places: Places, pid: () => number): () => void {
  const timer = setInterval(() => {
    // A log that is missing altogether is asked for again.
    if ((statSync(places.log, { throwIfNoEntry: false })?.size ?? LARGEST) < LARGEST) return;
    // If it has just died, the next one begins its own log.
    if (!isMongod(pid(), places)) return;
    setLogAside(places);
    sendSignal(pid(), 'SIGUSR1');
  }, 60_000);
  timer.unref();
  return () => clearInterval(timer);
}
