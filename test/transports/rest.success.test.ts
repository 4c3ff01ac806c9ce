/** What each route answers when all is well. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { routes } from '../../src/transports/rest/routes.ts';
import { buildTestApp } from '../helpers/app.ts';
import { ask, type Asking } from './ask.ts';

test('every route answers 200, 201 with the thing made, or 204 with nothing', async (t) => {
  const { url, person } = await buildTestApp(t);
  const [ann, bob] = await Promise.all([person('Ann'), person('Bob')]);
  const asked = new Set<string>();
  const expect = async (status: number, route: string, path: string, asking: Asking = {}): Promise<Record<string, unknown>> => {
    asked.add(route);
    const answer = await ask(url, path, { method: route.split(' ')[0] ?? '', token: ann.accessToken, ...asking });
    assert.equal(answer.status, status, `${route} ${answer.text}`);
    if (status === 204) assert.equal(answer.text, '');
    else assert.equal(answer.type, 'application/json; charset=utf-8');
    return (answer.body ?? {}) as Record<string, unknown>;
  };

  const account = { email: 'cleo@example.org', password: 'correct horse', firstName: 'Cleo', refresh: 'body' };
  const made = await expect(201, 'POST /auth/register', '/auth/register', { json: account });
  assert.equal((made['user'] as { firstName: string }).firstName, 'Cleo');
  const { refreshToken } = await expect(200, 'POST /auth/login', '/auth/login', { json: { email: account.email, password: account.password, refresh: 'body' } });
  const refreshed = await expect(200, 'POST /auth/refresh', '/auth/refresh', { json: { refreshToken } });

  await expect(200, 'GET /user/me', '/user/me');
  await expect(200, 'GET /user/:id', `/user/${bob.id}`);
  await expect(200, 'GET /user', '/user?search=Bob');

  const { id: chatId } = (await expect(201, 'POST /chat', '/chat', { json: { userId: bob.id } })) as { id: string };
  await expect(200, 'GET /chat', '/chat');
  await expect(200, 'GET /chat/:id', `/chat/${chatId}`);

  const { id } = (await expect(201, 'POST /message', '/message', { json: { chatId, text: 'hello' } })) as { id: string };
  await expect(204, 'POST /chat/:id/read', `/chat/${chatId}/read`, { json: { seq: 1 } });
  await expect(200, 'GET /message', `/message?chatId=${chatId}`);
  await expect(200, 'POST /message/sync', '/message/sync', { json: {} });
  await expect(200, 'GET /message/:id', `/message/${id}`);
  await expect(200, 'PATCH /message/:id', `/message/${id}`, { json: { text: 'hello again' } });
  await expect(204, 'DELETE /message/:id', `/message/${id}`);

  // Last of all: it ends the session of the caller, too.
  await expect(204, 'POST /auth/logout', '/auth/logout', { json: { refreshToken: refreshed['refreshToken'] } });

  assert.deepEqual([...asked].sort(), routes.map(({ method, path }) => `${method} ${path}`).sort());
});

test('the probes and the documents need no token', async (t) => {
  const { url } = await buildTestApp(t);
  for (const path of ['/healthz', '/readyz', '/openapi.json', '/asyncapi.json']) assert.equal((await ask(url, path)).status, 200, path);
});
