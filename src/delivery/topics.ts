/** Who listens to what, both ways round, so that a connection leaves all its topics without a search. */
import type { Topic } from '../core/bus.ts';
import { seesAll, type View } from '../core/view.ts';

export interface Topics<C> {
  attach(connection: C): void;
  /** What somebody may see who may not see every message. */
  viewOf(connection: C, topic: Topic): View | undefined;
  listenersOf(topic: Topic): ReadonlySet<C>;
  topicsOf(connection: C): Topic[];
  subscribe(connection: C, topics: Iterable<Topic>, views?: ReadonlyMap<Topic, View>): void;
  /** Of what it was subscribed to with some views, others hold: none where there is none. What was moved since stays as it was moved. */
  correct(connection: C, before: ReadonlyMap<Topic, View>, now: ReadonlyMap<Topic, View>): void;
  unsubscribe(connection: C, topics: Iterable<Topic>): void;
  detach(connection: C): void;
}

export function createTopics<C>(): Topics<C> {
  const topicsOf = new Map<C, Set<Topic>>();
  const listeners = createListeners<C>();
  const partial = createPartialViews<C>();
  const leave = (connection: C, topic: Topic): void => {
    topicsOf.get(connection)?.delete(topic);
    listeners.remove(connection, topic);
    partial.set(connection, topic, undefined);
  };

  return {
    viewOf: (connection, topic) => partial.get(connection, topic),
    attach: (connection) => void topicsOf.set(connection, new Set()),
    listenersOf: (topic) => listeners.of(topic),
    topicsOf: (connection) => [...(topicsOf.get(connection) ?? [])],
    subscribe(connection, topics, views) {
      const own = topicsOf.get(connection);
      if (!own) return;
      for (const topic of topics) {
        own.add(topic);
        partial.set(connection, topic, views?.get(topic));
        listeners.add(connection, topic);
      }
    },
    correct(connection, before, now) {
      const own = topicsOf.get(connection);
      for (const [topic, was] of [...before].filter(([one]) => own?.has(one))) {
        const view = now.get(topic);
        if (!view) leave(connection, topic);
        else if (partial.get(connection, topic) === partialOf(was)) partial.set(connection, topic, view);
      }
    },
    unsubscribe(connection, topics) {
      for (const topic of topics) leave(connection, topic);
    },
    detach(connection) {
      for (const topic of [...(topicsOf.get(connection) ?? [])]) leave(connection, topic);
      topicsOf.delete(connection);
    },
  };
}

/** By topic, who listens. */
function createListeners<C>() {
  const byTopic = new Map<Topic, Set<C>>();
  const nobody: ReadonlySet<C> = new Set();
  return {
    of: (topic: Topic): ReadonlySet<C> => byTopic.get(topic) ?? nobody,
    add(connection: C, topic: Topic): void {
      const others = byTopic.get(topic);
      if (others) others.add(connection);
      else byTopic.set(topic, new Set([connection]));
    },
    remove(connection: C, topic: Topic): void {
      const others = byTopic.get(topic);
      others?.delete(connection);
      if (others?.size === 0) byTopic.delete(topic);
    },
  };
}

/** The views of the few who may not see everything. */
function createPartialViews<C>() {
  const byTopic = new Map<Topic, Map<C, View>>();
  return {
    get: (connection: C, topic: Topic): View | undefined => byTopic.get(topic)?.get(connection),
    set(connection: C, topic: Topic, view: View | undefined): void {
      const known = byTopic.get(topic);
      if (view && partialOf(view)) byTopic.set(topic, (known ?? new Map<C, View>()).set(connection, view));
      else if (known?.delete(connection) && known.size === 0) byTopic.delete(topic);
    },
  };
}

const partialOf = (view: View): View | undefined => (seesAll(view) ? undefined : view);
