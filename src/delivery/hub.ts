/** The open connections of this process, by topic: an event is encoded once and written to each of its listeners. */
import type { Bus, Topic } from '../core/bus.ts';
import type { AnyEvent } from '../core/contract.ts';
import type { Id } from '../core/schemas.ts';

/** How a wire spells an event. Connections of the same wire share one function, and so one encoding. */
export type Encode = (event: AnyEvent) => Buffer;

export interface Connection {
  readonly userId: Id;
  readonly sessionId: Id;
  readonly encode: Encode;
  send(frame: Buffer): void;
  /** Bytes of events that the peer has had the time to take, and has not. */
  unsent(): number;
  close(code: number, reason: string): void;
}

export interface Hub extends Bus {
  /** The connection listens to its user and its session from now on, and to nothing else. */
  attach(connection: Connection): void;
  subscribe(connection: Connection, topics: Iterable<Topic>): void;
  unsubscribe(connection: Connection, topics: Iterable<Topic>): void;
  detach(connection: Connection): void;
}

/** Close codes: 1013 "try again later" (IANA registry of RFC 6455), and our own for a session that is over. */
export const closeCodes = { tooSlow: 1013, sessionEnded: 4401 } as const;

/** A reader this far behind is cut off and syncs when it comes back: the others must not wait for it. */
const maximumUnsent = 1024 * 1024;

export function createHub(): Hub {
  const { attach, subscribe, unsubscribe, detach, listenersOf } = createTopics();

  const cut = (connection: Connection, code: number, reason: string): void => {
    detach(connection);
    connection.close(code, reason);
  };

  return {
    subscribe,
    unsubscribe,
    detach,
    isHeard: (topic) => listenersOf(topic).size > 0,
    attach(connection) {
      attach(connection);
      subscribe(connection, [`user:${connection.userId}`, `session:${connection.sessionId}`]);
    },
    publish(topic, event) {
      const frames = new Map<Encode, Buffer>();
      for (const connection of listenersOf(topic)) {
        if (connection.unsent() > maximumUnsent) cut(connection, closeCodes.tooSlow, 'reading too slowly: connect again and sync');
        else connection.send(frameFor(frames, connection.encode, event));
      }
    },
    join(userId, topic) {
      for (const connection of listenersOf(`user:${userId}`)) subscribe(connection, [topic]);
    },
    restrict(topic, userIds) {
      const users = new Set(userIds);
      for (const connection of listenersOf(topic)) if (!users.has(connection.userId)) unsubscribe(connection, [topic]);
      for (const userId of users) for (const connection of listenersOf(`user:${userId}`)) subscribe(connection, [topic]);
    },
    endSession(sessionId) {
      for (const connection of listenersOf(`session:${sessionId}`)) cut(connection, closeCodes.sessionEnded, 'the session has ended');
    },
  };
}

/** Who listens to what, both ways round, so that a connection leaves all its topics without a search. */
function createTopics() {
  const listeners = new Map<Topic, Set<Connection>>();
  const topicsOf = new Map<Connection, Set<Topic>>();
  const nobody: ReadonlySet<Connection> = new Set();
  const leave = (connection: Connection, topic: Topic): void => {
    const others = listeners.get(topic);
    others?.delete(connection);
    if (others?.size === 0) listeners.delete(topic);
  };

  return {
    attach: (connection: Connection): void => void topicsOf.set(connection, new Set()),
    listenersOf: (topic: Topic): ReadonlySet<Connection> => listeners.get(topic) ?? nobody,
    subscribe: (connection: Connection, topics: Iterable<Topic>): void => {
      const own = topicsOf.get(connection);
      if (!own) return;
      for (const topic of topics) {
        own.add(topic);
        const others = listeners.get(topic);
        if (others) others.add(connection);
        else listeners.set(topic, new Set([connection]));
      }
    },
    unsubscribe: (connection: Connection, topics: Iterable<Topic>): void => {
      for (const topic of topics) {
        topicsOf.get(connection)?.delete(topic);
        leave(connection, topic);
      }
    },
    detach: (connection: Connection): void => {
      for (const topic of topicsOf.get(connection) ?? []) leave(connection, topic);
      topicsOf.delete(connection);
    },
  };
}

function frameFor(frames: Map<Encode, Buffer>, encode: Encode, event: AnyEvent): Buffer {
  const known = frames.get(encode);
  if (known) return known;
  const made = encode(event);
  frames.set(encode, made);
  return made;
}
