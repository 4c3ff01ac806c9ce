/** A peer that does not read costs a bounded amount of memory, and nobody else notices. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { test } from 'node:test';
import { WebSocket } from 'ws';
import { buildTestApp, type TestApp } from '../helpers/app.ts';
import type { Person } from '../helpers/people.ts';
import type { Reply } from '../helpers/socket.ts';
import { until } from '../helpers/until.ts';

/** 24 KB of UTF-8. */
const longText = '語'.repeat(8000);
const megabyte = 1024 * 1024;

/** A greeted connection whose TCP socket is read no more. */
async function openAndStopReading({ url }: TestApp, { accessToken }: Person): Promise<WebSocket> {
  const webSocket = new WebSocket(`${url.replace('http', 'ws')}/ws`, { headers: { authorization: `Bearer ${accessToken}` } });
  await once(webSocket, 'message');
  webSocket.pause();
  return webSocket;
}

const serverSideOf = ({ app }: TestApp): WebSocket[] => [...app.websocketServer.clients];

test('a slow reader is cut off with 1013; everybody else gets every message in order', async (t) => {
  const testApp = await buildTestApp(t);
  const [ann, bob] = await Promise.all([testApp.person('Ann'), testApp.person('Bob')]);
  const { id: chatId } = await ann.call('chats.open', { userId: bob.id });
  const others = await Promise.all([ann.socket(), bob.socket()]);
  const slow = await openAndStopReading(testApp, bob);
  t.after(() => slow.terminate());

  let sent = 0;
  while (serverSideOf(testApp).every(({ readyState }) => readyState === WebSocket.OPEN)) {
    assert.ok(sent < 4000, 'what a slow reader leaves unread is bounded');
    await Promise.all(Array.from({ length: 50 }, () => ann.call('messages.send', { chatId, text: longText })));
    sent += 50;
  }
  slow.resume();
  assert.equal(((await once(slow, 'close')) as [number])[0], 1013);

  await ann.call('messages.send', { chatId, text: 'the last' });
  for (const socket of others) {
    for (let seq = 1; seq <= sent + 1; seq++) assert.equal((await socket.next('message.created')).params['seq'], seq);
    assert.equal(socket.webSocket.readyState, WebSocket.OPEN);
  }
});

/** Until the server reads the peer no more, and what it has not sent, more than `least` bytes, stays the same. Gives the most it was. */
async function comesToRest(serverSide: WebSocket, least: number): Promise<number> {
  let [unsent, steady, most] = [-1, 0, 0];
  await until('the server stops reading', () => {
    steady = serverSide.isPaused && serverSide.bufferedAmount === unsent ? steady + 1 : 0;
    unsent = serverSide.bufferedAmount;
    most = Math.max(most, unsent);
    return steady >= 10 && unsent > least;
  });
  return most;
}

test('a peer that asks and does not read the answers is not read either, until it does', async (t) => {
  const testApp = await buildTestApp(t);
  const ann = await testApp.person('Ann');
  const { chatId } = await ann.call('messages.send', { to: ann.id, text: longText });
  await Promise.all(Array.from({ length: 9 }, () => ann.call('messages.send', { chatId, text: longText })));
  const greedy = await openAndStopReading(testApp, ann);
  t.after(() => greedy.terminate());
  const [serverSide] = serverSideOf(testApp);
  assert.ok(serverSide);

  const count = 300;
  const ask = (id: number, method: string, params: object): void => greedy.send(JSON.stringify({ jsonrpc: '2.0', id, method, params }));
  for (let id = 1; id <= count; id++) ask(id, 'messages.list', { chatId, limit: 10 });
  ask(count + 1, 'messages.send', { chatId, text: 'read at last' });

  await comesToRest(serverSide, -1);
  const { items } = await ann.call('messages.list', { chatId, limit: 1 });
  assert.equal(items[0]?.seq, 10, 'the last request was not read');

  let answers = 0;
  greedy.on('message', () => (answers += 1));
  greedy.resume();
  // One of them is the event of the message.
  await until('every request is answered', () => answers === count + 2);
});

test('however many long answers a peer asks for, few of them are made before it reads', async (t) => {
  const testApp = await buildTestApp(t);
  const ann = await testApp.person('Ann');
  const { chatId } = await ann.call('messages.send', { to: ann.id, text: longText });
  await Promise.all(Array.from({ length: 99 }, () => ann.call('messages.send', { chatId, text: longText })));
  const greedy = await openAndStopReading(testApp, ann);
  t.after(() => greedy.terminate());
  const [serverSide] = serverSideOf(testApp);
  assert.ok(serverSide);
  const count = 40;
  for (let id = 1; id <= count; id++) greedy.send(JSON.stringify({ jsonrpc: '2.0', id, method: 'messages.sync', params: { limit: 500 } }));

  // More than lies in the sockets; until then the first answers are still being made.
  const most = await comesToRest(serverSide, megabyte);
  // One megabyte, and 16 answers of less than two that were begun before it was reached.
  assert.ok(most < 33 * megabyte, `${most} bytes`);

  let answers = 0;
  greedy.on('message', () => (answers += 1));
  greedy.resume();
  await until('every request is answered', () => answers === count);
});

test('a batch is no way around it: once its answers are long, the rest is answered BUSY', async (t) => {
  const { person } = await buildTestApp(t);
  const ann = await person('Ann');
  const { chatId } = await ann.call('messages.send', { to: ann.id, text: longText });
  await Promise.all(Array.from({ length: 49 }, () => ann.call('messages.send', { chatId, text: longText })));
  const socket = await ann.socket();
  const syncs = Array.from({ length: 50 }, (_, id) => ({ jsonrpc: '2.0', id, method: 'messages.sync', params: { limit: 500 } }));
  const answers = (await socket.raw(JSON.stringify(syncs))) as Reply[];
  assert.deepEqual(answers.map(({ id }) => id), syncs.map(({ id }) => id));
  assert.ok(Buffer.byteLength(JSON.stringify(answers)) < 33 * megabyte);
  const refusals = answers.filter(({ error }) => error);
  assert.deepEqual([...new Set(refusals.map(({ error }) => error?.data?.code))], ['BUSY']);
  assert.ok(answers.slice(-refusals.length).every(({ error }) => error), 'what is refused comes after what is carried out');
});
