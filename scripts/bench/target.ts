/** What is measured: Parley, and the relay it is compared with. */
import type { Endpoint, Pair } from './jobs.ts';

export interface Target {
  pairs: readonly Pair[];
  idle: readonly Endpoint[];
  pid: number;
  /** The process that keeps its data, if that is another. */
  storePid?: number;
  stop(): Promise<void>;
}

/** The number of pairs, and of people who hold the idle connections. */
export const pairCount = 50;

export const idleCount = 2000;

/** The idle connections, spread over these. */
export const spread = (endpoints: readonly Endpoint[]): Endpoint[] => Array.from({ length: idleCount }, (_, index) => endpoints[index % endpoints.length] as Endpoint);
