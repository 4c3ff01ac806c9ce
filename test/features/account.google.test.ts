/** Linking a Google account under settings, taking the link away, and proving with it again who one is. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { connect } from '../helpers/app.ts';
import { guest } from '../helpers/people.ts';
import { forgeries } from '../helpers/forgeries.ts';
import { buildGoogleApp, type GoogleApp, type Member } from '../helpers/google.ts';

const hasGoogle = async ({ call }: Member): Promise<boolean> => (await call('users.me')).signIn.google;
const kindsOf = async ({ call }: Member): Promise<string[]> => (await call('security.list')).items.map(({ kind }) => kind).reverse();

/** All sessions proved long ago who they are. */
async function letTimePass({ mongodbUri }: GoogleApp, t: Parameters<typeof connect>[0]): Promise<void> {
  await (await connect(t, mongodbUri)).collection('sessions').updateMany({}, { $set: { provenAt: new Date(Date.now() - 5 * 60_000) } });
}

test('a Google account is linked, whatever its address, and signs in from then on; the owner is told', async (t) => {
  const { issuer, signUp, signIn, mails } = await buildGoogleApp(t);
  const account = issuer.account({ email: 'elsewhere@example.org' });
  const ann = await signUp('ann@example.org', { verified: true });
  await ann.call('account.linkGoogle', { credential: issuer.credential(account) });
  const { user } = await signIn(account);
  assert.deepEqual([user.id, user.email, user.emailVerified, user.signIn], [ann.id, 'ann@example.org', true, { password: true, google: true, secondFactor: false }]);
  assert.match((await mails.next('ann@example.org')).subject, /Google/);
  const { items } = await ann.call('security.list');
  assert.equal(items.find(({ kind }) => kind === 'google-linked')?.detail, 'elsewhere@example.org');
});

test('linking it once more changes nothing', async (t) => {
  const { issuer, signUp, signIn } = await buildGoogleApp(t);
  const account = issuer.account();
  const ann = await signUp('ann@example.org', { verified: true });
  for (let time = 0; time < 2; time++) await ann.call('account.linkGoogle', { credential: issuer.credential(account) });
  assert.deepEqual(await kindsOf(ann), ['registered', 'email-verified', 'google-linked']);
  assert.equal((await signIn(account)).user.id, ann.id);
});

test('a Google account belongs to one account, and an account has one', async (t) => {
  const { issuer, signUp, signIn } = await buildGoogleApp(t);
  const [annsGoogle, bobsGoogle] = [issuer.account(), issuer.account()];
  const [ann, bob] = await Promise.all([signUp('ann@example.org', { verified: true }), signUp('bob@example.org', { verified: true })]);
  await ann.call('account.linkGoogle', { credential: issuer.credential(annsGoogle) });
  await assert.rejects(bob.call('account.linkGoogle', { credential: issuer.credential(annsGoogle) }), { code: 'GOOGLE_TAKEN' });
  await bob.call('account.linkGoogle', { credential: issuer.credential(bobsGoogle) });
  for (const account of [bobsGoogle, issuer.account()]) await assert.rejects(ann.call('account.linkGoogle', { credential: issuer.credential(account) }), { code: 'GOOGLE_TAKEN' });
  assert.deepEqual([(await signIn(annsGoogle)).user.id, (await signIn(bobsGoogle)).user.id], [ann.id, bob.id]);
});

test('of many who link the same Google account at once one gets it', async (t) => {
  const { issuer, signUp, signIn } = await buildGoogleApp(t);
  const account = issuer.account();
  const people = await Promise.all(Array.from({ length: 10 }, (_, index) => signUp(`person${index}@example.org`, { verified: true })));
  const outcomes = await Promise.allSettled(people.map(({ call }) => call('account.linkGoogle', { credential: issuer.credential(account) })));
  const linked = people.filter((_, index) => outcomes[index]?.status === 'fulfilled');
  assert.deepEqual(linked.map(({ id }) => id), [(await signIn(account)).user.id]);
  for (const outcome of outcomes) if (outcome.status === 'rejected') assert.equal((outcome.reason as { code: string }).code, 'GOOGLE_TAKEN');
});

test('what Google has not verified, and what is not from Google, is not linked', async (t) => {
  const { issuer, signUp } = await buildGoogleApp(t);
  const account = issuer.account();
  const ann = await signUp('ann@example.org', { verified: true });
  await assert.rejects(ann.call('account.linkGoogle', { credential: issuer.credential(account, { email_verified: false }) }), { code: 'GOOGLE_EMAIL_UNVERIFIED' });
  for (const credential of Object.values(forgeries(issuer, account)).filter(Boolean)) await assert.rejects(ann.call('account.linkGoogle', { credential }), { code: 'GOOGLE_REFUSED' });
  assert.equal(await hasGoogle(ann), false);
});

test('a token that has signed its owner in links nothing for who got hold of it', async (t) => {
  const { issuer, signUp, enter, dispatch } = await buildGoogleApp(t);
  const account = issuer.account({ email: 'ann@example.org' });
  const ann = await enter(account);
  const credential = issuer.credential(account);
  await dispatch.call('auth.loginWithGoogle', ann.caller, { credential });
  await ann.call('account.changePassword', { password: 'correct horse battery' });
  await ann.call('account.unlinkGoogle');
  const attacker = await signUp('attacker@example.org', { verified: true });
  await assert.rejects(attacker.call('account.linkGoogle', { credential }), { code: 'GOOGLE_REFUSED' });
});

test('after unlinking, Google signs in to the account no more; the owner is told', async (t) => {
  const { issuer, signUp, signIn, mails } = await buildGoogleApp(t);
  const account = issuer.account({ email: 'elsewhere@example.org' });
  const ann = await signUp('ann@example.org', { verified: true });
  await ann.call('account.linkGoogle', { credential: issuer.credential(account) });
  await mails.next('ann@example.org');
  await ann.call('account.unlinkGoogle');
  assert.match((await mails.next('ann@example.org')).subject, /Google/);
  assert.equal(await hasGoogle(ann), false);
  assert.deepEqual(await kindsOf(ann), ['registered', 'email-verified', 'google-linked', 'google-unlinked']);
  assert.notEqual((await signIn(account)).user.id, ann.id);
  await ann.call('account.unlinkGoogle');
  assert.equal((await kindsOf(ann)).length, 4, 'nothing is left to do');
});

test('what was unlinked is not linked again by signing in, though both sides have verified the address; only by hand', async (t) => {
  const { issuer, signIn, dispatch, services } = await buildGoogleApp(t);
  const account = issuer.account();
  const { accessToken } = await signIn(account);
  const caller = await services.sessions.authenticate(accessToken, guest);
  await dispatch.call('account.changePassword', caller, { password: 'correct horse battery' });
  await dispatch.call('account.unlinkGoogle', caller, {});
  await assert.rejects(signIn(account), { code: 'GOOGLE_NOT_LINKED' });
  // Neither after another one was linked and unlinked since.
  await dispatch.call('account.linkGoogle', caller, { credential: issuer.credential(issuer.account()) });
  await dispatch.call('account.unlinkGoogle', caller, {});
  await assert.rejects(signIn(account), { code: 'GOOGLE_NOT_LINKED' });
  await dispatch.call('account.linkGoogle', caller, { credential: issuer.credential(account) });
  assert.equal((await signIn(account)).user.id, caller.userId);
});

test('the last way in cannot be taken away; after a password is set it is not the last', async (t) => {
  const { issuer, enter, signIn } = await buildGoogleApp(t);
  const account = issuer.account();
  const ann = await enter(account);
  await assert.rejects(ann.call('account.unlinkGoogle'), { code: 'LAST_WAY_IN' });
  assert.equal((await signIn(account)).user.id, ann.id);
  await ann.call('account.changePassword', { password: 'correct horse battery' });
  await ann.call('account.unlinkGoogle');
  assert.equal(await hasGoogle(ann), false);
});

test('both need a sign-in of the last five minutes, or to prove again who one is', async (t) => {
  const app = await buildGoogleApp(t);
  const { issuer, signUp } = app;
  const account = issuer.account();
  const ann = await signUp('ann@example.org', { verified: true });
  const link = (): Promise<unknown> => ann.call('account.linkGoogle', { credential: issuer.credential(account) });
  const unlink = (): Promise<unknown> => ann.call('account.unlinkGoogle');
  for (const [change, proof] of [[link, { password: ann.password }], [unlink, () => ({ credential: issuer.credential(account) })]] as const) {
    const before = await hasGoogle(ann);
    await letTimePass(app, t);
    await assert.rejects(change(), { code: 'FRESH_SIGN_IN_REQUIRED' });
    assert.equal(await hasGoogle(ann), before);
    await ann.call('auth.confirm', typeof proof === 'function' ? proof() : proof);
    await change();
    assert.equal(await hasGoogle(ann), !before);
  }
});

test('the owner\'s own Google account proves who they are, by a token that Google has just made, once', async (t) => {
  const app = await buildGoogleApp(t);
  const { issuer, enter, signUp } = app;
  const account = issuer.account();
  const [ann, bob] = [await enter(account), await signUp('bob@example.org', { verified: true })];
  await letTimePass(app, t);
  const now = Math.floor(Date.now() / 1000);
  const credential = issuer.credential(account);
  const wrong = [issuer.credential(issuer.account()), issuer.credential(issuer.account({ email: account.email })), issuer.credential(account, { iat: now - 301 }), ...Object.values(forgeries(issuer, account)).filter(Boolean)];
  for (const one of wrong) await assert.rejects(ann.call('auth.confirm', { credential: one }), { code: 'GOOGLE_REFUSED' });
  await assert.rejects(bob.call('auth.confirm', { credential: issuer.credential(account) }), { code: 'GOOGLE_REFUSED' });
  await assert.rejects(ann.call('account.remove'), { code: 'FRESH_SIGN_IN_REQUIRED' });

  await ann.call('auth.confirm', { credential });
  await letTimePass(app, t);
  await assert.rejects(ann.call('auth.confirm', { credential }), { code: 'GOOGLE_REFUSED' });
  await assert.rejects(ann.call('account.remove'), { code: 'FRESH_SIGN_IN_REQUIRED' });
  await ann.call('auth.confirm', { credential: issuer.credential(account) });
  await ann.call('account.remove');
});

test('to prove who one is takes the password or Google, not both and not neither', async (t) => {
  const { issuer, signUp } = await buildGoogleApp(t);
  const ann = await signUp('ann@example.org', { verified: true });
  for (const input of [{}, { password: ann.password, credential: issuer.credential(issuer.account()) }, { code: '123456' }]) await assert.rejects(ann.call('auth.confirm', input), { code: 'VALIDATION_FAILED' });
});
