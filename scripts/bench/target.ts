/** What is measured: Parley, and the relay it is compared with. */
import type { Endpoint, Line } from './jobs.ts';

export interface Target {
  /** Pairs of people with a chat of their own. */
  pairs: readonly Line[];
  /** People who are in one chat all together. */
  group: readonly Line[];
  /** Connections of other people, to whom nothing happens. */
  idle: readonly Endpoint[];
  pid: number;
  /** The process that keeps its data, if that is another. */
  storePid?: number;
  stop(): Promise<void>;
}

export const pairCount = 50;

/** The people of the pairs are those of the group. */
export const groupSize = 2 * pairCount;
const groupSenders = 5;

export const idleCount = 2000;

/** The number of pairs of people who hold the idle connections: each has one chat. */
export const idlePairCount = 25;

/** What the receiver is told of is a delivery. The sender's connection is told of it as well by some, and it is not counted. */
export const pairOf = (chatId: string, sender: Endpoint, receiver: Endpoint): Line[] => [
  { chatId, endpoint: sender, sends: true, counts: false },
  { chatId, endpoint: receiver, sends: false, counts: true },
];

/** A message is delivered to each connection of the group, to the one that has sent it as well: one message is as many deliveries as the group has people. */
export const groupOf = (chatId: string, members: readonly Endpoint[]): Line[] =>
  members.map((endpoint, index) => ({ chatId, endpoint, sends: index < groupSenders, counts: true }));

/** The idle connections, spread over these. */
export const spread = (endpoints: readonly Endpoint[]): Endpoint[] => Array.from({ length: idleCount }, (_, index) => endpoints[index % endpoints.length] as Endpoint);
