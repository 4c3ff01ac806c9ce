/** Changing the password of an account: by whoever knows it, and what that ends. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startIssuer } from '../helpers/issuer.ts';
import { age, buildMailedApp, twentyAtOnce } from '../helpers/mailed.ts';
import type { Output } from '../helpers/people.ts';

const better = 'an even better horse';

test('whoever knows the old password sets a new one, and goes on with it', async (t) => {
  const app = await buildMailedApp(t);
  const ann = await app.verified('Ann');
  assert.equal(await ann.call('account.changePassword', { oldPassword: ann.password, password: better }), null);
  await assert.rejects(app.login(ann.email, ann.password), { code: 'WRONG_CREDENTIALS' });
  assert.equal((await app.login(ann.email, better)).user.id, ann.id);
  assert.equal((await ann.call('security.list')).items.some(({ kind }) => kind === 'password-changed'), true);
});

test('without the old password nothing changes, however fresh the sign-in', async (t) => {
  const app = await buildMailedApp(t);
  const ann = await app.verified('Ann');
  for (const oldPassword of ['wrong horse', ann.password.toUpperCase(), `${ann.password} `]) {
    await assert.rejects(ann.call('account.changePassword', { oldPassword, password: better }), { code: 'WRONG_PASSWORD' }, oldPassword);
  }
  await assert.rejects(ann.call('account.changePassword', { oldPassword: '', password: better }), { code: 'VALIDATION_FAILED' });
  await assert.rejects(ann.call('account.changePassword', { password: better }), { code: 'VALIDATION_FAILED', details: { fields: [{ field: 'oldPassword', problem: 'is required' }] } });
  await assert.rejects(app.ask('account.changePassword', { oldPassword: ann.password, password: better }), { code: 'UNAUTHENTICATED' });
  await app.login(ann.email, ann.password);
  assert.equal((await app.settled()).length, 1, 'nobody is written to');
});

test('a new password ends all other sessions, with their sockets, and only those', async (t) => {
  const app = await buildMailedApp(t);
  const [ann, bob] = [await app.verified('Ann'), await app.verified('Bob')];
  const other = await app.login(ann.email, ann.password);
  const otherCaller = await app.services.sessions.authenticate(other.accessToken, ann.caller);
  const [mine, bobs] = [await ann.socket(), await bob.socket()];
  const socket = await app.socketOf(other.accessToken);

  await ann.call('account.changePassword', { oldPassword: ann.password, password: better });
  assert.equal((await socket.closed).code, 4401);
  await assert.rejects(app.services.sessions.authenticate(other.accessToken, otherCaller), { code: 'UNAUTHENTICATED' });
  await assert.rejects(app.ask('auth.refresh', { refreshToken: other.refreshToken }), { code: 'SESSION_ENDED' });
  for (const kept of [mine, bobs]) await kept.call('users.me');
  assert.equal(((await app.ask('auth.refresh', { refreshToken: ann.refreshToken })) as Output<'auth.refresh'>).expiresIn, 900);
});

test('a notice says when and from which device', async (t) => {
  const app = await buildMailedApp(t);
  const ann = await app.verified('Ann');
  const firefox = 'Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0';
  await app.dispatch.call('account.changePassword', { ...ann.caller, userAgent: firefox }, { oldPassword: ann.password, password: better });
  const mail = await app.box.next(ann.email);
  assert.deepEqual([mail.subject, mail.link], ['Your password was changed', undefined]);
  assert.match(mail.text, /on \w+ \d+, \d{4} at \d\d:\d\d UTC \(device: Firefox on Linux\)/);
});

test('a new password must not be too short, too long, too common or made of the account', async (t) => {
  const app = await buildMailedApp(t);
  const ann = await app.verified('Ann');
  const change = (password: string): Promise<unknown> => ann.call('account.changePassword', { oldPassword: ann.password, password });
  for (const password of ['x'.repeat(7), 'x'.repeat(73)]) await assert.rejects(change(password), { code: 'VALIDATION_FAILED' }, password);
  for (const password of ['password123', ann.email, 'Ann12345'.slice(0, 6) + 'Ann']) await assert.rejects(change(password), { code: 'PASSWORD_TOO_EASY' }, password);
  await app.login(ann.email, ann.password);
});

test('of 20 changes at once with the same old password exactly one succeeds, and one notice is sent', async (t) => {
  const app = await buildMailedApp(t);
  const ann = await app.verified('Ann');
  const passwordOf = (index: number): string => `an even better horse ${index}`;
  const { succeeded, codes } = await twentyAtOnce((index) => ann.call('account.changePassword', { oldPassword: ann.password, password: passwordOf(index) }));
  assert.equal(succeeded.length, 1);
  assert.deepEqual(codes, ['WRONG_PASSWORD']);
  await app.login(ann.email, passwordOf(succeeded[0] ?? -1));
  assert.deepEqual((await app.settled()).map(({ subject }) => subject), ['Confirm your e-mail address', 'Your password was changed']);
});

test('an account that has none sets its first password within five minutes of a sign-in', async (t) => {
  const issuer = await startIssuer(t);
  const app = await buildMailedApp(t, { env: issuer.env });
  const google = issuer.account({ email: 'zoe@example.org' });
  const { accessToken, user } = (await app.ask('auth.loginWithGoogle', { credential: issuer.credential(google) })) as Output<'auth.loginWithGoogle'>;
  const zoe = await app.services.sessions.authenticate(accessToken, { ip: '127.0.0.1', userAgent: 'test', language: 'en' });
  const set = (input: object): Promise<unknown> => app.dispatch.call('account.changePassword', zoe, input);
  await assert.rejects(app.login('zoe@example.org', better), { code: 'WRONG_CREDENTIALS' });
  await age(app.store, 6);
  await assert.rejects(set({ password: better }), { code: 'FRESH_SIGN_IN_REQUIRED' });
  await assert.rejects(set({ password: better, oldPassword: better }), { code: 'FRESH_SIGN_IN_REQUIRED' });
  await age(app.store, 4);
  await set({ password: better });
  assert.equal((await app.login('zoe@example.org', better)).user.id, user.id);
  await assert.rejects(set({ password: 'a third horse' }), { code: 'VALIDATION_FAILED' }, 'the second one asks for the first');
});

test('a new password ends what was begun with the old one: links for another, changes of address, second steps', async (t) => {
  const app = await buildMailedApp(t);
  const ann = await app.verified('Ann');
  await app.ask('account.sendResetEmail', { email: ann.email });
  const reset = await app.readToken(ann.email, '/reset-password');
  await ann.call('account.changeEmail', { email: 'new@example.org' });
  const confirm = await app.readToken('new@example.org', '/confirm-email');
  await app.turnOnSecondFactor(ann);
  const challenge = await app.login(ann.email, ann.password).then(() => assert.fail('no code was asked for'), (error: unknown) => error as { details: { challengeToken: string } });
  const { challengeToken } = challenge.details;

  await ann.call('account.changePassword', { oldPassword: ann.password, password: better });
  await assert.rejects(app.ask('account.resetPassword', { token: reset, password: 'a third horse' }), { code: 'LINK_EXPIRED' });
  await assert.rejects(app.ask('account.confirmEmail', { token: confirm }), { code: 'LINK_EXPIRED' });
  await assert.rejects(app.ask('auth.verifySecondFactor', { challengeToken, code: '123456' }), { code: 'CHALLENGE_EXPIRED' });
});
