/** How services speak to whoever is connected, without knowing who that is: the interface that delivery implements. */
import type { AnyEvent } from './contract.ts';
import type { Id } from './schemas.ts';

/** What a connection can listen to. */
export type Topic = `chat:${Id}` | `user:${Id}` | `session:${Id}`;

/** Which of those who listen an event is for. */
export interface Audience<E extends AnyEvent = AnyEvent> {
  /** Those alone for whom this is true. */
  only?: (userId: Id) => boolean;
  /** What those get who may see messages after a number only. The same event each time, for each is encoded once. */
  veiled?: (fromSeq: number) => E;
}

export interface Bus<E extends AnyEvent = AnyEvent> {
  /** Sends an event to every connection that listens to the topic. Calls are delivered in the order they are made. */
  publish(topic: Topic, event: E, audience?: Audience<E>): void;
  /** True if anybody listens: an event that takes work to make need not be made otherwise. */
  isHeard(topic: Topic): boolean;
  /** Makes every connection of a user listen to one more topic, from the next event on. */
  join(userId: Id, topic: Topic): void;
  /**
   * From the next event on these users listen to the topic with all their connections, and nobody else does: each from a
   * number on, as far as messages are concerned (see Audience).
   */
  restrict(topic: Topic, users: ReadonlyMap<Id, number>): void;
  /** Closes every connection of a session that has ended. */
  endSession(sessionId: Id): void;
}
