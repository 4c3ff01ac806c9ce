/** Accounts that a stranger has, or once had, a hand in: whoever reads mail at the address ends up with the account alone. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startIssuer, type Issuer } from '../helpers/issuer.ts';
import { buildMailedApp, comeUp, nextToken, putOff, type MailedApp } from '../helpers/mailed.ts';
import type { Output, Person } from '../helpers/people.ts';

const better = 'an even better horse';

async function resetPassword(app: MailedApp, email: string): Promise<void> {
  await app.ask('account.sendResetEmail', { email });
  await app.ask('account.resetPassword', { token: await nextToken(app, email), password: better });
}

/** What somebody is asked for, or refused with, who signs in. */
async function refusal(attempt: Promise<unknown>): Promise<{ code: string; details: { challengeToken: string } }> {
  return attempt.then(() => assert.fail('it passed'), (error: unknown) => error as { code: string; details: { challengeToken: string } });
}

test('somebody registers with my address before me, and leaves every way in that there is; with a reset the account is mine alone', async (t) => {
  const issuer = await startIssuer(t);
  const app = await buildMailedApp(t, { env: issuer.env });
  const stranger = await app.unverified('Mallory');
  const mine = stranger.email;
  const { username } = await stranger.call('users.me');
  await stranger.call('account.changeEmail', { email: 'stranger@example.org' });
  const confirm = await app.readToken('stranger@example.org', '/confirm-email');
  const google = issuer.account({ email: 'stranger@gmail.example' });
  await assert.rejects(stranger.call('account.linkGoogle', { credential: issuer.credential(google) }), { code: 'EMAIL_UNVERIFIED' });
  await assert.rejects(stranger.call('totp.enrol'), { code: 'EMAIL_UNVERIFIED' });
  const others = [await app.login(mine, stranger.password), await app.login(mine, stranger.password)];
  const socket = await stranger.socket();

  await resetPassword(app, mine);

  assert.equal((await socket.closed).code, 4401);
  for (const { accessToken, refreshToken } of [stranger, ...others]) {
    await assert.rejects(app.services.sessions.authenticate(accessToken, stranger.caller), { code: 'UNAUTHENTICATED' });
    await assert.rejects(app.ask('auth.refresh', { refreshToken }), { code: 'SESSION_ENDED' });
  }
  for (const login of [{ email: mine }, { username }]) await assert.rejects(app.ask('auth.login', { ...login, password: stranger.password }), { code: 'WRONG_CREDENTIALS' });
  await assert.rejects(app.ask('account.confirmEmail', { token: confirm }), { code: 'LINK_EXPIRED' });
  const elsewhere = (await app.ask('auth.loginWithGoogle', { credential: issuer.credential(google) })) as Output<'auth.loginWithGoogle'>;
  assert.notEqual(elsewhere.user.id, stranger.id, 'Google leads to another account');

  const { user } = await app.login(mine, better);
  assert.deepEqual([user.id, user.email, user.emailVerified, user.signIn], [stranger.id, mine, true, { password: true, google: false, secondFactor: false }]);
});

test('a change of address that the stranger asked for is over with the reset, also if its mail could not be sent before', async (t) => {
  const app = await buildMailedApp(t);
  const stranger = await app.unverified('Mallory');
  // The stranger's own mail server puts the mail off, for as long as it likes.
  app.box.refuse(450);
  await stranger.call('account.changeEmail', { email: 'stranger@example.org' });
  await putOff(app);
  app.box.unrefuse();
  await resetPassword(app, stranger.email);
  await comeUp(app);
  assert.equal((await app.settled()).some(({ recipients }) => recipients.includes('stranger@example.org')), false);
});

test('an account that is verified keeps what signs its owner in when the password is reset', async (t) => {
  const issuer = await startIssuer(t);
  const app = await buildMailedApp(t, { env: issuer.env });
  const ann = await app.verified('Ann');
  const google = issuer.account({ email: 'ann@gmail.example' });
  await ann.call('account.linkGoogle', { credential: issuer.credential(google) });
  await app.turnOnSecondFactor(ann);
  await resetPassword(app, ann.email);
  assert.equal((await refusal(app.login(ann.email, better))).code, 'SECOND_FACTOR_REQUIRED');
  assert.equal((await refusal(app.ask('auth.loginWithGoogle', { credential: issuer.credential(google) }))).code, 'SECOND_FACTOR_REQUIRED');
});

/** A thief who knows the password has changed the address, and then done this. */
async function steal(app: MailedApp, ann: Person, then: () => Promise<void>): Promise<void> {
  await ann.call('account.changeEmail', { email: 'thief@example.org' });
  await app.ask('account.confirmEmail', { token: await app.readToken('thief@example.org', '/confirm-email') });
  const undo = new URL((await app.box.next(ann.email)).link ?? '').searchParams.get('token');
  await then();
  await app.ask('account.undo', { token: undo });
  await app.ask('account.resetPassword', { token: await nextToken(app, ann.email), password: better });
}

test('a thief undoes no more with the links that were sent to him than he has changed himself', async (t) => {
  const app = await buildMailedApp(t);
  const ann = await app.verified('Ann');
  const moveTo = async (address: string, before: string): Promise<string> => {
    await ann.call('account.changeEmail', { email: address });
    await app.ask('account.confirmEmail', { token: await app.readToken(address, '/confirm-email') });
    return app.readToken(before, '/undo');
  };
  const mine = await moveTo('thief@example.org', ann.email);
  const his = await moveTo('thief.too@example.org', 'thief@example.org');
  await app.ask('account.undo', { token: his });
  await app.ask('account.resetPassword', { token: await nextToken(app, 'thief@example.org'), password: 'the horse of a thief' });
  const thief = await app.login('thief@example.org', 'the horse of a thief');
  await app.ask('account.undo', { token: mine });
  await assert.rejects(app.services.sessions.authenticate(thief.accessToken, ann.caller), { code: 'UNAUTHENTICATED' });
  await app.ask('account.resetPassword', { token: await nextToken(app, ann.email), password: better });
  assert.equal((await app.login(ann.email, better)).user.id, ann.id);
});

test('the mails about a link to Google and about the second factor have a link that undoes it, and gives the account back to its address', async (t) => {
  const issuer = await startIssuer(t);
  const app = await buildMailedApp(t, { env: issuer.env });
  const ann = await app.verified('Ann');
  await ann.call('account.linkGoogle', { credential: issuer.credential(issuer.account()) });
  const first = await app.readToken(ann.email, '/undo');
  await app.turnOnSecondFactor(ann);
  const second = await app.readToken(ann.email, '/undo');
  await app.ask('account.undo', { token: first });
  await assert.rejects(app.ask('account.undo', { token: second }), { code: 'LINK_EXPIRED' });
  await assert.rejects(app.login(ann.email, ann.password), { code: 'WRONG_CREDENTIALS' });
  await app.ask('account.resetPassword', { token: await nextToken(app, ann.email), password: better });
  assert.deepEqual((await app.login(ann.email, better)).user.signIn, { password: true, google: false, secondFactor: false });
});

for (const [kind, change] of Object.entries({
  'google-linked': async ({ ann, issuer }: { ann: Person; issuer: Issuer }) => ann.call('account.linkGoogle', { credential: issuer.credential(issuer.account()) }),
  'second-factor-on': async ({ ann, app }: { ann: Person; app: MailedApp }) => app.turnOnSecondFactor(ann),
})) {
  test(`the mail about ${kind} goes to the address that the account had then, however late it is sent`, async (t) => {
    const issuer = await startIssuer(t);
    const app = await buildMailedApp(t, { env: issuer.env });
    const ann = await app.verified('Ann');
    app.box.refuse(451);
    await change({ ann, app, issuer });
    await putOff(app);
    app.box.unrefuse();
    await ann.call('account.changeEmail', { email: 'thief@example.org' });
    await app.ask('account.confirmEmail', { token: await app.readToken('thief@example.org', '/confirm-email') });
    await comeUp(app);
    const links = [await app.readToken(ann.email, '/undo'), await app.readToken(ann.email, '/undo')];
    assert.equal((await app.settled()).filter(({ recipients }) => recipients.includes('thief@example.org')).length, 1, 'the one mail about his own wish');
    assert.equal(new Set(links).size, 2);
  });
}

test('a wish for another address is over with the session it was made in, also if its mail could not be sent before', async (t) => {
  const app = await buildMailedApp(t);
  const ann = await app.verified('Ann');
  const { accessToken } = await app.login(ann.email, ann.password);
  const thief = await app.services.sessions.authenticate(accessToken, ann.caller);
  app.box.refuse(450);
  await app.dispatch.call('account.changeEmail', thief, { email: 'thief@example.org' });
  await putOff(app);
  app.box.unrefuse();
  await app.turnOnSecondFactor(ann);
  await comeUp(app);
  assert.equal((await app.settled()).some(({ recipients }) => recipients.includes('thief@example.org')), false);
});

test('a thief\'s wish that comes up again is no end of the owner\'s own', async (t) => {
  const app = await buildMailedApp(t);
  const ann = await app.verified('Ann');
  const { accessToken } = await app.login(ann.email, ann.password);
  app.box.refuse(450);
  await app.dispatch.call('account.changeEmail', await app.services.sessions.authenticate(accessToken, ann.caller), { email: 'thief@example.org' });
  await putOff(app);
  app.box.unrefuse();
  await ann.call('sessions.endOthers');
  await ann.call('account.changeEmail', { email: 'ann.new@example.org' });
  const token = await app.readToken('ann.new@example.org', '/confirm-email');
  await comeUp(app);
  await app.settled();
  await app.ask('account.confirmEmail', { token });
});

test('whoever undoes a change of address gets rid of the ways in that a thief has added', async (t) => {
  const issuer = await startIssuer(t);
  const app = await buildMailedApp(t, { env: issuer.env });
  const ann = await app.verified('Ann');
  const google = issuer.account({ email: 'thief@gmail.example' });
  await steal(app, ann, async () => {
    await ann.call('account.linkGoogle', { credential: issuer.credential(google) });
    await app.turnOnSecondFactor(ann);
  });
  const { user } = await app.login(ann.email, better);
  assert.deepEqual(user.signIn, { password: true, google: false, secondFactor: false });
  const elsewhere = (await app.ask('auth.loginWithGoogle', { credential: issuer.credential(google) })) as Output<'auth.loginWithGoogle'>;
  assert.notEqual(elsewhere.user.id, ann.id);
});

test('whoever undoes a change of address keeps the ways in that were there long before it', async (t) => {
  const issuer = await startIssuer(t);
  const app = await buildMailedApp(t, { env: issuer.env });
  const ann = await app.verified('Ann');
  const google = issuer.account({ email: 'ann@gmail.example' });
  await ann.call('account.linkGoogle', { credential: issuer.credential(google) });
  await app.turnOnSecondFactor(ann);
  const longAgo = new Date(Date.now() - 25 * 60 * 60_000);
  await app.store.collection('users').updateMany({}, { $set: { googleLinkedAt: longAgo, 'secondFactor.confirmedAt': longAgo } });
  await app.settled();
  // The notices of the link and of the second factor.
  await app.box.next(ann.email);
  await app.box.next(ann.email);
  await steal(app, ann, () => Promise.resolve());
  assert.equal((await refusal(app.login(ann.email, better))).code, 'SECOND_FACTOR_REQUIRED');
  assert.equal((await refusal(app.ask('auth.loginWithGoogle', { credential: issuer.credential(google) }))).code, 'SECOND_FACTOR_REQUIRED');
});

test('a stranger who has my address unverified cannot keep me from it', async (t) => {
  const app = await buildMailedApp(t);
  const stranger = await app.unverified('Mallory');
  await assert.rejects(app.ask('auth.register', { email: stranger.email, password: 'correct horse', firstName: 'Ann' }), { code: 'EMAIL_TAKEN' });
  await resetPassword(app, stranger.email);
  const { accessToken } = await app.login(stranger.email, better);
  const me = await app.services.sessions.authenticate(accessToken, stranger.caller);
  await app.dispatch.call('account.remove', me, { password: better });
  const { user } = (await app.ask('auth.register', { email: stranger.email, password: 'correct horse', firstName: 'Ann' })) as Output<'auth.register'>;
  assert.notEqual(user.id, stranger.id);
});

/** Links Google to an account by signing in with it; gives what signs in with that Google account, and how the owner undoes the link. */
async function linkBySignIn(app: MailedApp, issuer: Issuer, { id, email }: Person): Promise<{ signIn: () => Promise<unknown>; undo: () => Promise<void> }> {
  const account = issuer.account({ email });
  const signIn = (): Promise<unknown> => app.ask('auth.loginWithGoogle', { credential: issuer.credential(account) });
  assert.equal(((await signIn()) as Output<'auth.loginWithGoogle'>).user.id, id);
  const undo = async (): Promise<void> => {
    await app.ask('account.undo', { token: await nextToken(app, email, '/undo') });
    await app.ask('account.resetPassword', { token: await nextToken(app, email), password: better });
  };
  return { signIn, undo };
}

test('whoever had my address once, and Google with it, gets in no more once I have undone the link', async (t) => {
  const issuer = await startIssuer(t);
  const app = await buildMailedApp(t, { env: issuer.env });
  const ann = await app.verified('Ann');
  const { signIn, undo } = await linkBySignIn(app, issuer, ann);
  await undo();
  await assert.rejects(signIn(), { code: 'GOOGLE_NOT_LINKED' });
});

test('a thief who links his own Google does not open the account to one that its owner has unlinked', async (t) => {
  const issuer = await startIssuer(t);
  const app = await buildMailedApp(t, { env: issuer.env });
  const ann = await app.verified('Ann');
  const { signIn } = await linkBySignIn(app, issuer, ann);
  await ann.call('account.unlinkGoogle');
  await app.settled();
  await nextToken(app, ann.email, '/undo');
  await ann.call('account.linkGoogle', { credential: issuer.credential(issuer.account()) });
  await app.ask('account.undo', { token: await nextToken(app, ann.email, '/undo') });
  await assert.rejects(signIn(), { code: 'GOOGLE_NOT_LINKED' });
});
