/** Limits on how often something is asked: who is counted, what they are told, and that it is the same on every wire. */
import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import type { LightMyRequestResponse } from 'fastify';
import { operations } from '../../src/contracts.ts';
import type { Caller } from '../../src/core/contract.ts';
import { ordinary } from '../../src/core/rate.ts';
import { createRates } from '../../src/transports/rates.ts';
import { buildTestApp, type TestApp } from '../helpers/app.ts';
import { guest } from '../helpers/people.ts';
import type { RpcError, TestSocket } from '../helpers/socket.ts';
import { ask, requireError, type Answer } from './ask.ts';

/** The rates are as the contract has them, and time stands still unless it is moved. */
async function buildRatedApp(t: TestContext, scale = '1'): Promise<TestApp & { wait: (seconds: number) => void }> {
  let time = 0;
  const server = await buildTestApp(t, { env: { RATE_SCALE: scale }, clock: () => time });
  return { ...server, wait: (seconds) => void (time += 1000 * seconds) };
}

/** `[limit, remaining, reset, retry after]` as the headers say. */
const standingOf = ({ headers }: Answer): (number | null)[] =>
  ['ratelimit-limit', 'ratelimit-remaining', 'ratelimit-reset', 'retry-after'].map((name) => (headers.has(name) ? Number(headers.get(name)) : null));

const search = (url: string, token: string): Promise<Answer> => ask(url, '/user?search=ann', { token });
const times = <T>(count: number, make: () => Promise<T>): Promise<T[]> => Promise.all(Array.from({ length: count }, make));

/** The refusal of a request over a socket. */
async function refusal(socket: TestSocket, method: string, params: object): Promise<RpcError['data']> {
  const error = await socket.call(method, params).then(() => assert.fail(`${method} passed`), (reason: unknown) => reason as RpcError);
  assert.equal(error.code, -32000);
  return error.data;
}

/** Follows a link that leads nowhere. */
const knock = (app: TestApp['app'], remoteAddress: string): Promise<LightMyRequestResponse> =>
  app.inject({ method: 'POST', url: '/auth/verify-email', remoteAddress, payload: { token: 'x' } });

/** For each operation that mails, guesses, searches or makes something: requests that come back within so many seconds, and who is counted. */
const own: Record<string, [number, number, 'address' | 'caller']> = {
  'auth.register': [60, 3600, 'address'],
  'auth.login': [60, 60, 'address'],
  'auth.loginWithGoogle': [60, 60, 'address'],
  'auth.verifySecondFactor': [60, 60, 'address'],
  'auth.confirm': [30, 60, 'caller'],
  'auth.refresh': [300, 60, 'address'],
  'auth.logout': [300, 60, 'address'],
  'account.sendVerificationEmail': [10, 3600, 'caller'],
  'account.changeEmail': [10, 3600, 'caller'],
  'account.sendResetEmail': [20, 3600, 'address'],
  'account.verifyEmail': [60, 60, 'address'],
  'account.confirmEmail': [60, 60, 'address'],
  'account.undo': [60, 60, 'address'],
  'account.resetPassword': [60, 60, 'address'],
  'account.changePassword': [30, 60, 'caller'],
  'account.linkGoogle': [30, 60, 'caller'],
  'account.unlinkGoogle': [30, 60, 'caller'],
  'account.remove': [30, 60, 'caller'],
  'files.upload': [60, 60, 'caller'],
  'files.create': [60, 60, 'caller'],
  'files.progress': [20, 1, 'caller'],
  'files.append': [20, 1, 'caller'],
  'files.complete': [60, 60, 'caller'],
  'files.content': [100, 1, 'caller'],
  'files.thumbnail': [100, 1, 'caller'],
  'files.photo': [100, 1, 'caller'],
  'totp.enrol': [30, 60, 'caller'],
  'totp.confirm': [30, 60, 'caller'],
  'totp.renewRecoveryCodes': [30, 60, 'caller'],
  'totp.disable': [30, 60, 'caller'],
  'users.update': [60, 60, 'caller'],
  'users.search': [2, 1, 'caller'],
  'blocks.create': [1, 1, 'caller'],
  'blocks.remove': [1, 1, 'caller'],
  'groups.create': [10, 60, 'caller'],
  'groups.update': [5, 1, 'caller'],
  'groups.remove': [5, 1, 'caller'],
  'groups.add': [5, 1, 'caller'],
  'groups.expel': [5, 1, 'caller'],
  'groups.leave': [5, 1, 'caller'],
  'groups.ban': [5, 1, 'caller'],
  'groups.unban': [5, 1, 'caller'],
  'groups.appoint': [5, 1, 'caller'],
  'messages.edit': [1, 1, 'caller'],
  'messages.react': [10, 1, 'caller'],
  'messages.unreact': [10, 1, 'caller'],
  'search.messages': [5, 1, 'caller'],
  'presence.get': [2, 1, 'caller'],
  'presence.watch': [2, 1, 'caller'],
  'presence.type': [5, 1, 'caller'],
};

test('what mails, guesses, searches or changes an account has a rate of its own; all else has the ordinary one', () => {
  const declared = [...operations].filter(([, { rate }]) => rate !== ordinary).map(([name, { rate: { count, seconds, per } }]) => [name, [count, seconds, per]] as const);
  assert.deepEqual(Object.fromEntries(declared.sort()), Object.fromEntries(Object.entries(own).sort()));
});

test('over REST a request beyond the burst is told to wait, and passes after that', async (t) => {
  const { url, person, wait } = await buildRatedApp(t);
  const { accessToken: token } = await person('Ann');
  for (const { status } of await times(30, () => search(url, token))) assert.equal(status, 200);
  const answer = await search(url, token);
  const { details } = requireError(answer, 'RATE_LIMITED');
  assert.deepEqual(details, { limit: 30, retryAfter: 1 });
  assert.deepEqual(standingOf(answer), [30, 0, 1, 1]);
  wait(1);
  assert.deepEqual((await times(3, () => search(url, token))).map(({ status }) => status).sort(), [200, 200, 429]);
});

test('every answer says how many requests remain, and when all will be there again', async (t) => {
  const { url, person, wait } = await buildRatedApp(t);
  const { accessToken: token } = await person('Ann');
  assert.deepEqual(standingOf(await search(url, token)), [30, 29, 1, null]);
  assert.deepEqual(standingOf(await search(url, token)), [30, 28, 1, null]);
  assert.deepEqual(standingOf(await search(url, token)), [30, 27, 2, null]);
  const invalid = await ask(url, '/user?search=', { token });
  requireError(invalid, 'VALIDATION_FAILED');
  assert.deepEqual(standingOf(invalid), [30, 26, 2, null]);
  wait(1);
  assert.deepEqual(standingOf(await search(url, token)), [30, 27, 2, null]);
});

test('500 sends at once pass on a socket, the next waits, and 50 more pass with each second', async (t) => {
  const { person, wait } = await buildRatedApp(t);
  const ann = await person('Ann');
  const { id: chatId } = await ann.call('chats.open', { userId: ann.id });
  const socket = await ann.socket();
  const send = (): Promise<unknown> => socket.call('messages.send', { chatId, text: 'hello' });
  await times(500, send);
  const { code, details } = (await refusal(socket, 'messages.send', { chatId, text: 'hello' })) ?? {};
  assert.deepEqual({ code, details }, { code: 'RATE_LIMITED', details: { limit: 500, retryAfter: 1 } });
  wait(1);
  await times(50, send);
  assert.equal((await refusal(socket, 'messages.send', { chatId, text: 'hello' }))?.code, 'RATE_LIMITED');
});

test('REST and sockets count together, whatever the session', async (t) => {
  const { url, person } = await buildRatedApp(t);
  const ann = await person('Ann');
  const sockets = await Promise.all([ann.socket(), ann.socket()]);
  const { body } = await ask(url, '/auth/login', { method: 'POST', json: { email: ann.email, password: ann.password } });
  const { accessToken } = body as { accessToken: string };
  for (const socket of sockets) await times(10, () => socket.call('users.search', { search: 'ann' }));
  assert.deepEqual(standingOf(await search(url, accessToken)), [30, 9, 11, null]);
  await times(9, () => search(url, ann.accessToken));
  for (const socket of sockets) assert.equal((await refusal(socket, 'users.search', { search: 'ann' }))?.code, 'RATE_LIMITED');
  requireError(await search(url, accessToken), 'RATE_LIMITED');
});

test('one person\'s flood limits nobody else, and nothing else', async (t) => {
  const { url, person } = await buildRatedApp(t);
  const [ann, bob] = await Promise.all([person('Ann'), person('Bob')]);
  await times(31, () => search(url, ann.accessToken));
  requireError(await search(url, ann.accessToken), 'RATE_LIMITED');
  assert.deepEqual(standingOf(await search(url, bob.accessToken)), [30, 29, 1, null]);
  assert.deepEqual(standingOf(await ask(url, '/user/me', { token: ann.accessToken })), [500, 499, 1, null]);
});

test('the flood of one address limits no other address, and nothing else', async (t) => {
  const { app, wait } = await buildRatedApp(t);
  await times(60, () => knock(app, '192.0.2.1'));
  const refused = await knock(app, '192.0.2.1');
  assert.deepEqual([refused.statusCode, refused.headers['retry-after']], [429, '1']);
  assert.equal((await knock(app, '192.0.2.2')).headers['ratelimit-remaining'], '59');
  const refresh = await app.inject({ method: 'POST', url: '/auth/refresh', remoteAddress: '192.0.2.1', payload: {} });
  assert.equal(refresh.headers['ratelimit-remaining'], '299');
  wait(1);
  assert.equal((await knock(app, '192.0.2.1')).statusCode, 410);
});

test('an IPv6 address counts by its /64, an IPv4-mapped one as IPv4', async (t) => {
  const { app } = await buildRatedApp(t);
  const remaining = async (address: string): Promise<unknown> => (await knock(app, address)).headers['ratelimit-remaining'];
  assert.equal(await remaining('2001:db8::1'), '59');
  assert.equal(await remaining('2001:db8::ffff:2'), '58');
  assert.equal(await remaining('2001:db8:0:1::1'), '59');
  assert.equal(await remaining('192.0.2.1'), '59');
  assert.equal(await remaining('::ffff:192.0.2.1'), '58');
});

test('where people are counted, guests are counted by address', () => {
  const rates = createRates(1, () => 0);
  const remaining = (caller: Partial<Caller>): number => rates.count('users.me', { ...guest, ...caller }).remaining;
  assert.equal(remaining({ ip: '192.0.2.1' }), 499);
  assert.equal(remaining({ ip: '192.0.2.1' }), 498);
  assert.equal(remaining({ ip: '192.0.2.2' }), 499);
  assert.equal(remaining({ ip: '192.0.2.1', userId: 'a'.repeat(24) }), 499);
  assert.equal(remaining({ ip: '192.0.2.2', userId: 'a'.repeat(24) }), 498);
});

test('where addresses are counted, it does not matter who is signed in', () => {
  const rates = createRates(1, () => 0);
  const remaining = (caller: Partial<Caller>): number => rates.count('auth.login', { ...guest, ...caller }).remaining;
  assert.equal(remaining({}), 59);
  assert.equal(remaining({ userId: 'a'.repeat(24) }), 58);
  assert.equal(remaining({ userId: 'b'.repeat(24) }), 57);
});

test('strangers are refused before anything is counted', async (t) => {
  const { url, dispatch } = await buildRatedApp(t);
  for (let asked = 0; asked <= 500; asked++) await assert.rejects(dispatch.call('users.me', guest, {}), { code: 'UNAUTHENTICATED' });
  for (const token of [undefined, 'not a token']) {
    const answer = await ask(url, '/user/me', { ...(token !== undefined && { token }) });
    requireError(answer, 'UNAUTHENTICATED');
    assert.deepEqual(standingOf(answer), [null, null, null, null]);
  }
});

test('a request that comes too soon is refused before its body is read', async (t) => {
  const { url } = await buildRatedApp(t);
  const broken = (): Promise<Answer> => ask(url, '/auth/login', { method: 'POST', raw: '{ not JSON', headers: { 'content-type': 'application/json' } });
  const answers = await times(61, broken);
  assert.equal(answers.filter(({ status }) => status === 400).length, 60);
  requireError(await broken(), 'RATE_LIMITED');
});

test('the scale multiplies every limit, and leaves one request at least', async (t) => {
  const [double, little] = await Promise.all([buildRatedApp(t, '2'), buildRatedApp(t, '0.01')]);
  const [{ accessToken: first }, { accessToken: second }] = await Promise.all([double.person('Ann'), little.person('Bob')]);
  assert.deepEqual(standingOf(await search(double.url, first)), [60, 59, 1, null]);
  await times(59, () => search(double.url, first));
  requireError(await search(double.url, first), 'RATE_LIMITED');
  double.wait(1);
  assert.equal((await times(5, () => search(double.url, first))).filter(({ status }) => status === 200).length, 4);
  assert.deepEqual(standingOf(await search(little.url, second)), [1, 0, 1, null]);
  requireError(await search(little.url, second), 'RATE_LIMITED');
});
