/** How services speak to whoever is connected, without knowing who that is: the interface that delivery implements. */
import type { AnyEvent, Caller } from './contract.ts';
import type { Id } from './schemas.ts';
import type { Sheddable } from './shedding.ts';
import type { View } from './view.ts';

/** What a connection can listen to. */
export type Topic = `chat:${Id}` | `user:${Id}` | `session:${Id}` | `presence:${Id}`;

/** Which of those who listen an event is for. */
export interface Audience<E extends AnyEvent = AnyEvent> {
  /** Those alone for whom this is true, each on this connection of theirs. */
  only?: (userId: Id, caller: Caller) => boolean;
  /** What those get who may not see every message of the topic. The same event each time, for each is encoded once. */
  veiled?: (view: View) => E;
}

export interface Bus<E extends AnyEvent = AnyEvent> {
  /** Sends an event to every connection that listens to the topic. Calls are delivered in the order they are made. */
  publish(topic: Topic, event: E, audience?: Audience<E>): void;
  /** True if anybody listens: an event that takes work to make need not be made otherwise. */
  isHeard(topic: Topic): boolean;
  /** Those who listen to the topic, on each of their connections that does. */
  listenersOf(topic: Topic): Caller[];
  /** Makes every connection of a user listen to one more topic, from the next event on, as far as its messages are theirs to see. */
  join(userId: Id, topic: Topic, view: View): void;
  /**
   * From the next event on these users listen to the topic with all their connections, and nobody else does: each as far
   * as messages are theirs to see (see Audience). Gives those who have listened until now and do not any more.
   */
  restrict(topic: Topic, users: ReadonlyMap<Id, View>): Set<Id>;
  /**
   * From the next event on this is what a user who listens to the topic may see of its messages. Gives the last that all
   * their connections could have seen until now: Infinity where nothing ended.
   */
  reveal(userId: Id, topic: Topic, view: View): number;
  /** True if a connection of this user listens to the topic with an older view than this version of theirs. */
  isOutdated(userId: Id, topic: Topic, version: number): boolean;
  /** The connection that this caller speaks on listens to the presence of these people as well. */
  watch(caller: Caller, userIds: Iterable<Id>): void;
  /** It listens to nobody's presence any more. */
  unwatch(caller: Caller): void;
  /** True while the process has so much to do that events of this kind have to wait, or are left out. */
  isPressed(kind: Sheddable): boolean;
  /** Closes every connection of a session that has ended. */
  endSession(sessionId: Id): void;
}
