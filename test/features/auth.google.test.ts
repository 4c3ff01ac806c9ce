/** Signing in with Google: who gets into which account, and who into none. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Id } from '../../src/core/schemas.ts';
import { buildTestApp, connect } from '../helpers/app.ts';
import { buildGoogleApp, toMember, tokenOf, type GoogleApp, type Member } from '../helpers/google.ts';
import { guest } from '../helpers/people.ts';

const twenty = Array.from({ length: 20 }, (_, index) => index);

const countAccounts = async ({ mongodbUri }: GoogleApp, t: Parameters<typeof connect>[0]): Promise<number> => (await connect(t, mongodbUri)).collection('users').countDocuments();

/** What has happened to the account, the first thing first. */
async function logOf({ call }: Member): Promise<{ kind: string; detail: string | undefined }[]> {
  const { items } = await call('security.list');
  return items.map(({ kind, detail }) => ({ kind, detail })).reverse();
}

const idOf = ({ user }: { user: { id: Id } }): Id => user.id;

test('a new address makes an account, with the name, the photo and the language that Google knows', async (t) => {
  const { issuer, enter } = await buildGoogleApp(t);
  const account = issuer.account({ email: 'Zoe@Example.org', given_name: 'Zoë', family_name: 'Ångström', picture: 'https://pictures.example.org/zoe.jpg', locale: 'ru' });
  const zoe = await enter(account);
  const { id: _id, username: _username, createdAt: _createdAt, privacy: _privacy, ...user } = zoe.signedIn.user;
  assert.deepEqual(user, {
    email: 'zoe@example.org',
    emailVerified: true,
    firstName: 'Zoë',
    lastName: 'Ångström',
    photo: { url: 'https://pictures.example.org/zoe.jpg' },
    language: 'ru',
    signIn: { password: false, google: true, secondFactor: false },
  });
  assert.deepEqual(await zoe.call('users.me'), zoe.signedIn.user);
  assert.deepEqual(await logOf(zoe), [{ kind: 'registered', detail: 'google' }, { kind: 'signed-in', detail: 'google' }]);
});

test('which credentials were used is known for longer than any of them is good', async (t) => {
  const app = await buildGoogleApp(t);
  await app.signIn(app.issuer.account());
  const [used] = await (await connect(t, app.mongodbUri)).collection<{ _id: string; expiresAt: Date }>('tokens').find({ _id: /^google-credential:/ }).toArray();
  // An hour, and a minute by which clocks may differ, both ways.
  assert.ok(used && used.expiresAt.getTime() > Date.now() + 62 * 60_000);
});

test('where Google knows no language, that of the browser is taken', async (t) => {
  const { issuer, dispatch } = await buildGoogleApp(t);
  for (const language of ['ru', 'en']) {
    const { user } = (await dispatch.call('auth.loginWithGoogle', { ...guest, language } as typeof guest, { credential: issuer.credential(issuer.account()) })) as Member['signedIn'];
    assert.equal(user.language, language);
  }
});

test('who comes again gets into the same account, whatever has changed at Google meanwhile', async (t) => {
  const { issuer, signIn } = await buildGoogleApp(t);
  const account = issuer.account();
  const { user } = await signIn(account);
  for (const claims of [{}, { email: 'another@example.org' }, { email_verified: false }, { given_name: 'Zoë', picture: 'https://pictures.example.org/zoe.jpg', locale: 'ru' }]) {
    assert.deepEqual((await signIn(account, claims)).user, user, JSON.stringify(claims));
  }
});

test('a linked account goes before one with the address that Google has now', async (t) => {
  const { issuer, signIn, signUp } = await buildGoogleApp(t);
  const account = issuer.account();
  const linked = idOf(await signIn(account));
  const bob = await signUp('bob@example.org', { verified: true });
  assert.equal(idOf(await signIn(account, { email: 'bob@example.org' })), linked);
  assert.equal((await bob.call('users.me')).signIn.google, false);
});

test('twenty first sign-ins at once make one account', async (t) => {
  const app = await buildGoogleApp(t);
  const account = app.issuer.account();
  const ids = await Promise.all(twenty.map(async () => idOf(await app.signIn(account))));
  assert.equal(new Set(ids).size, 1);
  assert.equal(await countAccounts(app, t), 1);
  const log = await logOf(await app.enter(account));
  assert.equal(log.filter(({ kind }) => kind === 'registered').length, 1);
});

test('an address that both sides have verified links the account: its owner is told by mail, and it is in the log', async (t) => {
  const { issuer, signUp, enter, mails, dispatch } = await buildGoogleApp(t);
  const before = await signUp('ann@example.org', { verified: true });
  const after = await enter(issuer.account({ email: 'Ann@Example.org', given_name: 'Another', picture: 'https://pictures.example.org/a.jpg' }));
  assert.equal(after.id, before.id);
  assert.deepEqual(after.signedIn.user.signIn, { password: true, google: true, secondFactor: false });
  assert.deepEqual([after.signedIn.user.firstName, after.signedIn.user.photo], ['Ann', undefined], 'the profile stays as it is');
  assert.match((await mails.next('ann@example.org')).subject, /Google/);
  assert.deepEqual((await logOf(after)).slice(-2), [{ kind: 'google-linked', detail: 'Ann@Example.org' }, { kind: 'signed-in', detail: 'google' }]);
  await dispatch.call('auth.login', guest, { email: 'ann@example.org', password: before.password });
  await before.call('users.me');
});

test('twenty sign-ins at once link an account once, and all get in', async (t) => {
  const { issuer, signUp, signIn } = await buildGoogleApp(t);
  const ann = await signUp('ann@example.org', { verified: true });
  const account = issuer.account({ email: 'ann@example.org' });
  const ids = await Promise.all(twenty.map(async () => idOf(await signIn(account))));
  assert.deepEqual(new Set(ids), new Set([ann.id]));
  assert.equal((await logOf(ann)).filter(({ kind }) => kind === 'google-linked').length, 1);
});

test('an address that Google has not verified gets into no account, known or new', async (t) => {
  const app = await buildGoogleApp(t);
  const { issuer, signUp, signIn } = app;
  const ann = await signUp('ann@example.org', { verified: true });
  for (const email of ['ann@example.org', 'new@example.org']) {
    for (const verified of [false, 'false', undefined, 'yes', 1]) {
      await assert.rejects(signIn(issuer.account({ email }), { email_verified: verified }), { code: 'GOOGLE_EMAIL_UNVERIFIED' });
    }
  }
  assert.equal((await ann.call('users.me')).signIn.google, false);
  assert.equal(await countAccounts(app, t), 1);
});

test('who signs up with somebody else\'s address does not share the account with them', async (t) => {
  const { issuer, signUp, signIn, enter, mails, dispatch } = await buildGoogleApp(t);
  const stranger = await signUp('ann@example.org');
  const account = issuer.account({ email: 'ann@example.org' });
  await assert.rejects(signIn(account), { code: 'GOOGLE_NOT_LINKED' });
  assert.equal((await stranger.call('users.me')).signIn.google, false);

  await dispatch.call('account.sendResetEmail', guest, { email: 'ann@example.org' });
  await dispatch.call('account.resetPassword', guest, { token: tokenOf((await mails.next('ann@example.org')).link ?? ''), password: 'another horse battery' });
  const ann = await enter(account);
  assert.equal(ann.id, stranger.id);
  await assert.rejects(dispatch.call('auth.login', guest, { email: 'ann@example.org', password: stranger.password }), { code: 'WRONG_CREDENTIALS' });
  await assert.rejects(dispatch.call('auth.refresh', guest, { refreshToken: stranger.signedIn.refreshToken }), { code: 'SESSION_ENDED' });
});

test('another Google account with the same address does not get in', async (t) => {
  const { issuer, signIn, enter } = await buildGoogleApp(t);
  const ann = await enter(issuer.account({ email: 'ann@example.org' }));
  await assert.rejects(signIn(issuer.account({ email: 'ann@example.org' })), { code: 'GOOGLE_NOT_LINKED' });
  assert.deepEqual((await logOf(ann)).map(({ kind }) => kind), ['registered', 'signed-in']);
});

test('after the account is removed, Google makes a new one', async (t) => {
  const { issuer, enter, signUp, dispatch } = await buildGoogleApp(t);
  const account = issuer.account();
  const before = await enter(account);
  await before.call('account.remove');
  const after = await enter(account);
  assert.notEqual(after.id, before.id);
  assert.equal((await dispatch.call('users.get', after.caller, { id: before.id }) as { firstName: string }).firstName, 'Deleted account');

  const bob = await signUp('bob@example.org', { verified: true });
  await bob.call('account.remove', { password: bob.password });
  assert.notEqual(idOf((await enter(issuer.account({ email: 'bob@example.org' }))).signedIn), bob.id);
});

test('an ID token signs in once: of twenty at once one, and none later', async (t) => {
  const { issuer, dispatch } = await buildGoogleApp(t);
  const credential = issuer.credential(issuer.account());
  const outcomes = await Promise.allSettled(twenty.map(() => dispatch.call('auth.loginWithGoogle', guest, { credential })));
  assert.equal(outcomes.filter(({ status }) => status === 'fulfilled').length, 1);
  for (const outcome of outcomes) if (outcome.status === 'rejected') assert.equal((outcome.reason as { code: string }).code, 'GOOGLE_REFUSED');
  await assert.rejects(dispatch.call('auth.loginWithGoogle', guest, { credential }), { code: 'GOOGLE_REFUSED' });
});

test('an ID token that was used makes and links nothing any more', async (t) => {
  const app = await buildGoogleApp(t);
  const { issuer, dispatch, signUp, mails } = app;
  const credential = issuer.credential(issuer.account({ email: 'ann@example.org' }));
  const signIn = async (): Promise<Member['signedIn']> => (await dispatch.call('auth.loginWithGoogle', guest, { credential })) as Member['signedIn'];
  await (await toMember(app, await signIn())).call('account.remove');
  await mails.next('ann@example.org');
  const before = await countAccounts(app, t);
  await assert.rejects(signIn(), { code: 'GOOGLE_REFUSED' });
  assert.equal(await countAccounts(app, t), before);

  const ann = await signUp('ann@example.org', { verified: true });
  await assert.rejects(signIn(), { code: 'GOOGLE_REFUSED' });
  await assert.rejects(ann.call('account.linkGoogle', { credential }), { code: 'GOOGLE_REFUSED' });
  assert.equal((await ann.call('users.me')).signIn.google, false);
});

test('where Google is not set up, nothing of it works, and it says so', async (t) => {
  const { person, dispatch } = await buildTestApp(t);
  const ann = await person('Ann');
  const credential = 'x';
  await assert.rejects(dispatch.call('auth.loginWithGoogle', guest, { credential }), { code: 'GOOGLE_OFF' });
  await assert.rejects(ann.call('auth.confirm', { credential }), { code: 'GOOGLE_OFF' });
  await assert.rejects(ann.call('account.linkGoogle', { credential }), { code: 'GOOGLE_OFF' });
});
