/** A connection and the access token it was opened with: told when it runs out, renewed in place, closed when it has. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { test, type TestContext } from 'node:test';
import { WebSocket } from 'ws';
import { buildTestApp, freshDatabase, type TestApp } from '../helpers/app.ts';
import { decode } from '../helpers/jwt.ts';
import { guest, type Output, type Person } from '../helpers/people.ts';
import { openSocket, wrap, type RpcError, type TestSocket } from '../helpers/socket.ts';
import { ask, requireError } from './ask.ts';

/** When a token runs out, as it says itself. */
const expiryOf = (accessToken: string): string => new Date(Number(decode(accessToken, 1)['exp']) * 1000).toISOString();

const refresh = async ({ dispatch }: TestApp, { refreshToken }: { refreshToken?: string }): Promise<Output<'auth.refresh'>> => (await dispatch.call('auth.refresh', guest, { refreshToken })) as Output<'auth.refresh'>;
const signIn = async ({ dispatch }: TestApp, { email, password }: Person): Promise<Output<'auth.login'>> => (await dispatch.call('auth.login', guest, { email, password })) as Output<'auth.login'>;

const isRefused = (code: string) => ({ data }: RpcError): boolean => data?.code === code;

/** Milliseconds for which a connection outlives its token, and those within which it is closed then. */
const grace = 60_000;
const slack = 5000;

/** From now on time passes only when told to, for all that looks at the clock or now and then. To be called before the app is built. */
function holdTime(t: TestContext): (milliseconds: number) => void {
  const { timers } = t.mock;
  timers.enable({ apis: ['Date', 'setInterval'], now: Date.now() });
  return (milliseconds) => timers.tick(milliseconds);
}

/** Two processes of one server: the tokens of `hasty` are good for ten seconds, those of `patient` for a quarter of an hour. */
async function twoPaces(t: TestContext): Promise<{ hasty: TestApp; patient: TestApp; pass: (milliseconds: number) => void }> {
  const pass = holdTime(t);
  // When a minute passes at once, no pong comes meanwhile.
  const common = { mongodbUri: freshDatabase(t), heartbeatMilliseconds: 3_600_000 };
  const [hasty, patient] = await Promise.all([buildTestApp(t, { ...common, accessTokenLifetime: 10 }), buildTestApp(t, common)]);
  return { hasty, patient, pass };
}

/** Milliseconds in which a token of `hasty` has run out, and the grace as well. */
const over = 10_000 + grace + slack;

const requireRefused = async ({ url }: TestApp, token: string): Promise<unknown> => requireError(await ask(url, '/user/me', { token }), 'UNAUTHENTICATED');

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
  const { hasty, pass } = await twoPaces(t);
  const socket = await (await hasty.person('Ann')).socket();
  pass(over);
  const { code, reason } = await socket.closed;
  assert.equal(code, 4401);
  assert.match(reason, /token/);
});

test('within the grace a connection goes on though its token is refused everywhere else', async (t) => {
  const { hasty, pass } = await twoPaces(t);
  const ann = await hasty.person('Ann');
  const socket = await ann.socket();
  pass(10_000);
  await requireRefused(hasty, ann.accessToken);
  assert.equal(((await socket.call('users.me')) as { id: string }).id, ann.id);
});

test('no connection is closed before its grace is over, and then within five seconds', async (t) => {
  const { hasty, pass } = await twoPaces(t);
  const ann = await hasty.person('Ann');
  const socket = await ann.socket();
  pass(ann.caller.expiresAt.getTime() - Date.now() + grace - 1);
  await socket.call('users.me');
  pass(slack + 1);
  assert.equal((await socket.closed).code, 4401);
});

test('auth.renew gives a connection the time of the new token', async (t) => {
  const { hasty, patient, pass } = await twoPaces(t);
  const ann = await hasty.person('Ann');
  const [renewed, left] = await Promise.all([ann.socket(), ann.socket()]);
  const { accessToken } = await refresh(patient, ann);
  assert.deepEqual(await renewed.call('auth.renew', { accessToken }), { expiresAt: expiryOf(accessToken) });
  pass(over);
  assert.equal((await left.closed).code, 4401);
  assert.equal(((await renewed.call('users.me')) as { id: string }).id, ann.id);
  await (await hasty.person('Bob')).call('messages.send', { to: ann.id, text: 'still there?' });
  await renewed.next('message.created');
});

test('an older token takes no time away from a connection', async (t) => {
  const { hasty, patient, pass } = await twoPaces(t);
  const ann = await patient.person('Ann');
  const socket = await ann.socket();
  const { accessToken } = await refresh(hasty, ann);
  assert.deepEqual(await socket.call('auth.renew', { accessToken }), { expiresAt: expiryOf(ann.accessToken) });
  pass(over);
  assert.equal(((await socket.call('users.me')) as { id: string }).id, ann.id);
});

test('a connection renewed for a moment is closed when that has passed', async (t) => {
  const { hasty, pass } = await twoPaces(t);
  const ann = await hasty.person('Ann');
  const socket = await ann.socket();
  pass(9000);
  await socket.call('auth.renew', { accessToken: (await refresh(hasty, ann)).accessToken });
  pass(grace + slack);
  await socket.call('users.me');
  pass(10_000);
  assert.equal((await socket.closed).code, 4401);
});

test('within the grace a connection can still be renewed', async (t) => {
  const { hasty, pass } = await twoPaces(t);
  const ann = await hasty.person('Ann');
  const socket = await ann.socket();
  pass(10_000);
  await requireRefused(hasty, ann.accessToken);
  const { accessToken } = await refresh(hasty, ann);
  assert.deepEqual(await socket.call('auth.renew', { accessToken }), { expiresAt: expiryOf(accessToken) });
});

async function requireNotRenewed(socket: TestSocket, accessToken: string): Promise<void> {
  await assert.rejects(socket.call('auth.renew', { accessToken }), isRefused('UNAUTHENTICATED'));
}

test('the token of another session, of mine or of somebody else, does not renew a connection', async (t) => {
  const { hasty, patient, pass } = await twoPaces(t);
  const [ann, bob] = await Promise.all([hasty.person('Ann'), patient.person('Bob')]);
  const socket = await ann.socket();
  await requireNotRenewed(socket, (await signIn(patient, ann)).accessToken);
  await requireNotRenewed(socket, bob.accessToken);
  pass(over);
  assert.equal((await socket.closed).code, 4401, 'nor a refused one later');
});

test('a token that ran out, or is none, does not renew a connection, which goes on as before', async (t) => {
  const { hasty, patient, pass } = await twoPaces(t);
  const ann = await patient.person('Ann');
  const socket = await ann.socket();
  const { accessToken } = await refresh(hasty, ann);
  pass(10_000);
  await requireRefused(patient, accessToken);
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
  const { hasty, patient, pass } = await twoPaces(t);
  const ann = await patient.person('Ann');
  const [short, long] = [await refresh(hasty, await signIn(patient, ann)), ann];
  const [closing, open] = await Promise.all([openSocket(t, hasty.url, short.accessToken), openSocket(t, hasty.url, long.accessToken)]);
  pass(over);
  assert.equal((await closing.closed).code, 4401);
  await open.call('users.me');
});
