/** What is left out first: for whoever reads too slowly, and when the server itself has too much to do. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { WebSocket } from 'ws';
import type { Sheddable } from '../../src/core/shedding.ts';
import { createHub, type Connection } from '../../src/delivery/hub.ts';
import { watchLoad } from '../../src/delivery/load.ts';
import { buildTestApp } from '../helpers/app.ts';
import { guest } from '../helpers/people.ts';
import { wrap } from '../helpers/socket.ts';
import { until } from '../helpers/until.ts';

const kilobyte = 1024;
const kinds: Record<string, Sheddable> = { presence: 'presence', typing: 'typing', marks: 'marks' };

/** A connection with as much unsent as is said, and what it hears. */
function createListener(unsent: number) {
  const heard: string[] = [];
  const listener = {
    caller: { ...guest, userId: 'ann', sessionId: 's', expiresAt: new Date() },
    encode: ({ name, payload }) => Buffer.from(`${name} ${JSON.stringify(payload)}`),
    backlog: unsent,
    unsent: () => listener.backlog,
    send: (frame) => heard.push(frame.toString().split(' ')[0] ?? ''),
    close: () => heard.push('closed'),
  } as Connection & { backlog: number };
  return { listener, heard };
}

function publishAll(hub: ReturnType<typeof createHub>): void {
  for (const name of ['presence', 'typing', 'marks', 'message']) hub.publish('user:ann', { name, payload: null });
}

test('the more somebody leaves unread, the more is left out: presence, then typing, then marks, and messages never', () => {
  const heardWith = (unsent: number): string[] => {
    const hub = createHub({ kindOf: (name) => kinds[name] });
    const { listener, heard } = createListener(unsent);
    hub.attach(listener);
    publishAll(hub);
    return heard;
  };
  assert.deepEqual(heardWith(64 * kilobyte), ['presence', 'typing', 'marks', 'message']);
  assert.deepEqual(heardWith(64 * kilobyte + 1), ['typing', 'marks', 'message']);
  assert.deepEqual(heardWith(128 * kilobyte + 1), ['marks', 'message']);
  assert.deepEqual(heardWith(256 * kilobyte + 1), ['message']);
  assert.deepEqual(heardWith(1024 * kilobyte), ['message']);
});

test('the longer the turns of the server, the more is pressed: presence, then typing, then marks', () => {
  const pressedAt = (turn: number): Sheddable[] => (['presence', 'typing', 'marks'] as const).filter((kind) => createHub({ load: { turn: () => turn } }).isPressed(kind));
  assert.deepEqual([50, 51, 101, 201].map(pressedAt), [[], ['presence'], ['presence', 'typing'], ['presence', 'typing', 'marks']]);
});

test('whoever has missed something is told what once they have caught up, and nobody else', async () => {
  const hub = createHub({ kindOf: (name) => kinds[name] });
  const [slow, typists, gone, fast] = [createListener(300 * kilobyte), createListener(0), createListener(300 * kilobyte), createListener(0)];
  for (const { listener } of [slow, typists, gone, fast]) hub.attach(listener);
  typists.listener.backlog = 200 * kilobyte;
  hub.publish('user:ann', { name: 'typing', payload: null });
  typists.listener.backlog = 0;
  publishAll(hub);
  hub.detach(gone.listener);
  for (const { listener } of [slow, gone]) listener.backlog = 0;
  await until('the slow one is told', () => slow.heard.includes('connection.skipped'));
  assert.deepEqual(slow.heard, ['message', 'connection.skipped']);
  assert.deepEqual([typists, gone, fast].flatMap(({ heard }) => heard.filter((name) => name === 'connection.skipped')), []);
});

test('a slow reader gets every message, is told that presence and marks were left out, and by asking knows as much as others', async (t) => {
  const { app, url, person } = await buildTestApp(t, { presenceGather: 5 });
  const [ann, bob] = await Promise.all([person('Ann'), person('Bob')]);
  const { id: chatId } = await ann.call('chats.open', { userId: bob.id });
  const { cursor } = await bob.call('messages.sync');
  const other = await bob.socket();
  const webSocket = new WebSocket(`${url.replace('http', 'ws')}/ws`, { headers: { authorization: `Bearer ${bob.accessToken}` } });
  t.after(() => webSocket.terminate());
  const slow = wrap(webSocket);
  await slow.next('connection.ready');
  webSocket.pause();
  const serverSide = [...app.websocketServer.clients].at(-1);
  let sent = 0;
  while ((serverSide?.bufferedAmount ?? 0) <= 300 * kilobyte) {
    await ann.call('messages.send', { chatId, text: '語'.repeat(8000) });
    sent += 1;
  }
  await ann.socket();
  assert.deepEqual((await other.next('presence.changed')).params, { userId: ann.id, online: true });
  await ann.call('chats.receive', { chats: { [chatId]: sent } });
  assert.equal((await other.next('chat.received')).params['chatId'], chatId);
  webSocket.resume();
  for (let seq = 1; seq <= sent; seq++) assert.equal((await slow.next('message.created')).params['seq'], seq);
  const { kinds: missed } = (await slow.next('connection.skipped')).params as { kinds: string[] };
  assert.deepEqual([...missed].sort(), ['marks', 'presence']);
  assert.deepEqual(slow.events.filter(({ method }) => /^(presence|chat)\./.test(method)), []);
  assert.deepEqual(await slow.call('presence.watch'), { people: [{ userId: ann.id, online: true }] });
  const { chats } = (await slow.call('messages.sync', { chats: { [chatId]: { seq: sent, rev: 0 } }, cursor })) as { chats: { members: { user: { id: string }; deliveredSeq: number }[] }[] };
  assert.equal(chats[0]?.members.find(({ user }) => user.id === ann.id)?.deliveredSeq, sent);
});

/** Makes every turn of the event loop take so long, until it is ended. */
function hog(milliseconds: number): () => void {
  let isOn = true;
  const turn = (): void => {
    const end = performance.now() + milliseconds;
    while (performance.now() < end);
    if (isOn) setImmediate(turn);
  };
  turn();
  return () => void (isOn = false);
}

test('one long turn is no load, turn after turn is', async (t) => {
  const load = watchLoad();
  t.after(() => load.stop());
  hog(400)();
  await until('a stretch is over', () => load.turn() > 0);
  assert.ok(load.turn() < 50, `${load.turn()} ms`);
  const end = hog(60);
  await until('it is seen', () => load.turn() > 50);
  end();
  await until('it is over', () => load.turn() < 50);
});

test('a server with too much to do tells of messages at once, of who has come and what was read when it is over', async (t) => {
  const { person } = await buildTestApp(t, { presenceGather: 5 });
  const [ann, bob] = await Promise.all([person('Ann'), person('Bob')]);
  const { chatId } = await ann.call('messages.send', { to: bob.id, text: 'one' });
  const anns = await ann.socket();
  const load = watchLoad();
  t.after(() => load.stop());
  const end = hog(210);
  t.after(end);
  let stretches = 0;
  // The server has a clock of its own: after two of ours it has had one whole.
  await until('the server knows', () => (stretches += load.turn() > 200 ? 1 : 0) > 10);
  await Promise.all([bob.socket(), bob.call('chats.read', { id: chatId, seq: 1 }), bob.call('chats.receive', { chats: { [chatId]: 1 } }), bob.call('presence.type', { chatId })]);
  await bob.call('messages.send', { chatId, text: 'two' });
  await anns.next('message.created');
  assert.deepEqual(anns.events.map(({ method }) => method), []);
  end();
  assert.equal((await anns.next('presence.changed')).params['online'], true);
  assert.deepEqual((await anns.next('chat.read')).params, { chatId, marks: [{ userId: bob.id, seq: 1 }] });
  assert.deepEqual((await anns.next('chat.received')).params, { chatId, marks: [{ userId: bob.id, seq: 1 }] });
});
