/** Changes of what signs in, made by a server that dies at once: whoever is left tells of those that were made, and of no others. */
import assert from 'node:assert/strict';
import { EventEmitter, once } from 'node:events';
import { test } from 'node:test';
import { Types } from 'mongoose';
import { AppError } from '../../src/core/errors.ts';
import { createEmailChanges } from '../../src/features/account/account.email.ts';
import { createGoogleLinks } from '../../src/features/account/account.google.ts';
import { createPasswordChanges } from '../../src/features/account/account.password.ts';
import type { AccountParts } from '../../src/features/account/account.service.ts';
import { createGoogleEntry, type GoogleEntryParts } from '../../src/features/auth/google.entry.ts';
import { mailModel } from '../../src/features/mails/mail.model.ts';
import { createMailQueue } from '../../src/features/mails/mails.service.ts';
import { texts } from '../../src/features/mails/mail.texts.ts';
import { securityModel } from '../../src/features/security/security.model.ts';
import type { SecurityKind } from '../../src/features/security/security.contract.ts';
import { createSecurityService } from '../../src/features/security/security.service.ts';
import { tokenModel } from '../../src/features/tokens/token.model.ts';
import { createTokensService } from '../../src/features/tokens/tokens.service.ts';
import { createTotpService, type TotpParts } from '../../src/features/totp/totp.service.ts';
import { createCredentialsService, type CredentialsService } from '../../src/features/users/credentials.service.ts';
import { createNoticesService, type Notice } from '../../src/features/users/notices.service.ts';
import { userModel, type UserDocument } from '../../src/features/users/user.model.ts';
import { createAuthenticator } from '../helpers/authenticator.ts';
import { nowhere } from '../helpers/files.ts';
import { buildMailedApp, comeUp, putOff, type MailedApp } from '../helpers/mailed.ts';
import { guest, type Person } from '../helpers/people.ts';
import { silentBus } from '../helpers/silent.bus.ts';

type Parts = AccountParts & TotpParts & GoogleEntryParts;

const fail = (error: unknown): never => assert.fail(String(error));
const password = 'an even better horse';
const google = { googleId: 'g-1', email: 'ann@gmail.example', emailVerified: true };

/** Another process on the same store; `change` is how it changes accounts. */
function createDying({ store, services: { sessions } }: MailedApp, change: (changing: CredentialsService['change']) => CredentialsService['change']): Parts {
  const credentials = createCredentialsService({ users: userModel(store), bus: silentBus, photoAddress: nowhere });
  const security = createSecurityService(securityModel(store));
  const parts = {
    credentials: { ...credentials, change: change(credentials.change.bind(credentials)) },
    sessions,
    security,
    notices: createNoticesService({ mails: createMailQueue(mailModel(store), fail), security, onError: fail }),
    tokens: createTokensService(tokenModel(store)),
    passwords: { hash: async () => 'a new hash', require: async () => undefined },
    guesses: { begin: async () => ({ settle: async () => true }) },
    google: { verify: async () => google },
  };
  return parts as unknown as Parts;
}

interface Deed {
  kind: Notice['kind'];
  entry?: SecurityKind;
  /** What the account is like before. */
  given?: Partial<UserDocument>;
  prepare?: (app: MailedApp, ann: Person) => Promise<string>;
  act: (parts: Parts, ann: Person, token: string) => Promise<unknown>;
}

const secondFactor = { secret: 'JBSWY3DPEHPK3PXP', confirmedAt: new Date(), lastStep: 0, recoveryHashes: ['one'] };

const deeds: Record<string, Deed> = {
  'a new password': { kind: 'password-changed', act: (parts, { caller, password: oldPassword }) => createPasswordChanges(parts).changePassword(caller, { oldPassword, password }) },
  'a password that was reset': {
    kind: 'password-changed',
    entry: 'password-reset',
    async prepare(app, { email }) {
      await app.ask('account.sendResetEmail', { email });
      return app.readToken(email, '/reset-password');
    },
    act: (parts, _ann, token) => createPasswordChanges(parts).resetPassword(guest, { token, password }),
  },
  'a new address': {
    kind: 'email-changed',
    async prepare(app, { call }) {
      await call('account.changeEmail', { email: 'new@example.org' });
      return app.readToken('new@example.org', '/confirm-email');
    },
    act: (parts, _ann, token) => createEmailChanges(parts).confirmEmail(guest, { token }),
  },
  'Google linked by hand': { kind: 'google-linked', act: (parts, { caller }) => createGoogleLinks(parts).linkGoogle(caller, { credential: 'any' }) },
  'Google linked by a sign-in': {
    kind: 'google-linked',
    act: (parts, { email }) => createGoogleEntry({ ...parts, google: { verify: async () => ({ ...google, email }) } } as unknown as Parts, () => assert.fail('nobody is let in'))(guest, 'any', undefined),
  },
  'Google taken away': { kind: 'google-unlinked', given: { googleId: 'g-1' }, act: (parts, { caller }) => createGoogleLinks(parts).unlinkGoogle(caller, {}) },
  'a second factor': {
    kind: 'second-factor-on',
    prepare: async (_app, { call }) => createAuthenticator((await call('totp.enrol')).uri).code(),
    act: (parts, { caller }, code) => createTotpService(parts).confirm(caller, { code }),
  },
  'a second factor taken away': { kind: 'second-factor-off', given: { secondFactor }, act: (parts, { caller, password }) => createTotpService(parts).disable(caller, { password, code: '000000' }) },
  'new recovery codes': { kind: 'recovery-codes-renewed', given: { secondFactor }, act: (parts, { caller }) => createTotpService(parts).renewRecoveryCodes(caller, { code: '000000' }) },
};

async function begin(app: MailedApp, { given, prepare }: Deed): Promise<{ ann: Person; token: string }> {
  const ann = await app.verified('Ann');
  if (given) await app.store.collection('users').updateMany({}, { $set: given });
  const token = (await prepare?.(app, ann)) ?? '';
  await app.settled();
  return { ann, token };
}

/** The subjects of the mails to Ann's old address from the given one on, once all that wait have come up, and what the log says of her. */
async function told(app: MailedApp, { email }: Person, from: number): Promise<{ subjects: (string | undefined)[]; entries: unknown[] }> {
  await comeUp(app);
  const received = (await app.settled()).slice(from).filter(({ recipients }) => recipients.includes(email));
  const entries = await app.store.collection('security').find({ ip: guest.ip }).toArray();
  return { subjects: received.map(({ subject }) => subject), entries: entries.map((entry): unknown => entry['kind']) };
}

for (const [what, deed] of Object.entries(deeds)) {
  const { kind, entry = kind, act } = deed;

  test(`${what} is told of, once by mail and once in the log, though the server dies right after it`, async (t) => {
    const app = await buildMailedApp(t);
    const { ann, token } = await begin(app, deed);
    const dead = new EventEmitter();
    const dying = once(dead, 'dead');
    const parts = createDying(app, (changing) => async (...change) => {
      await changing(...change);
      return new Promise<never>(() => dead.emit('dead'));
    });
    const from = app.box.received.length;
    void act(parts, ann, token);
    await dying;
    const { subjects, entries } = await told(app, ann, from);
    assert.deepEqual(subjects, [texts[kind].en.subject]);
    assert.equal(entries.filter((found) => found === entry).length, 1);
  });

  test(`${what} that did not come about is not told of`, async (t) => {
    const app = await buildMailedApp(t);
    const { ann, token } = await begin(app, deed);
    const parts = createDying(app, () => () => Promise.reject(new AppError('UNAVAILABLE')));
    const from = app.box.received.length;
    await assert.rejects(act(parts, ann, token), { code: 'UNAVAILABLE' });
    const { subjects, entries } = await told(app, ann, from);
    assert.deepEqual([subjects, entries.filter((found) => found === entry)], [[], []]);
  });
}

test('a change that was made at the second try is told of once, with where that came from', async (t) => {
  const app = await buildMailedApp(t);
  const { ann } = await begin(app, { kind: 'password-changed', act: fail });
  const change = { oldPassword: ann.password, password };
  const failing = createDying(app, () => () => Promise.reject(new AppError('UNAVAILABLE')));
  const from = app.box.received.length;
  await assert.rejects(createPasswordChanges(failing).changePassword({ ...ann.caller, ip: '192.0.2.66' }, change), { code: 'UNAVAILABLE' });
  await ann.call('account.changePassword', change);
  const { subjects } = await told(app, ann, from);
  assert.deepEqual(subjects, [texts['password-changed'].en.subject]);
  assert.deepEqual((await app.store.collection('security').find({ kind: 'password-changed' }).toArray()).map((entry): unknown => entry['ip']), [guest.ip]);
});

test('new recovery codes that were not made are not told of, though one of the old ones is used', async (t) => {
  const app = await buildMailedApp(t);
  const { ann } = await begin(app, { kind: 'recovery-codes-renewed', given: { secondFactor: { ...secondFactor, recoveryHashes: ['one', 'two'] } }, act: fail });
  const failing = createDying(app, () => () => Promise.reject(new AppError('UNAVAILABLE')));
  const from = app.box.received.length;
  await assert.rejects(createTotpService(failing).renewRecoveryCodes(ann.caller, { code: '000000' }), { code: 'UNAVAILABLE' });
  await failing.credentials.useRecoveryHash(ann.id, 'two');
  assert.deepEqual((await told(app, ann, from)).subjects, []);
});

test('Google taken away is told of, also if it is linked again before the mail can be delivered', async (t) => {
  const app = await buildMailedApp(t);
  const { ann } = await begin(app, { kind: 'google-unlinked', given: { googleId: 'g-1' }, act: fail });
  const from = app.box.received.length;
  app.box.refuse(450);
  await ann.call('account.unlinkGoogle');
  await putOff(app);
  await app.store.collection('users').updateMany({}, { $set: { googleId: 'g-1' } });
  app.box.unrefuse();
  assert.deepEqual((await told(app, ann, from)).subjects, [texts['google-unlinked'].en.subject]);
});

test('a change is answered as done though it cannot be entered in the log, and is there once its mail is sent, as of when it was made', async (t) => {
  const app = await buildMailedApp(t);
  const { ann, token } = await begin(app, deeds['a second factor'] as Deed);
  const log = app.store.db;
  await log?.command({ collMod: 'security', validator: { never: true } });
  app.box.refuse(450);
  const began = Date.now();
  assert.equal((await ann.call('totp.confirm', { code: token })).recoveryCodes.length, 10);
  const made = Date.now();
  await putOff(app);
  await log?.command({ collMod: 'security', validator: {} });
  app.box.unrefuse();
  const { entries } = await told(app, ann, 0);
  assert.equal(entries.filter((kind) => kind === 'second-factor-on').length, 1);
  const entry = await app.store.collection('security').findOne({ kind: 'second-factor-on' });
  const at = (entry?.['at'] as Date).getTime();
  assert.ok(began <= at && at <= made);
});

test('a change is told of, with the link that undoes it, however much somebody changes before its mail can be delivered', async (t) => {
  const app = await buildMailedApp(t);
  const { ann, token } = await begin(app, deeds['a new address'] as Deed);
  app.box.refuse(450);
  await app.ask('account.confirmEmail', { token });
  await putOff(app);
  // As many changes make the account forget the first.
  await app.store.collection('users').updateMany({}, { $set: { notices: Array.from({ length: 50 }, () => new Types.ObjectId().toHexString()) } });
  app.box.unrefuse();
  await comeUp(app);
  await app.readToken(ann.email, '/undo');
});

test('of several at once who take Google away all are answered, and it is told of once', async (t) => {
  const app = await buildMailedApp(t);
  const { ann } = await begin(app, { kind: 'google-unlinked', given: { googleId: 'g-1' }, act: fail });
  const from = app.box.received.length;
  await Promise.all(Array.from({ length: 5 }, () => ann.call('account.unlinkGoogle')));
  const { subjects, entries } = await told(app, ann, from);
  assert.deepEqual([subjects, entries.filter((kind) => kind === 'google-unlinked').length], [[texts['google-unlinked'].en.subject], 1]);
});

test('a Google account that is refused, since there is another, is not told of, whatever else fails', async (t) => {
  const app = await buildMailedApp(t);
  const { ann } = await begin(app, { kind: 'google-linked', given: { googleId: 'g-0' }, act: fail });
  const parts = createDying(app, () => () => Promise.reject(new AppError('UNAVAILABLE')));
  const from = app.box.received.length;
  await assert.rejects(createGoogleLinks(parts).linkGoogle(ann.caller, { credential: 'any' }), { code: 'GOOGLE_TAKEN' });
  assert.deepEqual((await told(app, ann, from)).subjects, []);
});
