/** How many mails with links an address gets from people who have not shown that it is theirs. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { buildMailedApp, passMinutes, type MailedApp } from '../helpers/mailed.ts';

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
  for (let count = 0; count < 6; count++) await ann.call('account.sendVerificationEmail');
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
