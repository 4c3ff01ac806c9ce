/** The open connections of this process, by topic: an event is encoded once and written to each of its listeners. */
import type { Audience, Bus, Topic } from '../core/bus.ts';
import type { AnyEvent, Caller } from '../core/contract.ts';
import type { Id } from '../core/schemas.ts';
import type { Sheddable } from '../core/shedding.ts';
import { everything, lastSeen, type View } from '../core/view.ts';
import type { Load } from './load.ts';
import { createBehind, limits } from './shedding.ts';
import { createTopics, type Topics } from './topics.ts';

/** How a wire spells an event. Connections of the same wire share one function, and so one encoding. */
export type Encode = (event: AnyEvent) => Buffer;

export interface Connection {
  /** In whose name it speaks. */
  readonly caller: Caller;
  readonly encode: Encode;
  send(frame: Buffer): void;
  /** Bytes of events that the peer has had the time to take, and has not. */
  unsent(): number;
  close(code: number, reason: string): void;
}

export interface Hub extends Bus {
  /** The connection listens to its user and its session from now on, and to nothing else. */
  attach(connection: Connection): void;
  /** The connection listens to these topics as well; where a view is given, it may see no more of its messages. */
  subscribe(connection: Connection, topics: Iterable<Topic>, views?: ReadonlyMap<Topic, View>): void;
  /** What it listens to was looked up again: so it is, but for what has been moved since it was subscribed. */
  correct(connection: Connection, before: ReadonlyMap<Topic, View>, now: ReadonlyMap<Topic, View>): void;
  detach(connection: Connection): void;
}

/** Without these nothing is ever left out. */
export interface HubOptions {
  /** Of which kind an event is, if it may be left out under load; by its name. */
  kindOf?: (name: string) => Sheddable | undefined;
  load?: Pick<Load, 'turn'>;
}

/** Close codes: 1013 "try again later" (IANA registry of RFC 6455), and our own for a session that is over. */
export const closeCodes = { tooSlow: 1013, sessionEnded: 4401 } as const;

/** A reader this far behind is cut off and syncs when it comes back: the others must not wait for it. */
const maximumUnsent = 1024 * 1024;

export function createHub({ kindOf = () => undefined, load = { turn: () => 0 } }: HubOptions = {}): Hub {
  const topics = createTopics<Connection>();
  const behind = createBehind<Connection>((connection, kinds) => connection.send(connection.encode({ name: 'connection.skipped', payload: { kinds } })));
  const detach = (connection: Connection): void => {
    topics.detach(connection);
    behind.forget(connection);
  };
  const cut = (connection: Connection, code: number, reason: string): void => {
    detach(connection);
    connection.close(code, reason);
  };

  return {
    subscribe: (connection, wanted, views) => topics.subscribe(connection, wanted, views),
    correct: (connection, before, now) => topics.correct(connection, before, now),
    detach,
    isHeard: (topic) => topics.listenersOf(topic).size > 0,
    listenersOf: (topic) => [...topics.listenersOf(topic)].map(({ caller }) => caller),
    isPressed: (kind) => load.turn() > limits[kind].turn,
    attach(connection) {
      topics.attach(connection);
      topics.subscribe(connection, [`user:${connection.caller.userId}`, `session:${connection.caller.sessionId}`]);
    },
    publish(topic, event, audience) {
      const frames: Frames = new Map();
      const kind = kindOf(event.name);
      for (const connection of topics.listenersOf(topic)) {
        const meant = audience === undefined ? event : chosen(event, audience, connection, topics.viewOf(connection, topic));
        if (meant === undefined) continue;
        const unsent = connection.unsent();
        if (unsent > maximumUnsent) cut(connection, closeCodes.tooSlow, 'reading too slowly: connect again and sync');
        else if (kind && unsent > limits[kind].unsent) behind.note(connection, kind);
        else connection.send(frameFor(frames, connection.encode, meant));
      }
    },
    ...createMoving(topics),
    endSession(sessionId) {
      for (const connection of topics.listenersOf(`session:${sessionId}`)) cut(connection, closeCodes.sessionEnded, 'the session has ended');
    },
  };
}

/** How services change who listens to what. */
function createMoving(topics: Topics<Connection>): Pick<Bus, 'join' | 'restrict' | 'reveal' | 'isOutdated' | 'watch' | 'unwatch'> {
  const connectionOf = (caller: Caller): Connection | undefined => [...topics.listenersOf(`user:${caller.userId}`)].find((connection) => connection.caller === caller);

  const listening = (userId: Id, topic: Topic): Connection[] => [...topics.listenersOf(`user:${userId}`)].filter((connection) => topics.listenersOf(topic).has(connection));

  return {
    join(userId, topic, view) {
      for (const connection of topics.listenersOf(`user:${userId}`)) if (!topics.listenersOf(topic).has(connection)) topics.subscribe(connection, [topic], new Map([[topic, view]]));
    },
    restrict(topic, users) {
      const cutOff = [...topics.listenersOf(topic)].filter(({ caller }) => !users.has(caller.userId));
      for (const connection of cutOff) topics.unsubscribe(connection, [topic]);
      for (const [userId, view] of users) for (const connection of topics.listenersOf(`user:${userId}`)) topics.subscribe(connection, [topic], new Map([[topic, view]]));
      return new Set(cutOff.map(({ caller }) => caller.userId));
    },
    isOutdated: (userId, topic, version) => listening(userId, topic).some((connection) => (topics.viewOf(connection, topic)?.version ?? 0) < version),
    reveal(userId, topic, view) {
      const connections = listening(userId, topic);
      const ends = connections.map((connection) => lastSeen(topics.viewOf(connection, topic) ?? everything));
      for (const connection of connections) topics.subscribe(connection, [topic], new Map([[topic, view]]));
      return Math.min(...ends);
    },
    watch(caller, userIds) {
      const connection = connectionOf(caller);
      if (connection) topics.subscribe(connection, [...userIds].map(presenceOf));
    },
    unwatch(caller) {
      const connection = connectionOf(caller);
      if (connection) topics.unsubscribe(connection, topics.topicsOf(connection).filter((topic) => topic.startsWith('presence:')));
    },
  };
}

const presenceOf = (userId: Id): Topic => `presence:${userId}`;

/** What of an event one listener gets. */
function chosen(event: AnyEvent, { only, veiled }: Audience, { caller }: Connection, view: View | undefined): AnyEvent | undefined {
  if (only && !only(caller.userId, caller)) return undefined;
  return veiled && view ? veiled(view) : event;
}

/** By event and wire. */
type Frames = Map<AnyEvent, Map<Encode, Buffer>>;

function frameFor(frames: Frames, encode: Encode, event: AnyEvent): Buffer {
  const known = frames.get(event)?.get(encode);
  if (known) return known;
  const made = encode(event);
  frames.set(event, (frames.get(event) ?? new Map<Encode, Buffer>()).set(encode, made));
  return made;
}
