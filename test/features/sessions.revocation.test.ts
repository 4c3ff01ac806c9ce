/** A session that ends in one process ends in all of them: two apps on one database are two processes of one server. */
import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { Types } from 'mongoose';
import { revocationModel } from '../../src/features/sessions/revocation.model.ts';
import { securityModel } from '../../src/features/security/security.model.ts';
import { createSecurityService } from '../../src/features/security/security.service.ts';
import { createAccessTokens } from '../../src/features/sessions/access.tokens.ts';
import { createRevocations } from '../../src/features/sessions/revocations.ts';
import { sessionModel } from '../../src/features/sessions/session.model.ts';
import { createSessionsService } from '../../src/features/sessions/sessions.service.ts';
import { buildTestApp, connect, freshDatabase, type TestApp } from '../helpers/app.ts';
import { guest, type Output, type Person } from '../helpers/people.ts';
import { openSocket, type TestSocket } from '../helpers/socket.ts';
import { until } from '../helpers/until.ts';
import { ask, requireError } from '../transports/ask.ts';
import { silentBus } from '../helpers/silent.bus.ts';

async function twoProcesses(t: TestContext): Promise<{ here: TestApp; there: TestApp }> {
  const mongodbUri = freshDatabase(t);
  const [here, there] = await Promise.all([buildTestApp(t, { mongodbUri }), buildTestApp(t, { mongodbUri })]);
  return { here, there };
}

/** A socket in the other process, which knows the session well by then. */
async function socketThere(t: TestContext, there: TestApp, { accessToken }: { accessToken: string }): Promise<TestSocket> {
  const socket = await openSocket(t, there.url, accessToken);
  await socket.call('users.me');
  return socket;
}

async function requireOver(there: TestApp, socket: TestSocket, { accessToken }: { accessToken: string }): Promise<void> {
  assert.equal((await socket.closed).code, 4401);
  requireError(await ask(there.url, '/user/me', { token: accessToken }), 'UNAUTHENTICATED');
}

const signIn = async ({ dispatch }: TestApp, { email, password }: Person): Promise<Output<'auth.login'>> => (await dispatch.call('auth.login', guest, { email, password })) as Output<'auth.login'>;

interface End {
  what: string;
  /** Ends Ann's session, with another of hers or from outside. */
  end: (here: TestApp, ann: Person, t: TestContext) => Promise<unknown>;
}

/** As Ann, in a session of hers that is new. */
async function asOther(here: TestApp, ann: Person, name: string, input: object): Promise<unknown> {
  const { accessToken } = await signIn(here, ann);
  return here.dispatch.call(name, await here.services.sessions.authenticate(accessToken, guest), input);
}

const ends: End[] = [
  { what: 'a logout', end: (_here, ann) => ann.call('auth.logout') },
  { what: 'a logout by refresh token', end: (here, ann) => here.dispatch.call('auth.logout', guest, { refreshToken: ann.refreshToken }) },
  { what: 'ending it from another session', end: (here, ann) => asOther(here, ann, 'sessions.end', { id: ann.caller.sessionId }) },
  { what: 'ending all others', end: (here, ann) => asOther(here, ann, 'sessions.endOthers', {}) },
  { what: 'a new password', end: (here, ann) => asOther(here, ann, 'account.changePassword', { oldPassword: ann.password, password: 'quite another staple' }) },
  { what: 'removing the account', end: (here, ann) => asOther(here, ann, 'account.remove', { password: ann.password }) },
  {
    what: 'a refresh token used too late',
    async end(here, ann, t) {
      await here.dispatch.call('auth.refresh', guest, { refreshToken: ann.refreshToken });
      await (await connect(t, here.mongodbUri)).collection('sessions').updateMany({}, { $set: { 'replaced.$[].at': new Date(0) } });
      await assert.rejects(here.dispatch.call('auth.refresh', guest, { refreshToken: ann.refreshToken }), { code: 'SESSION_ENDED' });
    },
  },
];

for (const { what, end } of ends) {
  test(`${what} closes the sockets of the other process with 4401, and its requests are refused there`, async (t) => {
    const { here, there } = await twoProcesses(t);
    const [ann, bob] = await Promise.all([here.person('Ann'), here.person('Bob')]);
    const [socket, bobs] = await Promise.all([socketThere(t, there, ann), socketThere(t, there, bob)]);
    await end(here, ann, t);
    await requireOver(there, socket, ann);
    await bobs.call('users.me');
  });
}

test('the socket of a session that ends in one process is closed in the other within a second', async (t) => {
  const { here, there } = await twoProcesses(t);
  const ann = await here.person('Ann');
  const times: number[] = [];
  // One after another: each begins right after the other process has looked.
  for (let count = 0; count < 5; count++) {
    const session = await signIn(here, ann);
    const socket = await socketThere(t, there, session);
    const { sessionId: id } = await here.services.sessions.authenticate(session.accessToken, guest);
    const begin = performance.now();
    await ann.call('sessions.end', { id });
    assert.equal((await socket.closed).code, 4401);
    times.push(performance.now() - begin);
  }
  const [, , median = Infinity] = times.toSorted((a, b) => a - b);
  // Not each of them: a machine may be busy with something else for a while.
  assert.ok(median < 1000, times.join(' ms, '));
});

test('sessions that are not meant stay open in the other process', async (t) => {
  const { here, there } = await twoProcesses(t);
  const ann = await here.person('Ann');
  const other = await signIn(here, ann);
  const [own, others] = await Promise.all([socketThere(t, there, ann), socketThere(t, there, other)]);
  await ann.call('sessions.endOthers');
  await requireOver(there, others, other);
  await own.call('users.me');
  assert.equal((await ask(there.url, '/user/me', { token: ann.accessToken })).status, 200);
});

test('a socket that is opened in the other process right after the end of its session is refused, or closed', async (t) => {
  const { here, there } = await twoProcesses(t);
  const ann = await here.person('Ann');
  await socketThere(t, there, ann);
  await ann.call('auth.logout');
  const late = await openSocket(t, there.url, ann.accessToken).catch(() => undefined);
  if (late) assert.equal((await late.closed).code, 4401);
  await until('new sockets are refused', async () => (await ask(there.url, '/user/me', { token: ann.accessToken })).status === 401);
});

test('a process hears of every session that ends while it is there, however many end at once', async (t) => {
  const { here, there } = await twoProcesses(t);
  const people = await Promise.all(Array.from({ length: 30 }, (_, index) => here.person(`Ann${'abcdefghij'[index % 10] ?? ''}`)));
  const sockets = await Promise.all(people.map((ann) => socketThere(t, there, ann)));
  await Promise.all(people.map((ann) => ann.call('auth.logout')));
  for (const socket of sockets) assert.equal((await socket.closed).code, 4401);
});

test('the end of a session is heard though it was dated before the last one heard of', async (t) => {
  const mongodbUri = freshDatabase(t);
  const revocations = revocationModel(await connect(t, mongodbUri));
  const heard: string[] = [];
  const process = createRevocations({ revocations, onEnded: (sessionId) => heard.push(sessionId), onError: (error) => assert.fail(String(error)) });
  t.after(() => process.stop());
  const [known, belated] = [new Types.ObjectId(), new Types.ObjectId()];
  await process.tell([known.toHexString()]);
  await until('the first is heard of', () => heard.includes(known.toHexString()));
  const at = (await revocations.findById(known).lean())?.at.getTime() ?? 0;
  await revocations.collection.insertOne({ _id: belated, at: new Date(at - 1000) });
  await until('the other is heard of', () => heard.includes(belated.toHexString()));
});

test('each end of a session is told once, and again if somebody ends it again', async (t) => {
  const revocations = revocationModel(await connect(t, freshDatabase(t)));
  const heard: string[] = [];
  let looks = 0;
  const find = revocations.find.bind(revocations);
  revocations.find = ((...filter: Parameters<typeof find>) => {
    looks += 1;
    return find(...filter);
  }) as typeof find;
  const process = createRevocations({ revocations, onEnded: (sessionId) => heard.push(sessionId), onError: (error) => assert.fail(String(error)) });
  t.after(() => process.stop());
  const furtherLooks = async (): Promise<void> => {
    const last = looks + 3;
    await until('three further looks', () => looks >= last);
  };
  const [one, other] = [new Types.ObjectId().toHexString(), new Types.ObjectId().toHexString()];
  await process.tell([one]);
  await until('it is heard of', () => heard.length > 0);
  await furtherLooks();
  assert.deepEqual(heard, [one]);
  await process.tell([other]);
  await until('the other is heard of', () => heard.includes(other));
  await furtherLooks();
  assert.deepEqual(heard, [one, other]);
  await process.tell([one]);
  await until('it is heard of again', () => heard.length > 2);
  await furtherLooks();
  assert.deepEqual(heard, [one, other, one]);
});

/** The sessions of a process, and which it was told to end; `beforeRemoval` holds up what removes one. */
async function createProcess(t: TestContext, uri: string, beforeRemoval = (): Promise<unknown> => Promise.resolve()) {
  const started: { stop: () => void }[] = [];
  // Before the connection, which ends with the test as well, is closed.
  t.after(() => started.forEach(({ stop }) => stop()));
  const connection = await connect(t, uri);
  const ended: string[] = [];
  const model = sessionModel(connection);
  const findOneAndDelete = model.findOneAndDelete.bind(model);
  model.findOneAndDelete = ((...filter: Parameters<typeof findOneAndDelete>) => ({ lean: async () => beforeRemoval().then(() => findOneAndDelete(...filter).lean()) })) as unknown as typeof findOneAndDelete;
  const sessions = createSessionsService({
    sessions: model,
    revocations: revocationModel(connection),
    accessTokens: createAccessTokens(['a secret that is only good for tests']),
    credentials: { findEndings: async () => [], completeEnding: async () => undefined, require: async () => assert.fail() },
    security: createSecurityService(securityModel(connection)),
    bus: { ...silentBus, endSession: (sessionId) => void ended.push(sessionId) },
    onError: (error) => assert.fail(String(error)),
  });
  started.push(sessions);
  return { sessions, ended };
}

test('whoever came in while a session was being ended elsewhere is put out, too', async (t) => {
  const uri = freshDatabase(t);
  const there = await createProcess(t, uri);
  let cameIn = false;
  const here = await createProcess(t, uri, async () => {
    await until('the other process was told', () => there.ended.length > 0);
    await there.sessions.authenticate(accessToken, guest);
    cameIn = true;
    there.ended.length = 0;
  });
  const { accessToken } = await here.sessions.open({ id: new Types.ObjectId().toHexString(), stamp: '' }, guest, 'password');
  const { sessionId } = await here.sessions.authenticate(accessToken, guest);
  await here.sessions.endOne(sessionId);
  assert.ok(cameIn);
  await until('it is told again', () => there.ended.includes(sessionId));
  await assert.rejects(there.sessions.authenticate(accessToken, guest), { code: 'UNAUTHENTICATED' });
});

test('a MongoDB that fails once is asked again', async (t) => {
  const revocations = revocationModel(await connect(t, freshDatabase(t)));
  const errors: unknown[] = [];
  const heard: string[] = [];
  const find = revocations.find.bind(revocations);
  let failures = 2;
  revocations.find = ((...filter: Parameters<typeof find>) => {
    if (failures-- > 0) throw new Error('out of order');
    return find(...filter);
  }) as typeof find;
  const process = createRevocations({ revocations, onEnded: (sessionId) => heard.push(sessionId), onError: (error) => errors.push(error) });
  t.after(() => process.stop());
  const sessionId = new Types.ObjectId().toHexString();
  await process.tell([sessionId]);
  await until('it is heard of', () => heard.includes(sessionId));
  assert.equal(errors.length, 2);
});
