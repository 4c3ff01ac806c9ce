/** Bodies that are not what a route asks for. */
import assert from 'node:assert/strict';
import { connect as connectTo } from 'node:net';
import { test } from 'node:test';
import { buildTestApp, connect } from '../helpers/app.ts';
import { guest, type Output } from '../helpers/people.ts';
import { until } from '../helpers/until.ts';
import { ask, exchange, parseAnswer, requireAlive, requireError, requireInvalid, type Answer } from './ask.ts';

const jsonType = { 'content-type': 'application/json' };

test('a body that is not JSON is MALFORMED_JSON', async (t) => {
  const { url } = await buildTestApp(t);
  for (const raw of ['{', '{"email":}', "{'email':1}", 'undefined', 'NaN', '{"a":1}}', '\u0000', ' ']) {
    requireError(await ask(url, '/auth/login', { method: 'POST', raw, headers: jsonType }), 'MALFORMED_JSON');
  }
  for (const raw of [Buffer.from([0x7b, 0xff, 0xfe, 0x7d]), Buffer.from('{"email":"caf\u00e9@example.org","password":"x"}', 'latin1')]) {
    requireError(await ask(url, '/auth/login', { method: 'POST', raw, headers: jsonType }), 'MALFORMED_JSON');
  }
});

test('no body at all is an empty one, and so is one without a byte that is said to be JSON', async (t) => {
  const { url, person } = await buildTestApp(t);
  const ann = await person('Ann');
  const { chatId } = await ann.call('messages.send', { to: ann.id, text: 'a note' });
  const token = ann.accessToken;
  for (const [method, path, status] of [['POST', '/message/sync', 200], ['POST', `/chat/${chatId}/clear`, 200], ['PATCH', `/chat/${chatId}/mine`, 200], ['GET', '/chat', 200], ['DELETE', '/auth/session', 204]] as const) {
    assert.equal((await ask(url, path, { method, token })).status, status, `${method} ${path}`);
    assert.equal((await ask(url, path, { method, token, headers: jsonType, ...(method !== 'GET' && { raw: '' }) })).status, status, `${method} ${path} with an empty body`);
    for (const end of ['', 'Content-Length: 0\r\n', 'Transfer-Encoding: chunked\r\n']) {
      const head = `${method} ${path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nAuthorization: Bearer ${token}\r\nContent-Type: application/json\r\n${end}\r\n`;
      const { status: given } = parseAnswer(await exchange(url, end.startsWith('T') ? `${head}0\r\n\r\n` : head));
      assert.equal(given, status, `${method} ${path} ${end}`);
    }
  }
  for (const headers of [{}, jsonType]) for (const field of ['email', 'password', 'firstName']) requireInvalid(await ask(url, '/auth/register', { method: 'POST', headers }), field);
});

test('only application/json is read', async (t) => {
  const { url } = await buildTestApp(t);
  const raw = JSON.stringify({ email: 'ann@example.org', password: 'x' });
  for (const type of ['text/plain', 'application/x-www-form-urlencoded', 'application/xml', 'multipart/form-data; boundary=x', 'application/octet-stream', '/', 'json']) {
    requireError(await ask(url, '/auth/login', { method: 'POST', raw, headers: { 'content-type': type } }), 'UNSUPPORTED_MEDIA_TYPE');
  }
  requireError(await ask(url, '/auth/login', { method: 'POST', raw, headers: { 'content-type': 'application/json; charset=utf-8' } }), 'WRONG_CREDENTIALS');
});

test('JSON is never coerced', async (t) => {
  const { url, person } = await buildTestApp(t);
  const { accessToken: token, id } = await person('Ann');
  const post = (path: string, json: unknown): Promise<Answer> => ask(url, path, { method: 'POST', token, json });
  const { id: chatId } = (await post('/chat', { userId: id })).body as { id: string };
  for (const seq of ['1', true, null, [1], {}, 1.5, -1, 2 ** 53]) requireInvalid(await post(`/chat/${chatId}/read`, { seq }), 'seq');
  for (const text of [1, true, null, ['hello'], {}]) requireInvalid(await post('/message', { chatId, text }), 'text');
  for (const limit of ['1', 0, 501, 1.5, null]) requireInvalid(await post('/message/sync', { limit }), 'limit');
  for (const body of [[], [{}], 'text', 1, true]) requireError(await post('/message', body), 'VALIDATION_FAILED');
});

test('a key that the operation does not name is refused by name', async (t) => {
  const { url, person } = await buildTestApp(t);
  const { accessToken: token, id } = await person('Ann');
  requireInvalid(await ask(url, '/chat', { method: 'POST', token, json: { userId: id, admin: true } }), 'admin');
  requireInvalid(await ask(url, '/auth/login', { method: 'POST', json: { email: 'ann@example.org', password: 'x', role: 'admin' } }), 'role');
  requireInvalid(await ask(url, '/message/sync', { method: 'POST', token, json: { chats: { [id]: { seq: 0, rev: 0, x: 1 } } } }), `chats/${id}/x`);
  requireInvalid(await ask(url, '/message/sync', { method: 'POST', token, json: { chats: { $where: { seq: 0, rev: 0 } } } }), 'chats/$where');
});

test('a removal takes no body', async (t) => {
  const { url, person } = await buildTestApp(t);
  const ann = await person('Ann');
  const { id } = await ann.call('messages.send', { to: ann.id, text: 'a note' });
  requireInvalid(await ask(url, `/message/${id}`, { method: 'DELETE', token: ann.accessToken, json: { text: { $gt: '' } } }), 'text');
  assert.equal((await ask(url, `/message/${id}`, { method: 'DELETE', token: ann.accessToken })).status, 204);
});

test('keys that would reach an object itself are refused', async (t) => {
  const { url } = await buildTestApp(t);
  const login = '"email":"ann@example.org","password":"x"';
  for (const poison of ['"__proto__":{"admin":true}', '"constructor":{"prototype":{"admin":true}}', '"constructor":1', '"prototype":{}', '"toString":1', '"hasOwnProperty":1']) {
    requireError(await ask(url, '/auth/login', { method: 'POST', raw: `{${login},${poison}}`, headers: jsonType }), 'MALFORMED_JSON', 'VALIDATION_FAILED');
  }
  assert.equal(({} as { admin?: boolean }).admin, undefined);
});

test('a body of a megabyte is PAYLOAD_TOO_LARGE, and the server goes on', async (t) => {
  const { url } = await buildTestApp(t);
  const json = { email: 'ann@example.org', password: 'x'.repeat(1024 * 1024) };
  requireError(await ask(url, '/auth/login', { method: 'POST', json }), 'PAYLOAD_TOO_LARGE');
  await requireAlive(url);
});

test('JSON nested a hundred thousand deep is refused like any other', async (t) => {
  const { url } = await buildTestApp(t);
  const depth = 100_000;
  requireError(await ask(url, '/auth/login', { method: 'POST', raw: '['.repeat(depth) + ']'.repeat(depth), headers: jsonType }), 'VALIDATION_FAILED', 'MALFORMED_JSON');
  requireError(await ask(url, '/auth/login', { method: 'POST', raw: `{"email":${'['.repeat(depth)}${']'.repeat(depth)}}`, headers: jsonType }), 'VALIDATION_FAILED', 'MALFORMED_JSON');
  await requireAlive(url);
});

/** Asks for something, and holds back all of the body but its first byte; gives what sends the rest and waits for the answer. */
function beginAsking(url: string, path: string, token: string, body: string, length = `Content-Length: ${Buffer.byteLength(body)}`): () => Promise<Answer> {
  const head = [`POST ${path} HTTP/1.1`, 'Host: x', `Authorization: Bearer ${token}`, 'Content-Type: application/json', length, 'Connection: close'];
  const socket = connectTo(Number(new URL(url).port), '127.0.0.1');
  socket.write(`${head.join('\r\n')}\r\n\r\n${body.slice(0, 1)}`);
  return async () => {
    socket.write(body.slice(1));
    return parseAnswer(Buffer.concat(await socket.toArray() as Buffer[]).toString());
  };
}

test('a request whose body is held back until its session has ended is refused, and does nothing', async (t) => {
  const { url, mongodbUri, person, dispatch, services } = await buildTestApp(t);
  const ann = await person('Ann');
  const { accessToken } = (await dispatch.call('auth.login', guest, { email: ann.email, password: ann.password })) as Output<'auth.login'>;
  const looks = t.mock.method(services.sessions, 'authenticate').mock;
  const goOn = beginAsking(url, '/message', accessToken, JSON.stringify({ to: ann.id, text: 'a note' }));
  const goOnWithNothing = beginAsking(url, '/message/sync', accessToken, '0\r\n\r\n', 'Transfer-Encoding: chunked');
  await until('the server knows who asks', () => looks.callCount() === 2);
  for (const { result } of looks.calls) await result;
  await ann.call('sessions.endOthers');
  requireError(await goOn(), 'UNAUTHENTICATED');
  requireError(await goOnWithNothing(), 'UNAUTHENTICATED');
  assert.equal(await (await connect(t, mongodbUri)).collection('messages').countDocuments(), 0);
});
