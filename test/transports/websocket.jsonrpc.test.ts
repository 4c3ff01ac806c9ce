/** JSON-RPC 2.0, as its specification has it. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { buildTestApp } from '../helpers/app.ts';
import type { Reply, TestSocket } from '../helpers/socket.ts';

const ask = (socket: TestSocket, frame: unknown): Promise<Reply> => socket.raw(typeof frame === 'string' ? frame : JSON.stringify(frame)) as Promise<Reply>;

test('a request is answered with its result and its own id, of whatever kind that is', async (t) => {
  const { person } = await buildTestApp(t);
  const ann = await person('Ann');
  const socket = await ann.socket();
  const me = await ann.call('users.me');
  for (const id of ['text', '', '1', 'ключ', 0, -1, 1.5, 9_007_199_254_740_991, null]) {
    assert.deepEqual(await ask(socket, { jsonrpc: '2.0', id, method: 'users.me' }), { jsonrpc: '2.0', id, result: me });
  }
});

test('an operation with nothing to say gives null', async (t) => {
  const { person } = await buildTestApp(t);
  const ann = await person('Ann');
  const { chatId } = await ann.call('messages.send', { to: ann.id, text: 'a note' });
  const answer = await ask(await ann.socket(), { jsonrpc: '2.0', id: 'x', method: 'chats.read', params: { id: chatId, seq: 1 } });
  assert.deepEqual(answer, { jsonrpc: '2.0', id: 'x', result: null });
});

test('a frame that is not JSON is -32700 with the id null', async (t) => {
  const { person } = await buildTestApp(t);
  const socket = await (await person('Ann')).socket();
  for (const frame of ['', '{', 'hello', '{"jsonrpc":"2.0","id":1,', 'NaN', "{'id':1}", '[1,', '\0', '\u{feff}']) {
    const { id, error } = await ask(socket, frame);
    assert.deepEqual([id, error?.code, error?.message, error?.data?.code], [null, -32700, 'Not valid JSON.', 'MALFORMED_JSON']);
    assert.ok(error?.data?.requestId);
  }
});

test('JSON that is no request is -32600 with the id null', async (t) => {
  const { person } = await buildTestApp(t);
  const socket = await (await person('Ann')).socket();
  const valid = { jsonrpc: '2.0', id: 1, method: 'users.me', params: {} };
  const wrong = [
    ...[null, true, 1, 'users.me', {}, []],
    ...[undefined, 2, 2.0, '1.0', null].map((jsonrpc) => ({ ...valid, jsonrpc })),
    ...[true, {}, [], ['1']].map((id) => ({ ...valid, id })),
    ...[undefined, null, 1, {}, ['users.me']].map((method) => ({ ...valid, method })),
    ...[null, 1, true, 'params'].map((params) => ({ ...valid, params })),
  ];
  for (const frame of [...wrong.map((value) => JSON.stringify(value)), '{"jsonrpc":"2.0","id":1e999,"method":"users.me"}']) {
    const { id, error } = await ask(socket, frame);
    assert.deepEqual([id, error?.code, error?.data?.code], [null, -32600, 'BAD_REQUEST'], frame);
  }
});

test('a method nobody declares is -32601', async (t) => {
  const { person } = await buildTestApp(t);
  const socket = await (await person('Ann')).socket();
  for (const method of ['users.nothing', '', 'me', 'users', 'users.create', 'auth.authenticate', 'chats.isMember', '__proto__', 'constructor', 'toString', 'users.constructor', 'message.created', 'Users.me', '\ud800']) {
    const { id, error } = await ask(socket, { jsonrpc: '2.0', id: 7, method });
    assert.deepEqual([id, error?.code, error?.data?.code], [7, -32601, 'UNKNOWN_OPERATION'], method);
  }
});

test('parameters that are not as declared are -32602, with the fields', async (t) => {
  const { person } = await buildTestApp(t);
  const ann = await person('Ann');
  const socket = await ann.socket();
  const invalid = async (method: string, params: unknown, field: string): Promise<void> => {
    const { id, error } = await ask(socket, { jsonrpc: '2.0', id: 'p', method, params });
    assert.deepEqual([id, error?.code, error?.data?.code], ['p', -32602, 'VALIDATION_FAILED'], JSON.stringify(params));
    const { fields } = error?.data?.details as { fields: { field: string; problem: string }[] };
    assert.ok(fields.some((problem) => problem.field === field && problem.problem.length > 0), JSON.stringify(fields));
  };
  await invalid('messages.send', { to: ann.id }, 'text');
  await invalid('messages.send', { to: ann.id, text: 1 }, 'text');
  await invalid('messages.send', { to: ann.id, text: 'x', extra: 1 }, 'extra');
  await invalid('messages.send', { text: 'x' }, 'chatId');
  await invalid('chats.list', { limit: '1' }, 'limit');
  await invalid('users.me', { id: 1 }, 'id');
  await invalid('users.me', [], '');
  await invalid('users.get', [ann.id], '');
});

test('our own errors are -32000 and name their code and the request', async (t) => {
  const { person } = await buildTestApp(t);
  const socket = await (await person('Ann')).socket();
  const { error } = await ask(socket, { jsonrpc: '2.0', id: 1, method: 'users.get', params: { id: '0123456789abcdef01234567' } });
  assert.equal(error?.code, -32000);
  assert.equal(error.message, 'There is no such user.');
  assert.equal(error.data?.code, 'USER_NOT_FOUND');
  assert.match(error.data.requestId ?? '', /^[0-9a-f-]{36}$/);
  assert.deepEqual(Object.keys(error).sort(), ['code', 'data', 'message']);
});

test('a notification is carried out and not answered, right or wrong', async (t) => {
  const { person } = await buildTestApp(t);
  const ann = await person('Ann');
  const socket = await ann.socket();
  const notify = (method: string, params: object): void => socket.webSocket.send(JSON.stringify({ jsonrpc: '2.0', method, params }));
  notify('users.nothing', {});
  notify('messages.send', { text: 'to nobody' });
  notify('messages.send', { to: ann.id, text: 'a note' });
  assert.equal((await socket.next('message.created')).params['text'], 'a note');
  const next = await ask(socket, { jsonrpc: '2.0', id: 'the only answer', method: 'users.me' });
  assert.equal(next.id, 'the only answer');
});
