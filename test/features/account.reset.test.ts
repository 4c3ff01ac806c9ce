/** A new password for whoever reads mail at the address of an account. */
import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { Types } from 'mongoose';
import { AppError } from '../../src/core/errors.ts';
import { toOrder } from '../../src/core/order.ts';
import { createHub } from '../../src/delivery/hub.ts';
import { createAccountMails } from '../../src/features/account/account.mails.ts';
import { counterCollection } from '../../src/features/counters/counter.model.ts';
import { createCountersService } from '../../src/features/counters/counters.service.ts';
import { mailModel } from '../../src/features/mails/mail.model.ts';
import { createMailQueue } from '../../src/features/mails/mails.service.ts';
import { securityModel } from '../../src/features/security/security.model.ts';
import { createSecurityService } from '../../src/features/security/security.service.ts';
import { tokenModel } from '../../src/features/tokens/token.model.ts';
import { createTokensService } from '../../src/features/tokens/tokens.service.ts';
import { createCredentialsService } from '../../src/features/users/credentials.service.ts';
import { createNoticesService } from '../../src/features/users/notices.service.ts';
import { userModel } from '../../src/features/users/user.model.ts';
import { connect } from '../helpers/app.ts';
import { nowhere } from '../helpers/files.ts';
import { buildMailedApp, comeUp, passMinutes, publicUrl, putOff, twentyAtOnce, type MailedApp } from '../helpers/mailed.ts';
import { until } from '../helpers/until.ts';

const better = 'an even better horse';

const wish = (app: MailedApp, email: string): Promise<unknown> => app.ask('account.sendResetEmail', { email });

/** Asks for a link, and gives its token. */
async function request(app: MailedApp, email: string): Promise<string> {
  await wish(app, email);
  return app.readToken(email, '/reset-password');
}

const reset = (app: MailedApp, token: string, password = better): Promise<unknown> => app.ask('account.resetPassword', { token, password });

/** How many mails with a link for a new password have been received, once no more is to be sent. */
const countLinks = async (app: MailedApp): Promise<number> => (await app.settled()).filter(({ subject }) => subject === 'Set a new password').length;

test('the link sets a new password, and the owner is told', async (t) => {
  const app = await buildMailedApp(t);
  const ann = await app.verified('Ann');
  const token = await request(app, ann.email);
  await app.login(ann.email, ann.password);
  assert.equal(await reset(app, token), null, 'nobody is signed in by it');
  await assert.rejects(app.login(ann.email, ann.password), { code: 'WRONG_CREDENTIALS' });
  assert.equal((await app.login(ann.email, better)).user.id, ann.id);
  const notice = await app.box.next(ann.email);
  assert.deepEqual([notice.subject, notice.link], ['Your password was changed', undefined]);
});

test('every session ends, with its socket', async (t) => {
  const app = await buildMailedApp(t);
  const [ann, bob] = [await app.verified('Ann'), await app.verified('Bob')];
  const other = await app.login(ann.email, ann.password);
  const sockets = [await ann.socket(), await app.socketOf(other.accessToken)];
  const bobs = await bob.socket();
  await reset(app, await request(app, ann.email));
  for (const socket of sockets) assert.equal((await socket.closed).code, 4401);
  for (const { accessToken, refreshToken } of [ann, other]) {
    await assert.rejects(app.services.sessions.authenticate(accessToken, ann.caller), { code: 'UNAUTHENTICATED' });
    await assert.rejects(app.ask('auth.refresh', { refreshToken }), { code: 'SESSION_ENDED' });
  }
  await bobs.call('users.me');
});

for (const [what, env, start] of [
  ['to the app', { APP_URL: 'https://app.example.org' }, 'https://app.example.org/reset-password?token='],
  ['to the app, wherever that lies', { APP_URL: 'https://example.org/parley/' }, 'https://example.org/parley/reset-password?token='],
  ['to our own page where there is no app', {}, 'https://chat.example.org/reset-password?token='],
] as const) {
  test(`the link leads ${what}`, async (t) => {
    const app = await buildMailedApp(t, { env });
    const ann = await app.verified('Ann');
    await wish(app, ann.email);
    const { link = '' } = await app.box.next(ann.email);
    assert.ok(link.startsWith(start), link);
    await reset(app, link.slice(start.length));
  });
}

test('of 20 who redeem the same link at once exactly one succeeds, with the password they wanted; one notice is sent', async (t) => {
  const app = await buildMailedApp(t);
  const ann = await app.verified('Ann');
  const token = await request(app, ann.email);
  const passwordOf = (index: number): string => `${better} ${index}`;
  const { succeeded, codes } = await twentyAtOnce((index) => reset(app, token, passwordOf(index)));
  assert.equal(succeeded.length, 1);
  assert.deepEqual(codes, ['LINK_EXPIRED']);
  await app.login(ann.email, passwordOf(succeeded[0] ?? -1));
  assert.equal((await app.settled()).filter(({ subject }) => subject === 'Your password was changed').length, 1);
});

test('only the newest link is good', async (t) => {
  const app = await buildMailedApp(t);
  const ann = await app.verified('Ann');
  const [first, second] = [await request(app, ann.email), await request(app, ann.email)];
  await assert.rejects(reset(app, first), { code: 'LINK_EXPIRED' });
  await app.login(ann.email, ann.password);
  await reset(app, second);
});

test('a password that is refused does not use the link up', async (t) => {
  const app = await buildMailedApp(t);
  const ann = await app.verified('Ann');
  const token = await request(app, ann.email);
  for (const password of ['password123', ann.email]) await assert.rejects(reset(app, token, password), { code: 'PASSWORD_TOO_EASY' }, password);
  await assert.rejects(reset(app, token, 'x'.repeat(7)), { code: 'VALIDATION_FAILED' });
  await reset(app, token);
});

test('who has no account is answered alike, and written nothing', async (t) => {
  const app = await buildMailedApp(t);
  const ann = await app.verified('Ann');
  const addresses = [ann.email, 'nobody@example.org', ann.email.toUpperCase()];
  for (const email of addresses) {
    assert.equal(await wish(app, email), null);
    await app.settled();
  }
  assert.deepEqual((await app.settled()).map(({ recipients }) => recipients), [[ann.email], [ann.email], [ann.email]]);
  await ann.call('account.remove', { password: ann.password });
  await wish(app, ann.email);
  assert.equal(await countLinks(app), 2, 'nor is whoever had one');
});

/** Asks until nothing is sent any more; gives the token that was sent last. */
async function exhaust(app: MailedApp, email: string): Promise<string> {
  const before = await countLinks(app);
  let last = '';
  for (let count = 0; count < 5; count++) last = await request(app, email);
  for (let count = 0; count < 5; count++) await wish(app, email);
  assert.equal(await countLinks(app), before + 5);
  return last;
}

/** Whether a link is good, and was not used: a password that is refused does not use it up. */
const isGood = async (app: MailedApp, token: string): Promise<boolean> => reset(app, token, 'password123').then(() => assert.fail('it was set'), (error: unknown) => error instanceof AppError && error.code === 'PASSWORD_TOO_EASY');

test('beyond five within half an hour nothing is sent, and the last link is still good; when it is not any more, the next is sent', async (t) => {
  const app = await buildMailedApp(t);
  const ann = await app.verified('Ann');
  const last = await exhaust(app, ann.email);
  await passMinutes(app.store, 29);
  await wish(app, ann.email);
  assert.equal(await countLinks(app), 5);
  assert.ok(await isGood(app, last));
  await passMinutes(app.store, 2);
  assert.equal(await isGood(app, last), false);
  await reset(app, await request(app, ann.email));
});

test('whoever has set a new password gets a link again at once, for the last one is good no more', async (t) => {
  const app = await buildMailedApp(t);
  const ann = await app.verified('Ann');
  await reset(app, await exhaust(app, ann.email));
  await app.box.next(ann.email);
  await exhaust(app, ann.email);
});

test('whoever has an account with an address that is not verified has five links sent there, however often the password changes', async (t) => {
  const app = await buildMailedApp(t);
  const mallory = await app.unverified('Mallory');
  await exhaust(app, mallory.email);
  await mallory.call('account.changePassword', { oldPassword: mallory.password, password: better });
  await wish(app, mallory.email);
  assert.equal(await countLinks(app), 5);
});

/** What prepares mails in a process of its own. */
async function createPreparing(t: TestContext, { mongodbUri, services: { sessions } }: MailedApp): Promise<ReturnType<typeof createAccountMails>> {
  const store = await connect(t, mongodbUri);
  const security = createSecurityService(securityModel(store));
  return createAccountMails({
    credentials: createCredentialsService({ users: userModel(store), bus: createHub(), photoAddress: nowhere }),
    sessions,
    tokens: createTokensService(tokenModel(store)),
    security,
    notices: createNoticesService({ mails: createMailQueue(mailModel(store), (error) => assert.fail(String(error))), security, onError: (error) => assert.fail(String(error)) }),
    counters: createCountersService(counterCollection(store)),
    publicUrl,
    appUrl: undefined,
  });
}

test('of 20 wishes that two processes look at in the same instant five are granted, to each account', async (t) => {
  const app = await buildMailedApp(t);
  const processes = await Promise.all([createPreparing(t, app), createPreparing(t, app)]);
  for (const { email } of [await app.verified('Ann'), await app.verified('Bob')]) {
    const mail = { kind: 'reset-password', language: 'en', to: email, values: {}, attempts: 1, order: toOrder({ t: 1, i: 1 }) } as const;
    const wishes = processes.flatMap((prepare) => Array.from({ length: 10 }, () => prepare({ ...mail, id: new Types.ObjectId().toHexString() })));
    const prepared = await Promise.all(wishes);
    assert.equal(prepared.filter((one) => one !== undefined).length, 5);
  }
});

test('a mail that has to be sent again is not counted again', async (t) => {
  const app = await buildMailedApp(t);
  const ann = await app.verified('Ann');
  app.box.refuse(450);
  const offered = app.box.offered();
  await wish(app, ann.email);
  await until('two attempts', () => app.box.offered() >= offered + 2);
  app.box.unrefuse();
  await app.readToken(ann.email, '/reset-password');
  assert.equal(await app.store.collection('security').countDocuments({ kind: 'password-reset-requested' }), 1);
});

test('the link is good for the address it went to, not for the account whatever its address', async (t) => {
  const app = await buildMailedApp(t);
  const ann = await app.verified('Ann');
  const token = await request(app, ann.email);
  await ann.call('account.changeEmail', { email: 'new@example.org' });
  await app.ask('account.confirmEmail', { token: await app.readToken('new@example.org', '/confirm-email') });
  await assert.rejects(reset(app, token), { code: 'LINK_EXPIRED' });
  await app.login('new@example.org', ann.password);
});

test('the second factor of a verified account outlives a new password', async (t) => {
  const app = await buildMailedApp(t);
  const ann = await app.verified('Ann');
  await app.turnOnSecondFactor(ann);
  await app.box.next(ann.email);
  await reset(app, await request(app, ann.email));
  await assert.rejects(app.login(ann.email, better), { code: 'SECOND_FACTOR_REQUIRED' });
});

test('an earlier mail for a new password that comes up again does not end the link that was delivered', async (t) => {
  const app = await buildMailedApp(t);
  const ann = await app.verified('Ann');
  app.box.refuse(450);
  await app.ask('account.sendResetEmail', { email: ann.email });
  await putOff(app);
  app.box.unrefuse();
  await app.ask('account.sendResetEmail', { email: ann.email });
  const token = await app.readToken(ann.email, '/reset-password');
  const sent = app.box.received.length;
  await comeUp(app);
  assert.equal((await app.settled()).length, sent);
  await app.ask('account.resetPassword', { token, password: better });
});
