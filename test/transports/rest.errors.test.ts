/** The form of every refusal over HTTP. */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { test } from 'node:test';
import { requireOperation } from '../../src/contracts.ts';
import { buildTestApp } from '../helpers/app.ts';
import { ask, requireError, telling } from './ask.ts';

const anId = '0123456789abcdef01234567';

test('every error is {code, message, details?, requestId} with the status of its code', async (t) => {
  const { url, person } = await buildTestApp(t);
  const [{ accessToken: token, email }, bob] = await Promise.all([person('Ann'), person('Bob')]);
  const sent = await bob.call('messages.send', { to: bob.id, text: 'a note' });
  requireError(await ask(url, '/nowhere'), 'NOT_FOUND');
  requireError(await ask(url, '/user/me', { method: 'PUT' }), 'NOT_FOUND');
  requireError(await ask(url, '/user/me'), 'UNAUTHENTICATED');
  requireError(await ask(url, `/user/${anId}`, { token }), 'USER_NOT_FOUND');
  requireError(await ask(url, '/user/somebody', { token }), 'VALIDATION_FAILED');
  requireError(await ask(url, `/chat/${anId}`, { token }), 'CHAT_NOT_FOUND');
  requireError(await ask(url, `/message/${randomUUID()}`, { token }), 'MESSAGE_NOT_FOUND');
  requireError(await ask(url, `/message/${sent.id}`, { token }), 'MESSAGE_NOT_FOUND');
  requireError(await ask(url, '/auth/login', { method: 'POST', json: { email, password: 'not this one' } }), 'WRONG_CREDENTIALS');
  requireError(await ask(url, '/auth/refresh', { method: 'POST', json: {} }), 'SESSION_ENDED');
  const account = { email, password: 'correct horse', firstName: 'Ann' };
  requireError(await ask(url, '/auth/register', { method: 'POST', json: account }), 'EMAIL_TAKEN');
});

test('a route for the signed-in answers strangers 401 before it looks at what they sent', async (t) => {
  const { url } = await buildTestApp(t);
  for (const { method, path, operation } of telling) {
    if (requireOperation(operation).access === 'anyone') continue;
    const answer = await ask(url, path.replace(/:\w+/, 'x'), { method, ...(method !== 'GET' && { raw: '{ not JSON', headers: { 'content-type': 'application/json' } }) });
    requireError(answer, 'UNAUTHENTICATED');
    assert.equal(answer.headers.get('www-authenticate'), 'Bearer');
  }
});

test('an Authorization header that is not a bearer token is no token', async (t) => {
  const { url, person } = await buildTestApp(t);
  const { accessToken } = await person('Ann');
  for (const authorization of ['Bearer', 'Bearer ', `Basic ${accessToken}`, accessToken, `Bearer ${accessToken} x`, 'Bearer [object Object]']) {
    requireError(await ask(url, '/user/me', { headers: { authorization } }), 'UNAUTHENTICATED');
  }
});
