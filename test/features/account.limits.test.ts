/** How many mails with links an address gets from people who have not shown that it is theirs. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { texts } from '../../src/features/mails/mail.texts.ts';
import type { MailKind } from '../../src/features/mails/mails.service.ts';
import { buildMailedApp, passMinutes, type MailedApp } from '../helpers/mailed.ts';
import { guest, type Output, type Person } from '../helpers/people.ts';
import { until } from '../helpers/until.ts';

const victim = 'victim@example.org';

/** How many mails have gone to an address, once no more is to be sent. */
const countMails = async (app: MailedApp, to: string): Promise<number> => (await app.settled()).filter(({ recipients }) => recipients.includes(to)).length;

test('an address gets five links to confirm it within an hour, whoever asks for them and in whatever case, and is answered alike beyond', async (t) => {
  const app = await buildMailedApp(t);
  for (const name of ['Ann', 'Bob', 'Cem', 'Dee']) {
    const person = await app.verified(name);
    for (const email of [victim, victim.toUpperCase()]) assert.equal(await person.call('account.changeEmail', { email }), null);
  }
  assert.equal(await countMails(app, victim), 5);
  const eve = await app.verified('Eve');
  await passMinutes(app.store, 59);
  await eve.call('account.changeEmail', { email: victim });
  assert.equal(await countMails(app, victim), 5);
  await passMinutes(app.store, 2);
  await eve.call('account.changeEmail', { email: victim });
  assert.equal(await countMails(app, victim), 6);
});

test('who asks for links to an address keeps nobody from signing up with it and verifying it', async (t) => {
  const app = await buildMailedApp(t);
  const mallory = await app.verified('Mallory');
  for (let count = 0; count < 5; count++) {
    await mallory.call('account.changeEmail', { email: victim });
    await app.readToken(victim, '/confirm-email');
  }
  await app.ask('auth.register', { email: victim, password: 'correct horse', firstName: 'Vic' });
  await app.ask('account.verifyEmail', { token: await app.readToken(victim, '/verify-email') });
});

test('whoever has an account is told five times within an hour that somebody wanted its address', async (t) => {
  const app = await buildMailedApp(t);
  const [ann, mallory, eve] = [await app.verified('Ann'), await app.verified('Mallory'), await app.verified('Eve')];
  const before = await countMails(app, ann.email);
  for (const one of [mallory, eve]) for (let count = 0; count < 4; count++) assert.equal(await one.call('account.changeEmail', { email: ann.email }), null);
  assert.equal(await countMails(app, ann.email), before + 5);
});

test('whoever signs up and never verifies gets five links to do it within an hour; nobody else gets fewer for it', async (t) => {
  const app = await buildMailedApp(t);
  const [ann, bob] = [await app.unverified('Ann'), await app.verified('Bob')];
  for (let count = 0; count < 6; count++) {
    await ann.call('account.sendVerificationEmail');
    // One that comes up after a later one is not sent at all.
    await app.settled();
  }
  assert.equal(await countMails(app, ann.email), 5);
  await bob.call('account.changeEmail', { email: 'new@example.org' });
  await app.readToken('new@example.org', '/confirm-email');
});

test('of several links that were asked for the last one that was sent is good', async (t) => {
  const app = await buildMailedApp(t);
  const ann = await app.verified('Ann');
  let token = '';
  for (let count = 0; count < 5; count++) {
    await ann.call('account.changeEmail', { email: victim });
    token = await app.readToken(victim, '/confirm-email');
  }
  await ann.call('account.changeEmail', { email: victim });
  assert.equal(await countMails(app, victim), 5);
  await app.ask('account.confirmEmail', { token });
});

const password = 'correct horse';

/** How many mails of a kind have gone to an address, once no more is to be sent. */
const countKind = async (app: MailedApp, to: string, kind: MailKind): Promise<number> =>
  (await app.settled()).filter(({ recipients, subject }) => recipients.includes(to) && subject === texts[kind].en.subject).length;

/** Makes an account with the address, does something with it, and removes it; whatever is sent meanwhile has been sent. */
async function comeAndGo(app: MailedApp, email: string, stay: () => Promise<unknown> = () => Promise.resolve()): Promise<void> {
  const { accessToken } = (await app.ask('auth.register', { email, password, firstName: 'Vic' })) as Output<'auth.register'>;
  await stay();
  await app.settled();
  await app.dispatch.call('account.remove', await app.services.sessions.authenticate(accessToken, guest), { password });
  await until('the farewell is on its way', async () => (await app.store.collection('users').countDocuments({ 'removal.farewell': { $exists: true } })) === 0);
  await app.settled();
}

/** Changes the password so many times, to another one each time. */
async function changePassword({ call, password: first }: Person, times: number): Promise<void> {
  let oldPassword = first;
  for (let count = 0; count < times; count++) {
    const next = `an even better horse ${count}`;
    await call('account.changePassword', { oldPassword, password: next });
    oldPassword = next;
  }
}

test('to an address that nobody has verified go five notices within an hour, however often its account changes its password', async (t) => {
  const app = await buildMailedApp(t);
  const mallory = await app.unverified('Mallory');
  await changePassword(mallory, 7);
  assert.equal(await countKind(app, mallory.email, 'password-changed'), 5);
  await passMinutes(app.store, 61);
  await changePassword({ ...mallory, password: 'an even better horse 6' }, 1);
  assert.equal(await countKind(app, mallory.email, 'password-changed'), 6);
});

test('an owner who has verified the address is told of every change of the password', async (t) => {
  const app = await buildMailedApp(t);
  const ann = await app.verified('Ann');
  await changePassword(ann, 7);
  assert.equal(await countKind(app, ann.email, 'password-changed'), 7);
});

test('to an address with which accounts are made and removed again and again go five farewells and five links to verify it within an hour', async (t) => {
  const app = await buildMailedApp(t);
  for (let count = 0; count < 7; count++) await comeAndGo(app, victim);
  assert.deepEqual([await countKind(app, victim, 'account-removed'), await countKind(app, victim, 'verify-email')], [5, 5]);
});

test('links for a new password to an address that nobody has verified are five within half an hour, also when its account is removed and made anew', async (t) => {
  const app = await buildMailedApp(t);
  const wish = async (): Promise<unknown> => app.ask('account.sendResetEmail', { email: victim }).then(app.settled);
  for (let count = 0; count < 4; count++) await comeAndGo(app, victim, () => wish().then(wish));
  assert.equal(await countKind(app, victim, 'reset-password'), 5);
  await passMinutes(app.store, 31);
  await comeAndGo(app, victim, wish);
  assert.equal(await countKind(app, victim, 'reset-password'), 6);
});
