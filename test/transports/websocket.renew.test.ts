/** A connection and the access token it was opened with: told when it runs out, renewed in place, closed when it has. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { test, type TestContext } from 'node:test';
import { WebSocket } from 'ws';
import { buildTestApp, freshDatabase, type TestApp } from '../helpers/app.ts';
import { decode } from '../helpers/jwt.ts';
import { guest, type Output, type Person } from '../helpers/people.ts';
import { openSocket, wrap, type RpcError, type TestSocket } from '../helpers/socket.ts';
import { until } from '../helpers/until.ts';
import { ask, requireError } from './ask.ts';

/** When a token runs out, as it says itself. */
const expiryOf = (accessToken: string): string => new Date(Number(decode(accessToken, 1)['exp']) * 1000).toISOString();

const refresh = async ({ dispatch }: TestApp, { refreshToken }: { refreshToken?: string }): Promise<Output<'auth.refresh'>> => (await dispatch.call('auth.refresh', guest, { refreshToken })) as Output<'auth.refresh'>;
const signIn = async ({ dispatch }: TestApp, { email, password }: Person): Promise<Output<'auth.login'>> => (await dispatch.call('auth.login', guest, { email, password })) as Output<'auth.login'>;

const isRefused = (code: string) => ({ data }: RpcError): boolean => data?.code === code;

/** Connections close soon after their tokens run out, which are good for a moment; those of `patient` for a quarter of an hour. */
async function twoPaces(t: TestContext): Promise<{ hasty: TestApp; patient: TestApp }> {
  const mongodbUri = freshDatabase(t);
  const [hasty, patient] = await Promise.all([buildTestApp(t, { mongodbUri, accessTokenLifetime: 3, tokenGrace: 100 }), buildTestApp(t, { mongodbUri })]);
  return { hasty, patient };
}

test('a connection is told when its token runs out', async (t) => {
  const { url, person } = await buildTestApp(t);
  const { accessToken } = await person('Ann');
  const webSocket = new WebSocket(`${url.replace('http', 'ws')}/ws`, ['parley', accessToken]);
  t.after(() => webSocket.terminate());
  const socket = wrap(webSocket);
  await once(webSocket, 'open');
  const { params } = await socket.next('connection.ready');
  assert.equal(params['expiresAt'], expiryOf(accessToken));
});

test('a connection whose token ran out is closed with 4401 after the grace, and told why', async (t) => {
  const { hasty } = await twoPaces(t);
  const socket = await (await hasty.person('Ann')).socket();
  const { code, reason } = await socket.closed;
  assert.equal(code, 4401);
  assert.match(reason, /token/);
});

test('within the grace a connection goes on though its token is refused everywhere else', async (t) => {
  const { url, person } = await buildTestApp(t, { accessTokenLifetime: 2 });
  const ann = await person('Ann');
  const socket = await ann.socket();
  await until('the token ran out', async () => (await ask(url, '/user/me', { token: ann.accessToken })).status === 401);
  assert.equal(((await socket.call('users.me')) as { id: string }).id, ann.id);
});

test('no connection is closed before its grace is over', async (t) => {
  const tokenGrace = 3000;
  const { person } = await buildTestApp(t, { accessTokenLifetime: 2, tokenGrace });
  const ann = await person('Ann');
  const { code } = await (await ann.socket()).closed;
  assert.equal(code, 4401);
  assert.ok(Date.now() >= ann.caller.expiresAt.getTime() + tokenGrace);
});

test('auth.renew gives a connection the time of the new token', async (t) => {
  const { hasty, patient } = await twoPaces(t);
  const ann = await hasty.person('Ann');
  const [renewed, left] = await Promise.all([ann.socket(), ann.socket()]);
  const { accessToken } = await refresh(patient, ann);
  assert.deepEqual(await renewed.call('auth.renew', { accessToken }), { expiresAt: expiryOf(accessToken) });
  assert.equal((await left.closed).code, 4401);
  assert.equal(((await renewed.call('users.me')) as { id: string }).id, ann.id);
  await (await hasty.person('Bob')).call('messages.send', { to: ann.id, text: 'still there?' });
  await renewed.next('message.created');
});

test('a connection renewed for a moment is closed when that has passed', async (t) => {
  const { hasty } = await twoPaces(t);
  const ann = await hasty.person('Ann');
  const socket = await ann.socket();
  await socket.call('auth.renew', { accessToken: (await refresh(hasty, ann)).accessToken });
  assert.equal((await socket.closed).code, 4401);
});

test('within the grace a connection can still be renewed', async (t) => {
  const app = await buildTestApp(t, { accessTokenLifetime: 2 });
  const ann = await app.person('Ann');
  const socket = await ann.socket();
  await until('the token ran out', async () => (await ask(app.url, '/user/me', { token: ann.accessToken })).status === 401);
  const { accessToken } = await refresh(app, ann);
  assert.deepEqual(await socket.call('auth.renew', { accessToken }), { expiresAt: expiryOf(accessToken) });
});

async function requireNotRenewed(socket: TestSocket, accessToken: string): Promise<void> {
  await assert.rejects(socket.call('auth.renew', { accessToken }), isRefused('UNAUTHENTICATED'));
}

test('the token of another session, of mine or of somebody else, does not renew a connection', async (t) => {
  const { hasty, patient } = await twoPaces(t);
  const [ann, bob] = await Promise.all([hasty.person('Ann'), patient.person('Bob')]);
  const socket = await ann.socket();
  await requireNotRenewed(socket, (await signIn(patient, ann)).accessToken);
  await requireNotRenewed(socket, bob.accessToken);
  assert.equal((await socket.closed).code, 4401, 'nor a refused one later');
});

test('a token that ran out, or is none, does not renew a connection, which goes on as before', async (t) => {
  const mongodbUri = freshDatabase(t);
  const [app, hasty] = await Promise.all([buildTestApp(t, { mongodbUri }), buildTestApp(t, { mongodbUri, accessTokenLifetime: 1 })]);
  const ann = await app.person('Ann');
  const socket = await ann.socket();
  const { accessToken } = await refresh(hasty, ann);
  await until('the token ran out', async () => (await ask(app.url, '/user/me', { token: accessToken })).status === 401);
  for (const token of [accessToken, ann.refreshToken, 'x', `${ann.accessToken} `, `Bearer ${ann.accessToken}`]) await requireNotRenewed(socket, token);
  await assert.rejects(socket.call('auth.renew', { accessToken: '' }), isRefused('VALIDATION_FAILED'));
  await assert.rejects(socket.call('auth.renew', {}), isRefused('VALIDATION_FAILED'));
  assert.equal(((await socket.call('users.me')) as { id: string }).id, ann.id);
});

test('a renewed connection ends with its session all the same', async (t) => {
  const app = await buildTestApp(t);
  const ann = await app.person('Ann');
  const socket = await ann.socket();
  await socket.call('auth.renew', { accessToken: (await refresh(app, ann)).accessToken });
  await ann.call('auth.logout');
  assert.equal((await socket.closed).code, 4401);
});

test('renewing is for connections: there is no such request over HTTP', async (t) => {
  const { url, person } = await buildTestApp(t);
  const { accessToken } = await person('Ann');
  requireError(await ask(url, '/auth/renew', { method: 'POST', token: accessToken, json: { accessToken } }), 'NOT_FOUND');
});

test('one connection whose token ran out takes no other along', async (t) => {
  const { hasty, patient } = await twoPaces(t);
  const ann = await patient.person('Ann');
  const [short, long] = [await refresh(hasty, await signIn(patient, ann)), ann];
  const [closing, open] = await Promise.all([openSocket(t, hasty.url, short.accessToken), openSocket(t, hasty.url, long.accessToken)]);
  assert.equal((await closing.closed).code, 4401);
  await open.call('users.me');
});
