/** Who listens to what, both ways round, so that a connection leaves all its topics without a search. */
import type { Topic } from '../core/bus.ts';
import { everything, seesAll, type View } from '../core/view.ts';

export interface Topics<C> {
  attach(connection: C): void;
  /** What somebody may see; undefined where that is every message, and nothing of theirs has changed. */
  viewOf(connection: C, topic: Topic): View | undefined;
  listenersOf(topic: Topic): ReadonlySet<C>;
  topicsOf(connection: C): Topic[];
  subscribe(connection: C, topics: Iterable<Topic>, views?: ReadonlyMap<Topic, View>): void;
  /** Of what it was subscribed to with some views, others hold: none where there is none. */
  correct(connection: C, before: ReadonlyMap<Topic, View>, now: ReadonlyMap<Topic, View>): void;
  unsubscribe(connection: C, topics: Iterable<Topic>): void;
  detach(connection: C): void;
}

export function createTopics<C>(): Topics<C> {
  const topicsOf = new Map<C, Set<Topic>>();
  const listeners = createListeners<C>();
  const viewed = createViews<C>();
  const leave = (connection: C, topic: Topic): void => {
    topicsOf.get(connection)?.delete(topic);
    listeners.remove(connection, topic);
    viewed.remove(connection, topic);
  };

  return {
    viewOf: (connection, topic) => viewed.get(connection, topic),
    attach: (connection) => void topicsOf.set(connection, new Set()),
    listenersOf: (topic) => listeners.of(topic),
    topicsOf: (connection) => [...(topicsOf.get(connection) ?? [])],
    subscribe(connection, topics, views) {
      const own = topicsOf.get(connection);
      if (!own) return;
      for (const topic of topics) {
        own.add(topic);
        viewed.set(connection, topic, views?.get(topic) ?? everything);
        listeners.add(connection, topic);
      }
    },
    correct(connection, before, now) {
      const own = topicsOf.get(connection);
      for (const topic of [...before.keys()].filter((one) => own?.has(one))) {
        const view = now.get(topic);
        if (view) viewed.set(connection, topic, view);
        else leave(connection, topic);
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

/** The views of those who may not see everything, or have changed something of their own. One that is older than what is known may have been read before it. */
function createViews<C>() {
  const byTopic = new Map<Topic, Map<C, View>>();
  return {
    get: (connection: C, topic: Topic): View | undefined => byTopic.get(topic)?.get(connection),
    set(connection: C, topic: Topic, view: View): void {
      const views = byTopic.get(topic);
      const known = views?.get(connection);
      if (known ? versionOf(view) < versionOf(known) : seesAll(view) && versionOf(view) === 0) return;
      byTopic.set(topic, (views ?? new Map<C, View>()).set(connection, view));
    },
    remove(connection: C, topic: Topic): void {
      const views = byTopic.get(topic);
      if (views?.delete(connection) && views.size === 0) byTopic.delete(topic);
    },
  };
}

const versionOf = ({ version = 0 }: View): number => version;
