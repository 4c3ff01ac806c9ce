/** What somebody was let in for before every session of the account had to end, and is carried out only after. */
import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { Types } from 'mongoose';
import { createEmailChanges } from '../../src/features/account/account.email.ts';
import { createGoogleLinks } from '../../src/features/account/account.google.ts';
import { createPasswordChanges } from '../../src/features/account/account.password.ts';
import type { AccountParts } from '../../src/features/account/account.service.ts';
import { createPasswordHashing } from '../../src/features/passwords/password.hashing.ts';
import { securityModel } from '../../src/features/security/security.model.ts';
import { createSecurityService } from '../../src/features/security/security.service.ts';
import { tokenModel } from '../../src/features/tokens/token.model.ts';
import { createTokensService } from '../../src/features/tokens/tokens.service.ts';
import { createTotpService, type TotpParts } from '../../src/features/totp/totp.service.ts';
import { createCredentialsService } from '../../src/features/users/credentials.service.ts';
import { userModel } from '../../src/features/users/user.model.ts';
import { createAuthenticator } from '../helpers/authenticator.ts';
import { buildMailedApp, type MailedApp } from '../helpers/mailed.ts';
import { guest, type Person } from '../helpers/people.ts';

const bus = { publish: () => undefined, join: () => undefined, endSession: () => undefined };

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
  const credentials = createCredentialsService({ users: userModel(app.store), bus });
  const meanwhile = async <T>(act: () => Promise<T>): Promise<T> => {
    await credentials.change(ann.id, { ending: {} });
    for (const ending of await credentials.findEndings(ann.id)) await credentials.completeEnding(ending);
    return act();
  };
  const hashing = createPasswordHashing(4);
  const slow = {
    credentials,
    tokens: createTokensService(tokenModel(app.store)),
    security: createSecurityService(securityModel(app.store)),
    sessions: { endNoted: async () => undefined, requireFresh: async () => undefined },
    mails: { telling: async <T>(_job: unknown, deed: () => Promise<T>) => meanwhile(deed), notify: async () => undefined },
    passwords: { hash: async (password: string) => meanwhile(() => hashing.hash('one', password)), require: async () => undefined },
    google: { verify: async () => meanwhile(async () => ({ googleId: 'thief', email: 'thief@gmail.example', emailVerified: true })) },
  };
  return { app, ann, caller: ann.caller, slow: slow as unknown as Scene['slow'] };
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

test('a link to change the address that a crash has left behind is worth nothing after a reset', async (t) => {
  const app = await buildMailedApp(t);
  const ann = await app.verified('Ann');
  await ann.call('account.changeEmail', { email: 'thief@example.org' });
  const token = await app.readToken('thief@example.org', '/confirm-email');
  const links = await app.store.collection('tokens').find().toArray();
  await app.ask('account.sendResetEmail', { email: ann.email });
  await app.ask('account.resetPassword', { token: await app.readToken(ann.email, '/reset-password'), password: 'another horse battery' });
  await app.store.collection('tokens').insertMany(links);
  await assert.rejects(app.ask('account.confirmEmail', { token }), { code: 'LINK_EXPIRED' });
  await app.login(ann.email, 'another horse battery');
});
