/** The open connections of this process, by topic: an event is encoded once and written to each of its listeners. */
import type { Audience, Bus, Topic } from '../core/bus.ts';
import type { AnyEvent } from '../core/contract.ts';
import type { Id } from '../core/schemas.ts';
import type { View } from '../core/view.ts';
import { createTopics } from './topics.ts';

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
  /** The connection listens to these topics as well; where a view is given, it may see no more of its messages. */
  subscribe(connection: Connection, topics: Iterable<Topic>, views?: ReadonlyMap<Topic, View>): void;
  unsubscribe(connection: Connection, topics: Iterable<Topic>): void;
  detach(connection: Connection): void;
}

/** Close codes: 1013 "try again later" (IANA registry of RFC 6455), and our own for a session that is over. */
export const closeCodes = { tooSlow: 1013, sessionEnded: 4401 } as const;

/** A reader this far behind is cut off and syncs when it comes back: the others must not wait for it. */
const maximumUnsent = 1024 * 1024;

export function createHub(): Hub {
  const topics = createTopics<Connection>();
  const cut = (connection: Connection, code: number, reason: string): void => {
    topics.detach(connection);
    connection.close(code, reason);
  };

  return {
    subscribe: (connection, wanted, views) => topics.subscribe(connection, wanted, views),
    unsubscribe: (connection, unwanted) => topics.unsubscribe(connection, unwanted),
    detach: (connection) => topics.detach(connection),
    isHeard: (topic) => topics.listenersOf(topic).size > 0,
    attach(connection) {
      topics.attach(connection);
      topics.subscribe(connection, [`user:${connection.userId}`, `session:${connection.sessionId}`]);
    },
    publish(topic, event, audience) {
      const frames: Frames = new Map();
      for (const connection of topics.listenersOf(topic)) {
        const meant = audience === undefined ? event : chosen(event, audience, connection, topics.viewOf(connection, topic));
        if (meant === undefined) continue;
        if (connection.unsent() > maximumUnsent) cut(connection, closeCodes.tooSlow, 'reading too slowly: connect again and sync');
        else connection.send(frameFor(frames, connection.encode, meant));
      }
    },
    join(userId, topic, view) {
      for (const connection of topics.listenersOf(`user:${userId}`)) if (!topics.listenersOf(topic).has(connection)) topics.subscribe(connection, [topic], new Map([[topic, view]]));
    },
    restrict(topic, users) {
      for (const connection of topics.listenersOf(topic)) if (!users.has(connection.userId)) topics.unsubscribe(connection, [topic]);
      for (const [userId, view] of users) for (const connection of topics.listenersOf(`user:${userId}`)) topics.subscribe(connection, [topic], new Map([[topic, view]]));
    },
    reveal(userId, topic, view) {
      for (const connection of topics.listenersOf(`user:${userId}`)) if (topics.listenersOf(topic).has(connection)) topics.subscribe(connection, [topic], new Map([[topic, view]]));
    },
    endSession(sessionId) {
      for (const connection of topics.listenersOf(`session:${sessionId}`)) cut(connection, closeCodes.sessionEnded, 'the session has ended');
    },
  };
}

/** What of an event one listener gets. */
function chosen(event: AnyEvent, { only, veiled }: Audience, { userId }: Connection, view: View | undefined): AnyEvent | undefined {
  if (only && !only(userId)) return undefined;
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
