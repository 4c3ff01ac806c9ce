/** Several requests in one frame. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { buildTestApp } from '../helpers/app.ts';
import type { Reply, TestSocket } from '../helpers/socket.ts';

const request = (id: unknown, method = 'users.me', params = {}): object => ({ jsonrpc: '2.0', id, method, params });
const ask = (socket: TestSocket, frame: unknown): Promise<Reply | Reply[]> => socket.raw(JSON.stringify(frame));

test('a batch is answered in one array: results, errors and faults, but no notifications', async (t) => {
  const { person } = await buildTestApp(t);
  const ann = await person('Ann');
  const socket = await ann.socket();
  const answers = await ask(socket, [request('a'), { jsonrpc: '2.0', method: 'users.me' }, request('b', 'nobody'), 1, request('c', 'users.get', { id: ann.id }), [request('nested')]]);
  assert.ok(Array.isArray(answers));
  assert.deepEqual(answers.map(({ id, error }) => [id, error?.code]), [['a', undefined], ['b', -32601], [null, -32600], ['c', undefined], [null, -32600]]);
});

test('a batch of one is answered with an array of one', async (t) => {
  const { person } = await buildTestApp(t);
  const answers = await ask(await (await person('Ann')).socket(), [request(1)]);
  assert.ok(Array.isArray(answers));
  assert.equal(answers.length, 1);
});

test('an empty batch is one invalid request', async (t) => {
  const { person } = await buildTestApp(t);
  const { id, error } = (await ask(await (await person('Ann')).socket(), [])) as Reply;
  assert.deepEqual([id, error?.code], [null, -32600]);
});

test('a batch of notifications is not answered', async (t) => {
  const { person } = await buildTestApp(t);
  const ann = await person('Ann');
  const socket = await ann.socket();
  const send = (text: string): object => ({ jsonrpc: '2.0', method: 'messages.send', params: { to: ann.id, text } });
  socket.webSocket.send(JSON.stringify([send('one'), send('two')]));
  await socket.next('message.created');
  await socket.next('message.created');
  assert.equal(((await ask(socket, request('the only answer'))) as Reply).id, 'the only answer');
});

test('a batch of more than 50 is one invalid request, and none of it is carried out', async (t) => {
  const { person } = await buildTestApp(t);
  const ann = await person('Ann');
  const socket = await ann.socket();
  const sends = Array.from({ length: 51 }, (_, index) => request(index, 'messages.send', { to: ann.id, text: 'x' }));
  const { id, error } = (await ask(socket, sends)) as Reply;
  assert.deepEqual([id, error?.code], [null, -32600]);
  assert.equal(((await ask(socket, sends.slice(1))) as Reply[]).length, 50);
  const { items } = await ann.call('chats.list');
  assert.equal(items[0]?.head.seq, 50);
});
