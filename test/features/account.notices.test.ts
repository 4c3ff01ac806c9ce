/** Mails that tell of what has been done: nothing that signs in is changed without one, whatever fails or dies. */
import assert from 'node:assert/strict';
import { EventEmitter, once } from 'node:events';
import { test } from 'node:test';
import { createHub } from '../../src/delivery/hub.ts';
import { createContinuation } from '../../src/features/auth/auth.continuation.ts';
import { mailModel } from '../../src/features/mails/mail.model.ts';
import { createMailQueue } from '../../src/features/mails/mails.service.ts';
import { userModel } from '../../src/features/users/user.model.ts';
import { createCredentialsService } from '../../src/features/users/credentials.service.ts';
import { createAuthenticator } from '../helpers/authenticator.ts';
import { nowhere } from '../helpers/files.ts';
import { startIssuer } from '../helpers/issuer.ts';
import { texts } from '../../src/features/mails/mail.texts.ts';
import { buildMailedApp, comeUp, type MailedApp } from '../helpers/mailed.ts';
import { guest, type Output, type Person } from '../helpers/people.ts';

const account = { email: 'ann@example.org', password: 'correct horse', firstName: 'Ann' };

/** From now on no mail can be stored; or, again, every one can. */
const refuseMails = async (app: MailedApp, isRefused = true): Promise<unknown> => refuse(app, 'mails', isRefused);

/** The same for what is put into any collection. */
const refuse = async ({ store }: MailedApp, collMod: string, isRefused = true): Promise<unknown> => store.db?.command({ collMod, validator: isRefused ? { never: true } : {} });

test('whoever signs up while no mail can be stored is signed in, and asks for the mail later', async (t) => {
  const app = await buildMailedApp(t);
  await refuseMails(app);
  const { accessToken } = (await app.ask('auth.register', account)) as { accessToken: string };
  await refuseMails(app, false);
  const ann = await app.services.sessions.authenticate(accessToken, { ip: '', userAgent: '', language: 'en' });
  await app.dispatch.call('account.sendVerificationEmail', ann, {});
  await app.ask('account.verifyEmail', { token: await app.readToken(account.email, '/verify-email') });
});

test('a Google account is neither linked nor unlinked while the mail about it cannot be stored', async (t) => {
  const issuer = await startIssuer(t);
  const app = await buildMailedApp(t, { env: issuer.env });
  const [ann, bob] = [await app.verified('Ann'), await app.verified('Bob')];
  const google = issuer.account();
  await refuseMails(app);
  await assert.rejects(ann.call('account.linkGoogle', { credential: issuer.credential(google) }), /validation/);
  await assert.rejects(app.ask('auth.loginWithGoogle', { credential: issuer.credential(issuer.account({ email: bob.email })) }), /validation/);
  for (const { call } of [ann, bob]) assert.equal((await call('users.me')).signIn.google, false);
  await refuseMails(app, false);
  await ann.call('account.linkGoogle', { credential: issuer.credential(google) });
  await refuseMails(app);
  await assert.rejects(ann.call('account.unlinkGoogle'), /validation/);
  assert.equal((await ann.call('users.me')).signIn.google, true);
});

test('no new password is set while the mail about it cannot be stored', async (t) => {
  const app = await buildMailedApp(t);
  const ann = await app.verified('Ann');
  await app.ask('account.sendResetEmail', { email: ann.email });
  const token = await app.readToken(ann.email, '/reset-password');
  await refuseMails(app);
  const password = 'an even better horse';
  await assert.rejects(ann.call('account.changePassword', { oldPassword: ann.password, password }), /validation/);
  await assert.rejects(app.ask('account.resetPassword', { token, password }), /validation/);
  await app.login(ann.email, ann.password);
  await refuseMails(app, false);
  await app.ask('account.resetPassword', { token, password });
});

test('a second factor is not switched on while the mail that undoes it cannot be stored', async (t) => {
  const app = await buildMailedApp(t);
  const ann = await app.verified('Ann');
  const { uri } = await ann.call('totp.enrol');
  const confirm = (): Promise<unknown> => ann.call('totp.confirm', { code: createAuthenticator(uri).code() });
  await refuseMails(app);
  await assert.rejects(confirm(), /validation/);
  await app.login(ann.email, ann.password);
  await refuseMails(app, false);
  await confirm();
  await app.readToken(ann.email, '/undo');
});

test('a second factor that cannot be entered in the log yet is told of, with the link that undoes it', async (t) => {
  const app = await buildMailedApp(t);
  const ann = await app.verified('Ann');
  const { uri } = await ann.call('totp.enrol');
  await refuse(app, 'security');
  await ann.call('totp.confirm', { code: createAuthenticator(uri).code() });
  await refuse(app, 'security', false);
  await app.ask('account.undo', { token: await app.readToken(ann.email, '/undo') });
  assert.equal((await app.store.collection('users').findOne({ email: ann.email }))?.['secondFactor'], undefined);
});

for (const [what, deed] of Object.entries({
  'a reset': async (app: MailedApp, { email }: Person) => {
    await app.ask('account.sendResetEmail', { email });
    const token = await app.readToken(email, '/reset-password');
    return { act: () => app.ask('account.resetPassword', { token, password: 'an even better horse' }), subject: texts['password-changed'].en.subject, kind: 'password-reset' };
  },
  'a second factor': async (_app: MailedApp, { call }: Person) => {
    const { uri } = await call('totp.enrol');
    return { act: () => call('totp.confirm', { code: createAuthenticator(uri).code() }), subject: texts['second-factor-on'].en.subject, kind: 'second-factor-on' };
  },
})) {
  test(`${what} is told of and in the log also if the sessions cannot be ended at once`, async (t) => {
    const app = await buildMailedApp(t);
    const ann = await app.verified('Ann');
    await app.login(ann.email, ann.password);
    const { act, subject, kind } = await deed(app, ann);
    await refuse(app, 'revocations');
    await assert.rejects(act(), /validation/);
    await refuse(app, 'revocations', false);
    assert.equal((await app.box.next(ann.email)).subject, subject);
    assert.equal(await app.store.collection('security').countDocuments({ kind }), 1);
  });
}

test('an address that could not be changed at the first try is changed with a notice later', async (t) => {
  const app = await buildMailedApp(t);
  const ann = await app.verified('Ann');
  await ann.call('account.changeEmail', { email: 'new@example.org' });
  const token = await app.readToken('new@example.org', '/confirm-email');
  const { accessToken } = (await app.ask('auth.register', { ...account, email: 'new@example.org' })) as { accessToken: string };
  await assert.rejects(app.ask('account.confirmEmail', { token }), { code: 'EMAIL_TAKEN' });
  await refuse(app, 'users');
  await assert.rejects(app.ask('account.confirmEmail', { token }));
  await refuse(app, 'users', false);
  await comeUp(app);
  await app.settled();
  await app.dispatch.call('account.remove', await app.services.sessions.authenticate(accessToken, guest), { password: account.password });
  await app.ask('account.confirmEmail', { token });
  await app.readToken(ann.email, '/undo');
});

test('a stolen session ends as ever though nobody can be told', async (t) => {
  const app = await buildMailedApp(t);
  const ann = await app.verified('Ann');
  const { accessToken } = (await app.ask('auth.refresh', { refreshToken: ann.refreshToken })) as Output<'auth.refresh'>;
  await app.store.collection('sessions').updateMany({}, { $set: { 'replaced.$[].at': new Date(0) } });
  await refuseMails(app);
  await assert.rejects(app.ask('auth.refresh', { refreshToken: ann.refreshToken }), { code: 'SESSION_ENDED' });
  await assert.rejects(app.services.sessions.authenticate(accessToken, guest), { code: 'UNAUTHENTICATED' });
});

test('a stolen session ends, and its owner is told, though the server dies before it has ended it', async (t) => {
  const app = await buildMailedApp(t);
  const ann = await app.verified('Ann');
  const { accessToken } = (await app.ask('auth.refresh', { refreshToken: ann.refreshToken })) as Output<'auth.refresh'>;
  await app.store.collection('sessions').updateMany({}, { $set: { 'replaced.$[].at': new Date(0) } });
  const asked = new EventEmitter();
  const dying = createContinuation({
    credentials: createCredentialsService({ users: userModel(app.store), bus: createHub(), photoAddress: nowhere }),
    sessions: { ...app.services.sessions, endStolen: async () => new Promise<never>(() => asked.emit('asked')) },
    security: app.services.security,
    mails: createMailQueue(mailModel(app.store), (error) => assert.fail(String(error))),
    onError: (error) => assert.fail(String(error)),
  });
  const dead = once(asked, 'asked');
  void dying.refresh(guest, { refreshToken: ann.refreshToken });
  await dead;
  await app.services.sessions.authenticate(accessToken, guest);
  await comeUp(app);
  assert.equal((await app.box.next(ann.email)).subject, texts['session-stolen'].en.subject);
  await assert.rejects(app.services.sessions.authenticate(accessToken, guest), { code: 'UNAUTHENTICATED' });
  assert.equal(await app.store.collection('security').countDocuments({ kind: 'session-stolen', ip: guest.ip }), 1);
});

test('a stolen session ends, and its owner is told, though the log cannot be written', async (t) => {
  const app = await buildMailedApp(t);
  const ann = await app.verified('Ann');
  const { accessToken } = (await app.ask('auth.refresh', { refreshToken: ann.refreshToken })) as Output<'auth.refresh'>;
  await app.store.collection('sessions').updateMany({}, { $set: { 'replaced.$[].at': new Date(0) } });
  await refuse(app, 'security');
  await assert.rejects(app.ask('auth.refresh', { refreshToken: ann.refreshToken }), { code: 'SESSION_ENDED' });
  await assert.rejects(app.services.sessions.authenticate(accessToken, guest), { code: 'UNAUTHENTICATED' });
  assert.equal((await app.box.next(ann.email)).subject, texts['session-stolen'].en.subject);
});

const sessionEnds: Record<string, (app: MailedApp, ann: Person) => Promise<() => Promise<unknown>>> = {
  async 'that was stolen'(app, { refreshToken }) {
    await app.ask('auth.refresh', { refreshToken });
    await app.store.collection('sessions').updateMany({}, { $set: { 'replaced.$[].at': new Date(0) } });
    return () => assert.rejects(app.ask('auth.refresh', { refreshToken }), { code: 'SESSION_ENDED' });
  },
  async 'that its owner has ended'(app, { caller, email, password }) {
    const owner = await app.services.sessions.authenticate((await app.login(email, password)).accessToken, guest);
    return () => assert.rejects(app.dispatch.call('sessions.end', owner, { id: caller.sessionId }), /validation/);
  },
};

for (const [what, prepare] of Object.entries(sessionEnds)) {
  test(`an address asked for in a session ${what} is not confirmed, though the log could not be written`, async (t) => {
    const app = await buildMailedApp(t);
    const ann = await app.verified('Ann');
    await ann.call('account.changeEmail', { email: 'thief@example.org' });
    const token = await app.readToken('thief@example.org', '/confirm-email');
    const end = await prepare(app, ann);
    await refuse(app, 'security');
    await end();
    await refuse(app, 'security', false);
    await assert.rejects(app.ask('account.confirmEmail', { token }), { code: 'LINK_EXPIRED' });
  });
}

test('what asks for a mail and nothing else fails if the mail cannot be stored', async (t) => {
  const app = await buildMailedApp(t);
  const ann = await app.unverified('Ann');
  await refuseMails(app);
  await assert.rejects(ann.call('account.sendVerificationEmail'), /validation/);
  await assert.rejects(ann.call('account.changeEmail', { email: 'new@example.org' }), /validation/);
  await assert.rejects(app.ask('account.sendResetEmail', { email: ann.email }), /validation/);
});

test('an address is not changed while nobody can be told', async (t) => {
  const app = await buildMailedApp(t);
  const ann = await app.verified('Ann');
  await ann.call('account.changeEmail', { email: 'new@example.org' });
  const token = await app.readToken('new@example.org', '/confirm-email');
  await refuseMails(app);
  await assert.rejects(app.ask('account.confirmEmail', { token }), /validation/);
  await app.login(ann.email, ann.password);
  await refuseMails(app, false);
  await app.ask('account.confirmEmail', { token });
  await app.readToken(ann.email, '/undo');
});

test('the old address is told of the new one also if that cannot be entered in the log yet, and once', async (t) => {
  const app = await buildMailedApp(t);
  const ann = await app.verified('Ann');
  await ann.call('account.changeEmail', { email: 'new@example.org' });
  const token = await app.readToken('new@example.org', '/confirm-email');
  await refuse(app, 'security');
  await app.ask('account.confirmEmail', { token });
  await refuse(app, 'security', false);
  await app.login('new@example.org', ann.password);
  await comeUp(app);
  await app.readToken(ann.email, '/undo');
  await assert.rejects(app.ask('account.confirmEmail', { token }), { code: 'LINK_EXPIRED' });
  assert.equal((await app.settled()).filter(({ to }) => to.includes(ann.email)).length, 2, 'with the first mail of all');
});

test('nobody is told of a change of address that did not come about', async (t) => {
  const app = await buildMailedApp(t);
  const ann = await app.verified('Ann');
  await ann.call('account.changeEmail', { email: 'new@example.org' });
  const token = await app.readToken('new@example.org', '/confirm-email');
  await app.ask('auth.register', { ...account, email: 'new@example.org' });
  await assert.rejects(app.ask('account.confirmEmail', { token }), { code: 'EMAIL_TAKEN' });
  await comeUp(app);
  assert.equal((await app.settled()).filter(({ to }) => to.includes(ann.email)).length, 1, 'the first mail of all');
});
