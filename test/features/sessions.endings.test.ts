/** Sessions that a change of credentials ends, whatever happens right after the change. */
import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { Types, type Connection } from 'mongoose';
import { createHub } from '../../src/delivery/hub.ts';
import { securityModel } from '../../src/features/security/security.model.ts';
import { createSecurityService } from '../../src/features/security/security.service.ts';
import { createAccessTokens } from '../../src/features/sessions/access.tokens.ts';
import { revocationModel } from '../../src/features/sessions/revocation.model.ts';
import { createSessionEndings } from '../../src/features/sessions/session.endings.ts';
import { sessionModel } from '../../src/features/sessions/session.model.ts';
import { createSessionsService, type SessionsService } from '../../src/features/sessions/sessions.service.ts';
import { createCredentialsService, type CredentialsService } from '../../src/features/users/credentials.service.ts';
import { userModel, type UserDocument } from '../../src/features/users/user.model.ts';
import { buildTestApp, connect, freshDatabase } from '../helpers/app.ts';
import { createAuthenticator } from '../helpers/authenticator.ts';
import { nowhere } from '../helpers/files.ts';
import { guest, type Output, type Person } from '../helpers/people.ts';
import { until } from '../helpers/until.ts';

/** All that is left of a change that ends every session, when nothing after its own write has been done. */
async function noteEnding(store: Connection, { id }: Person): Promise<void> {
  await store.collection('users').updateOne({ _id: new Types.ObjectId(id) }, { $set: { ending: {}, generation: 'another' } });
}

const storedUser = (store: Connection, { id }: Person): Promise<UserDocument | null> => store.collection<UserDocument>('users').findOne({ _id: new Types.ObjectId(id) });

/** The sessions as another process on the same store sees to them, which finds these credentials. */
function sessionsOf(t: TestContext, store: Connection, credentials: CredentialsService): SessionsService {
  const sessions = createSessionsService({
    sessions: sessionModel(store),
    revocations: revocationModel(store),
    accessTokens: createAccessTokens(['a secret that is only good for tests']),
    credentials,
    security: createSecurityService(securityModel(store)),
    bus: createHub(),
    onError: (error) => assert.fail(String(error)),
  });
  t.after(() => sessions.stop());
  return sessions;
}

test('a server that dies right after a password was changed has its next start end the sessions, but the one in which it was and later ones', async (t) => {
  const before = await buildTestApp(t);
  const ann = await before.person('Ann');
  const signIn = async (): Promise<Output<'auth.login'>> => (await before.dispatch.call('auth.login', guest, { email: ann.email, password: ann.password })) as Output<'auth.login'>;
  const [thief, mine] = [await signIn(), await signIn()];
  const { sessionId } = await before.services.sessions.authenticate(mine.accessToken, guest);
  const store = await connect(t, before.mongodbUri);
  // All that is left of a change when nothing after its own write has been done.
  await store.collection('users').updateOne({ _id: new Types.ObjectId(ann.id) }, { $set: { ending: { but: sessionId }, generation: 'another' } });
  const later = await signIn();
  await before.close();

  const { services } = await buildTestApp(t, { mongodbUri: before.mongodbUri });
  const isAlive = (token: string): Promise<boolean> => services.sessions.authenticate(token, guest).then(() => true, () => false);
  await until('the end of the other sessions', async () => !(await isAlive(thief.accessToken)) && !(await isAlive(ann.accessToken)));
  assert.deepEqual([await isAlive(mine.accessToken), await isAlive(later.accessToken)], [true, true]);
  await until('the note is gone', async () => (await store.collection('users').findOne({ _id: new Types.ObjectId(ann.id) }))?.['ending'] === undefined);
});

test('the sessions that a server had to end which has died are ended by one that lives', async (t) => {
  const app = await buildTestApp(t);
  const ann = await app.person('Ann');
  const socket = await ann.socket();
  await noteEnding(await connect(t, app.mongodbUri), ann);
  assert.equal((await socket.closed).code, 4401);
  await assert.rejects(app.dispatch.call('auth.refresh', guest, { refreshToken: ann.refreshToken }), { code: 'SESSION_ENDED' });
});

test('a new password ends sessions whatever the clock said of the server that opened them', async (t) => {
  const app = await buildTestApp(t);
  const ann = await app.person('Ann');
  const { accessToken, refreshToken } = (await app.dispatch.call('auth.login', guest, { email: ann.email, password: ann.password })) as Required<Output<'auth.login'>>;
  const sessions = (await connect(t, app.mongodbUri)).collection('sessions');
  await sessions.updateMany({}, { $set: { createdAt: new Date(Date.now() + 60 * 60_000) } });
  await ann.call('account.changePassword', { oldPassword: ann.password, password: 'another horse battery' });
  await assert.rejects(app.services.sessions.authenticate(accessToken, guest), { code: 'UNAUTHENTICATED' });
  await assert.rejects(app.dispatch.call('auth.refresh', guest, { refreshToken }), { code: 'SESSION_ENDED' });
  await ann.call('users.me');
});

const changes: Record<string, (ann: Person) => Promise<() => Promise<unknown>>> = {
  async 'switch on a second factor'({ call }) {
    const { uri } = await call('totp.enrol');
    return () => call('totp.confirm', { code: createAuthenticator(uri).code() });
  },
  'set up a second factor': async ({ call }) => () => call('totp.enrol'),
  'change the password': async ({ call, password }) => () => call('account.changePassword', { oldPassword: password, password: 'another horse battery' }),
  'ask for another address': async ({ call }) => () => call('account.changeEmail', { email: 'thief@example.org' }),
  'unlink Google': async ({ call }) => () => call('account.unlinkGoogle'),
  'remove the account': async ({ call, password }) => () => call('account.remove', { password }),
};

for (const [what, prepare] of Object.entries(changes)) {
  test(`a session whose end is noted and not done cannot ${what}: it is refused, and over`, async (t) => {
    const app = await buildTestApp(t);
    const ann = await app.verified('Ann');
    const store = await connect(t, app.mongodbUri);
    const act = await prepare(ann);
    await noteEnding(store, ann);
    const before = await storedUser(store, ann);
    await assert.rejects(act(), { code: 'UNAUTHENTICATED' });
    await assert.rejects(app.services.sessions.authenticate(ann.accessToken, guest), { code: 'UNAUTHENTICATED' });
    await assert.rejects(app.dispatch.call('auth.refresh', guest, { refreshToken: ann.refreshToken }), { code: 'SESSION_ENDED' });
    const { ending, ...changed } = { ...before };
    assert.deepEqual([ending, await storedUser(store, ann)], [{}, changed]);
  });
}

test('a session that is about to end sets no password where an undoing has just taken the old one away', async (t) => {
  const app = await buildTestApp(t);
  const ann = await app.verified('Ann');
  const store = await connect(t, app.mongodbUri);
  await noteEnding(store, ann);
  await store.collection('users').updateMany({}, { $unset: { passwordHash: '' } });
  await assert.rejects(ann.call('account.changePassword', { oldPassword: 'not the password', password: 'another horse battery' }), { code: 'UNAUTHENTICATED' });
  assert.equal((await storedUser(store, ann))?.passwordHash, undefined);
});

test('a note that was read long ago does not end sessions that were opened after a newer one', async (t) => {
  const app = await buildTestApp(t);
  const ann = await app.person('Ann');
  const store = await connect(t, app.mongodbUri);
  await noteEnding(store, ann);
  const credentials = createCredentialsService({ users: userModel(store), bus: createHub(), photoAddress: nowhere });
  let isStale = true;
  const slow = sessionsOf(t, store, {
    ...credentials,
    async findEndings(id) {
      const found = await credentials.findEndings(id);
      if (!isStale) return found;
      isStale = false;
      await credentials.change(ann.id, { ending: {} });
      await app.dispatch.call('auth.login', guest, { email: ann.email, password: ann.password });
      return found;
    },
  });
  await slow.endNoted(ann.id);
  assert.equal(await store.collection('sessions').countDocuments({ userId: new Types.ObjectId(ann.id), stamp: (await credentials.find({ id: ann.id }))?.stamp }), 1);
});

test('a note that cannot be seen to keeps nobody from looking again', async (t) => {
  let looks = 0;
  const endings = createSessionEndings({
    credentials: {
      findEndings: async () => {
        looks += 1;
        return [{ id: '1'.repeat(24), stamp: '', generation: '' }];
      },
      completeEnding: async () => undefined,
    },
    endBefore: () => new Promise<never>(() => undefined),
    onError: () => undefined,
  });
  endings.start();
  t.after(() => endings.stop());
  await until('a second look', () => looks > 1);
});

test('a session that is ended while its account is read is not given the account', async (t) => {
  const app = await buildTestApp(t);
  const ann = await app.verified('Ann');
  const store = await connect(t, app.mongodbUri);
  const credentials = createCredentialsService({ users: userModel(store), bus: createHub(), photoAddress: nowhere });
  const slow = sessionsOf(t, store, {
    ...credentials,
    async require(id) {
      await noteEnding(store, ann);
      const account = await credentials.require(id);
      await app.services.sessions.endNoted(id);
      return account;
    },
  });
  await assert.rejects(slow.requireAccount(ann.caller), { code: 'UNAUTHENTICATED' });
});

test('a note that replaces one whose sessions are being ended stays when that is done', async (t) => {
  const credentials = createCredentialsService({ users: userModel(await connect(t, freshDatabase(t))), bus: createHub(), photoAddress: nowhere });
  const { id } = await credentials.create({ email: 'ann@example.org', firstName: 'Ann', language: 'en' });
  const but = '1'.repeat(24);
  await credentials.change(id, { ending: {} });
  const [first] = await credentials.findEndings(id);
  await credentials.change(id, { ending: { but } });
  await credentials.completeEnding(first ?? assert.fail('nothing was noted'));
  assert.deepEqual((await credentials.findEndings(id)).map((ending) => ending.but), [but]);
});

test('of an account that is removed, no note is left that its sessions are to end', async (t) => {
  const app = await buildTestApp(t);
  const ann = await app.person('Ann');
  const store = await connect(t, app.mongodbUri);
  await noteEnding(store, ann);
  const { accessToken } = (await app.dispatch.call('auth.login', guest, { email: ann.email, password: ann.password })) as Required<Output<'auth.login'>>;
  await app.dispatch.call('account.remove', await app.services.sessions.authenticate(accessToken, guest), { password: ann.password });
  const { removedAt, ending, generation } = (await storedUser(store, ann)) ?? assert.fail('no document is left');
  assert.ok(removedAt);
  assert.deepEqual([ending, generation], [undefined, undefined]);
});
