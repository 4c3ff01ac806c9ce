/** People who come and go, and what others hear of it. */
import assert from 'node:assert/strict';
import type { TestContext } from 'node:test';
import { buildTestApp, type TestApp } from './app.ts';
import type { Person } from './people.ts';
import type { TestSocket } from './socket.ts';
import { until } from './until.ts';

export interface Scene extends TestApp {
  /** Lets so many seconds pass. */
  wait: (seconds: number) => void;
  ann: Person;
  bob: Person;
}

/** Ann and Bob, who have a private chat, and a clock that stands still unless it is moved. */
export async function buildScene(t: TestContext): Promise<Scene> {
  let time = 0;
  const server = await buildTestApp(t, { presenceGather: 5, clock: () => time });
  const [ann, bob] = await Promise.all([server.person('Ann'), server.person('Bob')]);
  await ann.call('chats.open', { userId: bob.id });
  return { ...server, ann, bob, wait: (seconds) => void (time += 1000 * seconds) };
}

export interface Presence {
  userId: string;
  online: boolean;
  lastSeenAt?: string;
}

export const look = async (viewer: Person, ...others: { id: string }[]): Promise<Presence[]> => (await viewer.call('presence.get', { userIds: others.map(({ id }) => id) })).people;
export const heard = async (socket: TestSocket): Promise<Presence> => (await socket.next('presence.changed')).params as unknown as Presence;
export const watch = async (socket: TestSocket, others?: { id: string }[]): Promise<Presence[]> =>
  ((await socket.call('presence.watch', { ...(others && { userIds: others.map(({ id }) => id) }) })) as { people: Presence[] }).people;
export const tell = (person: Person, lastSeen: string): Promise<unknown> => person.call('users.update', { id: 'me', privacy: { lastSeen } });

/** Until the server has so many connections and no more. */
export const untilOpen = ({ app }: TestApp, count: number): Promise<boolean> => until('the server knows of the close', () => app.websocketServer.clients.size === count);

/** Closes a socket, and waits until the server knows. */
export async function leave(server: TestApp, socket: TestSocket): Promise<void> {
  const left = server.app.websocketServer.clients.size - 1;
  socket.webSocket.close();
  await untilOpen(server, left);
}

/** The next that this connection hears is that somebody else comes, whom it watches. */
export async function requireNothingUntil(socket: TestSocket, sentinel: Person): Promise<void> {
  await sentinel.socket();
  assert.deepEqual(await heard(socket), { userId: sentinel.id, online: true });
}
