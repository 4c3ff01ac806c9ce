/** What somebody was let in for before every session of the account had to end, and is carried out only after. */
import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { Types } from 'mongoose';
import type { Caller } from '../../src/core/contract.ts';
import { createEmailChanges } from '../../src/features/account/account.email.ts';
import { createGoogleLinks } from '../../src/features/account/account.google.ts';
import { createPasswordChanges } from '../../src/features/account/account.password.ts';
import { createRemovals } from '../../src/features/account/account.removal.ts';
import type { AccountParts } from '../../src/features/account/account.service.ts';
import { createAuthService, type AuthParts } from '../../src/features/auth/auth.service.ts';
import { mailModel } from '../../src/features/mails/mail.model.ts';
import { createMailQueue } from '../../src/features/mails/mails.service.ts';
import { createPasswordHashing } from '../../src/features/passwords/password.hashing.ts';
import { securityModel } from '../../src/features/security/security.model.ts';
import { createSecurityService } from '../../src/features/security/security.service.ts';
import { tokenModel } from '../../src/features/tokens/token.model.ts';
import { createTokensService } from '../../src/features/tokens/tokens.service.ts';
import { createTotpService, type TotpParts } from '../../src/features/totp/totp.service.ts';
import { createCredentialsService } from '../../src/features/users/credentials.service.ts';
import { userModel } from '../../src/features/users/user.model.ts';
import { createAuthenticator } from '../helpers/authenticator.ts';
import { nowhere } from '../helpers/files.ts';
import { buildMailedApp, type MailedApp } from '../helpers/mailed.ts';
import { guest, type Person } from '../helpers/people.ts';
import { silentBus } from '../helpers/silent.bus.ts';

const fail = (error: unknown): never => assert.fail(String(error));

interface Scene {
  app: MailedApp;
  ann: Person;
  caller: Person['caller'];
  /** What the services of an account are made of. Whatever takes its time takes so long that all sessions have to end meanwhile. */
  slow: AccountParts & TotpParts;
}

async function overtaking(t: TestContext): Promise<Scene> {
  const app = await buildMailedApp(t);
  const ann = await app.verified('Ann');
  const credentials = createCredentialsService({ users: userModel(app.store), bus: silentBus, photoAddress: nowhere });
  const meanwhile = async <T>(act: () => Promise<T>): Promise<T> => meanwhileIn({ ann, slow: { credentials } }, act);
  const hashing = createPasswordHashing(4);
  const slow = {
    credentials,
    tokens: createTokensService(tokenModel(app.store)),
    security: createSecurityService(securityModel(app.store)),
    sessions: { endNoted: async () => undefined, requireFresh: async () => undefined, wish: async (id: string, email: string) => app.services.sessions.wish(id, email), wishOf: async (id: string) => app.services.sessions.wishOf(id), requireAlive: async () => undefined, requireAccount: async ({ userId }: Caller) => credentials.require(userId) },
    notices: { telling: async <T>(_notice: unknown, change: () => Promise<T>) => meanwhile(change) },
    passwords: { hash: async (password: string) => meanwhile(() => hashing.hash('one', password)), require: async () => undefined },
    google: { verify: async () => meanwhile(async () => ({ googleId: 'thief', email: 'thief@gmail.example', emailVerified: true })) },
  };
  return { app, ann, caller: ann.caller, slow: slow as unknown as Scene['slow'] };
}

async function meanwhileIn<T>({ ann, slow: { credentials } }: { ann: Person; slow: Pick<Scene['slow'], 'credentials'> }, act: () => Promise<T>): Promise<T> {
  await credentials.change(ann.id, { ending: {} });
  for (const ending of await credentials.findEndings(ann.id)) await credentials.completeEnding(ending);
  return act();
}

const accountOf = async ({ app, ann }: Scene) => (await app.store.collection('users').findOne({ _id: new Types.ObjectId(ann.id) })) ?? assert.fail('there is no such account');

test('an address is not changed any more', async (t) => {
  const scene = await overtaking(t);
  const { app, ann, slow } = scene;
  await ann.call('account.changeEmail', { email: 'thief@example.org' });
  const token = await app.readToken('thief@example.org', '/confirm-email');
  await assert.rejects(createEmailChanges(slow).confirmEmail(guest, { token }), { code: 'LINK_EXPIRED' });
  assert.equal((await accountOf(scene))['email'], ann.email);
});

test('a Google account is not linked any more', async (t) => {
  const scene = await overtaking(t);
  await assert.rejects(createGoogleLinks(scene.slow).linkGoogle(scene.caller, { credential: 'any' }), { code: 'GOOGLE_TAKEN' });
  assert.equal((await accountOf(scene))['googleId'], undefined);
});

test('a second factor is not switched on any more', async (t) => {
  const scene = await overtaking(t);
  const { uri } = await scene.ann.call('totp.enrol');
  await assert.rejects(createTotpService(scene.slow).confirm(scene.caller, { code: createAuthenticator(uri).code() }), { code: 'SECOND_FACTOR_ON' });
  assert.doesNotMatch(JSON.stringify((await accountOf(scene))['secondFactor']), /confirmedAt/);
});

test('a password is not set any more, not even the first one', async (t) => {
  const scene = await overtaking(t);
  await scene.app.store.collection('users').updateMany({}, { $unset: { passwordHash: '' } });
  await assert.rejects(createPasswordChanges(scene.slow).changePassword(scene.caller, { password: 'another horse battery' }), { code: 'WRONG_PASSWORD' });
  assert.equal((await accountOf(scene))['passwordHash'], undefined);
});

test('another address that is asked for is nobody\'s any more', async (t) => {
  const scene = await overtaking(t);
  const { app, ann, caller, slow } = scene;
  const credentials = { ...slow.credentials, find: async (by: Parameters<typeof slow.credentials.find>[0]) => meanwhileIn(scene, () => slow.credentials.find(by)) };
  await createEmailChanges({ ...slow, credentials, mails: createMailQueue(mailModel(app.store), fail) }).changeEmail(caller, { email: 'thief@example.org' });
  await app.settled();
  assert.deepEqual(app.box.received.filter(({ to }) => to.includes('thief@example.org')), []);
  assert.equal((await accountOf(scene))['email'], ann.email);
});

test('a Google account is not unlinked any more', async (t) => {
  const scene = await overtaking(t);
  await scene.app.store.collection('users').updateMany({}, { $set: { googleId: 'hers' } });
  const { slow } = scene;
  const sessions = { ...slow.sessions, requireAccount: async (caller: Caller) => slow.sessions.requireAccount(caller).then((account) => meanwhileIn(scene, async () => account)) };
  await assert.rejects(createGoogleLinks({ ...slow, sessions }).unlinkGoogle(scene.caller, {}), { code: 'SESSION_ENDED' });
  assert.equal((await accountOf(scene))['googleId'], 'hers');
});

test('an account is not removed any more', async (t) => {
  const scene = await overtaking(t);
  const passwords = { ...scene.slow.passwords, require: async () => meanwhileIn(scene, async () => undefined) };
  const removals = createRemovals({ ...scene.slow, passwords, steps: [], onError: fail });
  await assert.rejects(removals.remove(scene.caller, { password: scene.ann.password, messages: 'remove' }), { code: 'SESSION_ENDED' });
  assert.equal((await accountOf(scene))['email'], scene.ann.email);
});

test('whoever signs up with somebody else\'s address gets no session any more', async (t) => {
  const { app, slow } = await overtaking(t);
  const email = 'zoe@example.org';
  const sessions = app.services.sessions;
  const endAll = async (): Promise<void> => {
    const { id = '' } = (await slow.credentials.find({ email })) ?? {};
    await slow.credentials.change(id, { ending: {} });
    await sessions.endNoted(id);
  };
  const hashing = createPasswordHashing(4);
  const auth = createAuthService({ ...slow, sessions, mails: { notify: async () => undefined }, passwords: { hash: (password: string) => hashing.hash('one', password) }, security: { record: endAll }, returnPaths: [] } as unknown as AuthParts);
  await assert.rejects(auth.register(guest, { email, password: 'correct horse battery', firstName: 'Mallory', refresh: 'body' }), { code: 'SESSION_ENDED' });
  assert.equal(await app.store.collection('sessions').countDocuments(), 1, "that of Ann's");
});
