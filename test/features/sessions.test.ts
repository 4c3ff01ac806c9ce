/** My sessions: where I am signed in, and how I end that. */
import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { Types } from 'mongoose';
import type { Caller, Guest } from '../../src/core/contract.ts';
import { buildTestApp, connect, type TestApp } from '../helpers/app.ts';
import { guest, type Output, type Person } from '../helpers/people.ts';
import { openSocket } from '../helpers/socket.ts';
import { ask, requireError, type Answer } from '../transports/ask.ts';

type Entered = Output<'auth.login'> & { caller: Caller };

/** A further session of somebody. */
async function signIn({ dispatch, services }: TestApp, { email, password }: Person, from: Guest = guest): Promise<Entered> {
  const signedIn = (await dispatch.call('auth.login', from, { email, password })) as Output<'auth.login'>;
  return { ...signedIn, caller: await services.sessions.authenticate(signedIn.accessToken, from) };
}

const isRefused = async ({ services }: TestApp, accessToken: string): Promise<boolean> => services.sessions.authenticate(accessToken, guest).then(() => false, () => true);

const phone: Guest = { ip: '192.0.2.7', language: 'en', userAgent: 'Mozilla/5.0 (Linux; Android 14; Pixel 8) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 Mobile Safari/537.36' };

interface StoredSession {
  _id: Types.ObjectId;
  userId: Types.ObjectId;
  lastUsedAt: Date;
  expiresAt: Date;
}

const storedSessions = async (t: TestContext, { mongodbUri }: TestApp) => (await connect(t, mongodbUri)).collection<StoredSession>('sessions');

test('each of my sessions is listed with device, address and times, and the one that asks is marked', async (t) => {
  const app = await buildTestApp(t);
  const ann = await app.person('Ann');
  const onPhone = await signIn(app, ann, phone);
  const { items, more } = await ann.call('sessions.list');
  assert.equal(more, false);
  assert.deepEqual(
    new Map(items.map(({ id, device, ip, current }) => [id, { device, ip, current }])),
    new Map([
      [onPhone.caller.sessionId, { device: 'Chrome on Android', ip: '192.0.2.7', current: false }],
      [ann.caller.sessionId, { device: 'test', ip: guest.ip, current: true }],
    ]),
  );
  const stored = await storedSessions(t, app);
  const asked = (await app.dispatch.call('sessions.list', onPhone.caller, {})) as Output<'sessions.list'>;
  assert.deepEqual(asked.items.filter(({ current }) => current).map(({ id }) => id), [onPhone.caller.sessionId]);
  const createdAt = new Date('2026-01-02T03:04:05.678Z');
  const lastUsedAt = new Date('2026-02-03T04:05:06.789Z');
  await stored.updateOne({ _id: new Types.ObjectId(ann.caller.sessionId) }, { $set: { createdAt, lastUsedAt } });
  const shown = (await ann.call('sessions.list')).items.find(({ current }) => current);
  assert.deepEqual([shown?.createdAt, shown?.lastUsedAt], [createdAt.toISOString(), lastUsedAt.toISOString()]);
});

test('the session used last comes first, and a refresh is a use', async (t) => {
  const app = await buildTestApp(t);
  const ann = await app.person('Ann');
  const stored = await storedSessions(t, app);
  const entered = [await signIn(app, ann), await signIn(app, ann)];
  const ids = [ann.caller.sessionId, ...entered.map(({ caller }) => caller.sessionId)];
  for (const [index, id] of ids.entries()) await stored.updateOne({ _id: new Types.ObjectId(id) }, { $set: { lastUsedAt: new Date(Date.UTC(2026, index)) } });
  const order = async (): Promise<string[]> => (await ann.call('sessions.list')).items.map(({ id }) => id);
  assert.deepEqual(await order(), ids.toReversed());
  await app.dispatch.call('auth.refresh', guest, { refreshToken: ann.refreshToken });
  assert.deepEqual(await order(), [ids[0], ids[2], ids[1]]);
});

test('nobody else\'s session is listed, nor one that has expired or ended', async (t) => {
  const app = await buildTestApp(t);
  const [ann] = await Promise.all([app.person('Ann'), app.person('Bob')]);
  const [expired, ended] = [await signIn(app, ann), await signIn(app, ann)];
  await (await storedSessions(t, app)).updateOne({ _id: new Types.ObjectId(expired.caller.sessionId) }, { $set: { expiresAt: new Date(Date.now() - 1) } });
  await ann.call('sessions.end', { id: ended.caller.sessionId });
  assert.deepEqual((await ann.call('sessions.list')).items.map(({ id }) => id), [ann.caller.sessionId]);
});

test('I can end one of my sessions: its tokens and sockets are done for, the others go on', async (t) => {
  const app = await buildTestApp(t);
  const ann = await app.person('Ann');
  const [lost, kept] = [await signIn(app, ann), await signIn(app, ann)];
  const socket = await openSocket(t, app.url, lost.accessToken);
  await ann.call('sessions.end', { id: lost.caller.sessionId });
  // At once, not when the ends of sessions are looked for.
  assert.ok(await isRefused(app, lost.accessToken));
  assert.equal((await socket.closed).code, 4401);
  await assert.rejects(app.dispatch.call('auth.refresh', guest, { refreshToken: lost.refreshToken }), { code: 'SESSION_ENDED' });
  await app.dispatch.call('auth.refresh', guest, { refreshToken: kept.refreshToken });
  await ann.call('users.me');
  await assert.rejects(ann.call('sessions.end', { id: lost.caller.sessionId }), { code: 'SESSION_NOT_FOUND' });
});

test('I can end the very session I ask with', async (t) => {
  const app = await buildTestApp(t);
  const ann = await app.person('Ann');
  const socket = await ann.socket();
  await ann.call('sessions.end', { id: ann.caller.sessionId });
  assert.equal((await socket.closed).code, 4401);
  assert.ok(await isRefused(app, ann.accessToken));
});

test('I can end all my sessions but this one; nobody else\'s end', async (t) => {
  const app = await buildTestApp(t);
  const [ann, bob] = await Promise.all([app.person('Ann'), app.person('Bob')]);
  const others = [await signIn(app, ann), await signIn(app, ann)];
  const [bobs, own, ...sockets] = await Promise.all([bob.socket(), ann.socket(), ...others.map(({ accessToken }) => openSocket(t, app.url, accessToken))]);
  await ann.call('sessions.endOthers');
  for (const socket of sockets) assert.equal((await socket.closed).code, 4401);
  for (const { accessToken, refreshToken } of others) {
    assert.ok(await isRefused(app, accessToken));
    await assert.rejects(app.dispatch.call('auth.refresh', guest, { refreshToken }), { code: 'SESSION_ENDED' });
  }
  assert.deepEqual((await ann.call('sessions.list')).items.map(({ id }) => id), [ann.caller.sessionId]);
  await Promise.all([own.call('users.me'), bobs.call('users.me')]);
  await app.dispatch.call('auth.refresh', guest, { refreshToken: ann.refreshToken });
});

test('somebody else\'s session cannot be ended, and is not told from one that does not exist', async (t) => {
  const app = await buildTestApp(t);
  const [ann, mallory] = await Promise.all([app.person('Ann'), app.person('Mallory')]);
  const socket = await ann.socket();
  const [foreign, unknown] = await Promise.all([ann.caller.sessionId, new Types.ObjectId().toHexString()].map((id) => ask(app.url, `/auth/session/${id}`, { method: 'DELETE', token: mallory.accessToken })));
  assert.ok(foreign && unknown);
  for (const answer of [foreign, unknown]) requireError(answer, 'SESSION_NOT_FOUND');
  assert.equal(await app.dispatch.call('sessions.endOthers', mallory.caller, {}), null);
  await socket.call('users.me');
  assert.equal((await ask(app.url, '/user/me', { token: ann.accessToken })).status, 200);
  await app.dispatch.call('auth.refresh', guest, { refreshToken: ann.refreshToken });
});

test('an id that is none ends nothing', async (t) => {
  const app = await buildTestApp(t);
  const ann = await app.person('Ann');
  for (const id of ['me', '*', '0', '%24ne', '%7B%22$ne%22:null%7D', ann.caller.sessionId.toUpperCase() + '0', `${ann.caller.sessionId},${ann.caller.sessionId}`]) {
    requireError(await ask(app.url, `/auth/session/${id}`, { method: 'DELETE', token: ann.accessToken }), 'VALIDATION_FAILED');
  }
  assert.equal((await ann.call('sessions.list')).items.length, 1);
});

test('whoever opens a session too many loses the one that was used longest ago, and finds that in the log', async (t) => {
  const app = await buildTestApp(t);
  const [ann, bob] = await Promise.all([app.person('Ann'), app.person('Bob')]);
  const stored = await storedSessions(t, app);
  const [first] = await stored.find({ _id: new Types.ObjectId(ann.caller.sessionId) }).toArray();
  assert.ok(first);
  // With hers 100; the one before hers is used longest ago.
  const further = Array.from({ length: 99 }, (_, index) => ({ ...first, _id: new Types.ObjectId(), lastUsedAt: new Date(first.lastUsedAt.getTime() - 1000 - (index === 40 ? 1e6 : index)) }));
  await stored.insertMany(further);
  const entered = await signIn(app, ann);
  const left = new Set((await ann.call('sessions.list')).items.map(({ id }) => id));
  assert.deepEqual(further.map(({ _id }) => _id.toHexString()).filter((id) => !left.has(id)), [further[40]?._id.toHexString()]);
  assert.ok(left.has(ann.caller.sessionId) && left.has(entered.caller.sessionId));
  assert.equal(left.size, 100);
  assert.equal((await ann.call('security.list')).items.filter(({ kind }) => kind === 'session-ended').length, 1);
  await bob.call('users.me');
  assert.equal((await bob.call('sessions.list')).items.length, 1);
});

const bodyOf = ({ body }: Answer): Output<'auth.login'> => body as Output<'auth.login'>;
const cookieOf = ({ cookies }: Answer): string => (cookies[0] ?? '').split('; ')[0] ?? '';

test('a cookie, token or session id that was planted before a sign-in is never adopted', async (t) => {
  const app = await buildTestApp(t);
  const [mallory, { email, password }] = await Promise.all([app.person('Mallory'), app.person('Ann')]);
  const planted = mallory.refreshToken;
  const [sessionId = '', family = ''] = planted.split('.');
  const cookie = `refreshToken=${planted}; sessionId=${sessionId}; session=${sessionId}; sid=${sessionId}`;
  const answer = await ask(app.url, `/auth/login?sessionId=${sessionId}`, { method: 'POST', json: { email, password }, headers: { cookie } });
  requireError(answer, 'VALIDATION_FAILED');
  for (const field of ['sessionId', 'sid', 'id', '_id', 'refreshToken']) {
    requireError(await ask(app.url, '/auth/login', { method: 'POST', json: { email, password, [field]: planted }, headers: { cookie } }), 'VALIDATION_FAILED');
  }
  const signedIn = await ask(app.url, '/auth/login', { method: 'POST', json: { email, password }, token: mallory.accessToken, headers: { cookie } });
  assert.equal(signedIn.status, 200);
  const own = await app.services.sessions.authenticate(bodyOf(signedIn).accessToken, guest);
  assert.equal(own.userId, bodyOf(signedIn).user.id);
  assert.notEqual(own.sessionId, sessionId);
  assert.ok(!cookieOf(signedIn).includes(sessionId) && !cookieOf(signedIn).includes(family));
  // What was planted is still Mallory's, and nothing more.
  const { accessToken } = (await app.dispatch.call('auth.refresh', guest, { refreshToken: planted })) as Output<'auth.refresh'>;
  assert.equal((await app.services.sessions.authenticate(accessToken, guest)).userId, mallory.id);
  assert.equal((await mallory.call('sessions.list')).items.length, 1);
});

test('a cookie for a session that does not exist makes none', async (t) => {
  const app = await buildTestApp(t);
  const { email, password } = await app.person('Ann');
  const planted = `${new Types.ObjectId().toHexString()}.${'A'.repeat(22)}.${'A'.repeat(43)}`;
  const headers = { cookie: `refreshToken=${planted}` };
  assert.equal((await ask(app.url, '/auth/login', { method: 'POST', json: { email, password }, headers })).status, 200);
  requireError(await ask(app.url, '/auth/refresh', { method: 'POST', json: {}, headers }), 'SESSION_ENDED');
  assert.equal(await (await storedSessions(t, app)).countDocuments({ _id: new Types.ObjectId(planted.split('.')[0]) }), 0);
});

test('every sign-in gives a new session, with nothing in common with any before it', async (t) => {
  const app = await buildTestApp(t);
  const ann = await app.person('Ann');
  const entered = [];
  for (let time = 0; time < 5; time++) entered.push(await signIn(app, ann));
  const parts = [ann.refreshToken, ...entered.map(({ refreshToken = '' }) => refreshToken)].flatMap((token) => token.split('.'));
  assert.equal(new Set(parts).size, 18);
  assert.equal(new Set([ann.caller.sessionId, ...entered.map(({ caller }) => caller.sessionId)]).size, 6);
});

test('MongoDB removes sessions, revocations and single-use tokens that are over by itself', async (t) => {
  const app = await buildTestApp(t);
  const connection = await connect(t, app.mongodbUri);
  const expiryOf = async (collection: string): Promise<unknown[]> =>
    (await connection.collection(collection).indexes()).filter(({ expireAfterSeconds }) => expireAfterSeconds !== undefined).map(({ key, expireAfterSeconds }) => [key, expireAfterSeconds]);
  assert.deepEqual(await expiryOf('sessions'), [[{ expiresAt: 1 }, 0]]);
  assert.deepEqual(await expiryOf('revocations'), [[{ at: 1 }, 15 * 60]]);
  assert.deepEqual(await expiryOf('tokens'), [[{ expiresAt: 1 }, 0]]);
});
