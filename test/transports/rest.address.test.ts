/** What may stand in the path and in the query. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { buildTestApp } from '../helpers/app.ts';
import { ask, requireError, requireInvalid, type Answer } from './ask.ts';

test('the query is text and turned into the numbers that are asked for', async (t) => {
  const { url, person } = await buildTestApp(t);
  const ann = await person('Ann');
  const get = (path: string): Promise<Answer> => ask(url, path, { token: ann.accessToken });
  const { chatId } = await ann.call('messages.send', { to: ann.id, text: 'one' });
  await ann.call('messages.send', { to: ann.id, text: 'two' });
  const { body } = await get(`/message?chatId=${chatId}&after=1&limit=1`);
  assert.deepEqual((body as { items: { text: string }[] }).items.map(({ text }) => text), ['two']);
  for (const limit of ['', 'x', '0', '101', '1.5', '-1', 'true', 'null', '[1]', '1e999']) requireInvalid(await get(`/chat?limit=${limit}`), 'limit');
  requireInvalid(await get('/chat?limit=1&limit=2'), 'limit');
  requireInvalid(await get('/user?search=a&search=b'), 'search');
});

test('a key in the query that the operation does not name is refused by name', async (t) => {
  const { url, person } = await buildTestApp(t);
  const { accessToken: token } = await person('Ann');
  for (const key of ['x', 'search[$gt]', '__proto__', 'constructor', '__proto__[admin]', 'toString', '$where', 'id']) {
    requireInvalid(await ask(url, `/user?search=a&${encodeURIComponent(key)}=1`, { token }), key);
  }
  requireInvalid(await ask(url, '/user/me?id=1', { token }), 'id');
});

test('a route that takes a body takes no query', async (t) => {
  const { url, person } = await buildTestApp(t);
  const ann = await person('Ann');
  const { id } = await ann.call('messages.send', { to: ann.id, text: 'a note' });
  const { accessToken: token } = ann;
  requireInvalid(await ask(url, '/message?chatId=x', { method: 'POST', token, json: { text: 'hello' } }), 'chatId');
  requireInvalid(await ask(url, `/message?to=${ann.id}`, { method: 'POST', token, json: { text: 'hello' } }), 'to');
  requireInvalid(await ask(url, '/auth/login?username=x', { method: 'POST', json: { password: 'x' } }), 'username');
  requireInvalid(await ask(url, `/message/${id}?text=x`, { method: 'PATCH', token, json: { text: 'hello' } }), 'text');
});

test('an id in the path is taken from the path alone', async (t) => {
  const { url, person } = await buildTestApp(t);
  const ann = await person('Ann');
  const { id, chatId } = await ann.call('messages.send', { to: ann.id, text: 'a note' });
  requireInvalid(await ask(url, `/message/${id}`, { method: 'PATCH', token: ann.accessToken, json: { id, text: 'x' } }), 'id');
  requireInvalid(await ask(url, `/chat/${chatId}/read`, { method: 'POST', token: ann.accessToken, json: { id: chatId, seq: 1 } }), 'id');
});

test('a path that cannot be decoded, or that is no id, is a declared error', async (t) => {
  const { url, person } = await buildTestApp(t);
  const { accessToken: token } = await person('Ann');
  for (const path of ['/user/%', '/user/%zz', '/user/%c3%28', '/%ff', '/user/%ed%a0%80', '/message/%E0%A4%A']) {
    requireError(await ask(url, path, { token }), 'BAD_REQUEST', 'NOT_FOUND');
  }
  for (const id of ['x', '%00', 'me%00', '__proto__', 'constructor', '%7B%22%24gt%22%3A%22%22%7D', '0123456789ABCDEF01234567', 'a'.repeat(99)]) {
    requireInvalid(await ask(url, `/user/${id}`, { token }), 'id');
  }
  requireError(await ask(url, `/user/${'a'.repeat(5000)}`, { token }), 'NOT_FOUND', 'BAD_REQUEST', 'VALIDATION_FAILED');
});

test('a query that cannot be decoded is a declared error', async (t) => {
  const { url, person } = await buildTestApp(t);
  const { accessToken: token } = await person('Ann');
  for (const query of ['limit=%', 'limit=%zz', '%=%', '&&&=&', '=1', 'before=%ff', '__proto__', 'limit']) {
    requireError(await ask(url, `/chat?${query}`, { token }), 'VALIDATION_FAILED', 'BAD_REQUEST');
  }
});
