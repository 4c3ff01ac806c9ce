/** Signing up: what it takes, what it gives, and what an account may do before its address is verified. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startIssuer } from '../helpers/issuer.ts';
import { buildMailedApp, publicUrl, twentyAtOnce, type MailedApp } from '../helpers/mailed.ts';
import type { Output } from '../helpers/people.ts';

const account = { email: 'ann@example.org', password: 'correct horse', firstName: 'Ann' };

const register = async ({ ask }: MailedApp, input: object = {}): Promise<Output<'auth.register'>> => (await ask('auth.register', { ...account, ...input })) as Output<'auth.register'>;

test('signing up takes an address, a password and a first name, and signs in', async (t) => {
  const app = await buildMailedApp(t);
  const { user, accessToken } = await register(app, { email: 'Ann@Example.org', lastName: 'Lee', username: 'Ann.Lee' });
  const { id, createdAt: _createdAt, privacy: _privacy, ...shown } = user;
  assert.deepEqual(shown, {
    email: 'ann@example.org',
    emailVerified: false,
    username: 'ann.lee',
    firstName: 'Ann',
    lastName: 'Lee',
    language: 'en',
    signIn: { password: true, google: false, secondFactor: false },
  });
  assert.equal((await app.services.sessions.authenticate(accessToken, { ip: '', userAgent: '', language: 'en' })).userId, id);
  for (const missing of ['email', 'password', 'firstName']) await assert.rejects(register(app, { email: 'bob@example.org', [missing]: undefined }), { code: 'VALIDATION_FAILED' }, missing);
});

test('who gives no username gets a free one, made of the first name and never of the address', async (t) => {
  const app = await buildMailedApp(t);
  const names = await Promise.all(Array.from({ length: 20 }, async (_, index) => (await register(app, { email: `secret${index}@example.org` })).user.username));
  assert.equal(new Set(names).size, 20);
  for (const name of names) assert.match(name, /^ann\d*$/);
  assert.ok(names.includes('ann'));
  assert.match((await register(app, { email: 'secret@example.org', firstName: '李' })).user.username, /^user\d+$/);
});

test('a username or an address that is taken is refused, in whatever case', async (t) => {
  const app = await buildMailedApp(t);
  await register(app, { username: 'ann' });
  await assert.rejects(register(app, { email: 'bob@example.org', username: 'ANN' }), { code: 'USERNAME_TAKEN' });
  await assert.rejects(register(app, { email: 'ANN@example.org' }), { code: 'EMAIL_TAKEN' });
  assert.equal(await app.store.collection('users').countDocuments(), 1);
});

test('of 20 who sign up with the same address at once exactly one succeeds, and one mail is sent', async (t) => {
  const app = await buildMailedApp(t);
  const { succeeded, codes } = await twentyAtOnce(() => register(app));
  assert.equal(succeeded.length, 1);
  assert.deepEqual(codes, ['EMAIL_TAKEN']);
  assert.equal((await app.settled()).length, 1);
});

test('who is refused leaves nothing behind and causes no mail', async (t) => {
  const app = await buildMailedApp(t);
  await assert.rejects(register(app, { password: 'password123' }), { code: 'PASSWORD_TOO_EASY' });
  await assert.rejects(register(app, { password: 'ann@example.org' }), { code: 'PASSWORD_TOO_EASY' });
  await assert.rejects(register(app, { email: 'ann' }), { code: 'VALIDATION_FAILED' });
  assert.deepEqual(await app.settled(), []);
  for (const collection of ['users', 'sessions', 'tokens', 'security']) assert.equal(await app.store.collection(collection).countDocuments(), 0, collection);
});

test('the mail is for the new address alone, in the language that was chosen or the browser has', async (t) => {
  const app = await buildMailedApp(t);
  await register(app);
  await app.ask('auth.register', { ...account, email: 'anna@example.org' }, { language: 'ru' });
  await register(app, { email: 'inna@example.org', language: 'ru' });
  const english = await app.box.next('ann@example.org');
  assert.deepEqual([english.to, english.recipients], [['ann@example.org'], ['ann@example.org']]);
  assert.match(english.text, /^Hello Ann,/);
  assert.ok(english.link?.startsWith(`${publicUrl}/verify-email?token=`), english.link);
  for (const email of ['anna@example.org', 'inna@example.org']) assert.match((await app.box.next(email)).text, /^Здравствуйте, Ann!/);
});

test('before its address is verified an account works, but is marked; following the link takes the mark away everywhere', async (t) => {
  const app = await buildMailedApp(t);
  const [ann, bob] = [await app.person('Ann'), await app.verified('Bob')];
  const socket = await ann.socket();
  const { id: chatId } = await ann.call('chats.open', { userId: bob.id });
  assert.equal((await ann.call('messages.send', { chatId, text: 'hello' })).seq, 1);
  assert.equal((await ann.call('users.me')).emailVerified, false);
  assert.equal((await app.login(ann.email, ann.password)).user.emailVerified, false);

  await app.ask('account.verifyEmail', { token: await app.readToken(ann.email, '/verify-email') });
  const { params } = await socket.next('user.updated');
  assert.equal(params['emailVerified'], true);
  assert.equal((await ann.call('users.me')).emailVerified, true);
  assert.deepEqual((await ann.call('security.list')).items.map(({ kind, detail }) => ({ kind, detail })).at(0), { kind: 'email-verified', detail: ann.email });
});

test('an account whose address is not verified is never linked to Google by that address; a verified one is', async (t) => {
  const issuer = await startIssuer(t);
  const app = await buildMailedApp(t, { env: issuer.env });
  const ann = await app.person('Ann');
  const google = issuer.account({ email: ann.email });
  const enter = (): Promise<unknown> => app.ask('auth.loginWithGoogle', { credential: issuer.credential(google) });
  await assert.rejects(enter(), { code: 'GOOGLE_NOT_LINKED' });
  assert.equal((await ann.call('users.me')).signIn.google, false);
  await app.ask('account.verifyEmail', { token: await app.readToken(ann.email, '/verify-email') });
  await enter();
  assert.equal((await ann.call('users.me')).signIn.google, true);
});

test('another mail with another link can be asked for until the address is verified; only the newest link is good', async (t) => {
  const app = await buildMailedApp(t);
  const ann = await app.person('Ann');
  const first = await app.readToken(ann.email, '/verify-email');
  await ann.call('account.sendVerificationEmail');
  const second = await app.readToken(ann.email, '/verify-email');
  await assert.rejects(app.ask('account.verifyEmail', { token: first }), { code: 'LINK_EXPIRED' });
  await app.ask('account.verifyEmail', { token: second });
  await ann.call('account.sendVerificationEmail');
  assert.equal((await app.settled()).length, 2);
});

test('a link that verifies one address does not verify the next', async (t) => {
  const app = await buildMailedApp(t);
  const ann = await app.person('Ann');
  const token = await app.readToken(ann.email, '/verify-email');
  await app.store.collection('users').updateOne({ email: ann.email }, { $set: { email: 'new@example.org' } });
  await assert.rejects(app.ask('account.verifyEmail', { token }), { code: 'LINK_EXPIRED' });
  assert.equal((await ann.call('users.me')).emailVerified, false);
});
