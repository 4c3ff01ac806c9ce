/** Who listens to what, both ways round, so that a connection leaves all its topics without a search. */
import type { Topic } from '../core/bus.ts';

export interface Topics<C> {
  attach(connection: C): void;
  /** From which number on somebody listens who may not see every message; 0 otherwise. */
  fromSeqOf(connection: C, topic: Topic): number;
  listenersOf(topic: Topic): ReadonlySet<C>;
  subscribe(connection: C, topics: Iterable<Topic>, fromSeqs?: ReadonlyMap<Topic, number>): void;
  unsubscribe(connection: C, topics: Iterable<Topic>): void;
  detach(connection: C): void;
}

export function createTopics<C>(): Topics<C> {
  const listeners = new Map<Topic, Set<C>>();
  const topicsOf = new Map<C, Set<Topic>>();
  const nobody: ReadonlySet<C> = new Set();
  const numbers = createNumbers<C>();
  const leave = (connection: C, topic: Topic): void => {
    const others = listeners.get(topic);
    others?.delete(connection);
    if (others?.size === 0) listeners.delete(topic);
    numbers.set(connection, topic, 0);
  };

  return {
    fromSeqOf: (connection, topic) => numbers.get(connection, topic),
    attach: (connection) => void topicsOf.set(connection, new Set()),
    listenersOf: (topic) => listeners.get(topic) ?? nobody,
    subscribe(connection, topics, fromSeqs) {
      const own = topicsOf.get(connection);
      if (!own) return;
      for (const topic of topics) {
        own.add(topic);
        numbers.set(connection, topic, fromSeqs?.get(topic) ?? 0);
        const others = listeners.get(topic);
        if (others) others.add(connection);
        else listeners.set(topic, new Set([connection]));
      }
    },
    unsubscribe(connection, topics) {
      for (const topic of topics) {
        topicsOf.get(connection)?.delete(topic);
        leave(connection, topic);
      }
    },
    detach(connection) {
      for (const topic of topicsOf.get(connection) ?? []) leave(connection, topic);
      topicsOf.delete(connection);
    },
  };
}

/** A number for the few that have one. */
function createNumbers<C>() {
  const byTopic = new Map<Topic, Map<C, number>>();
  return {
    get: (connection: C, topic: Topic): number => byTopic.get(topic)?.get(connection) ?? 0,
    set(connection: C, topic: Topic, number: number): void {
      const known = byTopic.get(topic);
      if (number > 0) byTopic.set(topic, (known ?? new Map<C, number>()).set(connection, number));
      else if (known?.delete(connection) && known.size === 0) byTopic.delete(topic);
    },
  };
}
