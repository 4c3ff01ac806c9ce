/** Changing the address of an account: confirmed through the new one, and undone through the old one. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { age, buildMailedApp, type MailedApp } from '../helpers/mailed.ts';
import type { Output, Person } from '../helpers/people.ts';
import { until } from '../helpers/until.ts';

const fresh = 'new@example.org';

/** Asks for the change, and gives the token that came to the new address. */
async function request(app: MailedApp, person: Person, email = fresh): Promise<string> {
  await person.call('account.changeEmail', { email });
  return app.readToken(email, '/confirm-email');
}

const confirm = (app: MailedApp, token: string): Promise<unknown> => app.ask('account.confirmEmail', { token });

/** Changes it, and gives the token that came to the old address. */
async function change(app: MailedApp, person: Person, email = fresh): Promise<string> {
  const { email: before = '' } = await person.call('users.me');
  await confirm(app, await request(app, person, email));
  return app.readToken(before, '/undo');
}

const undo = (app: MailedApp, token: string): Promise<unknown> => app.ask('account.undo', { token });

const kindsOf = async ({ call }: Person): Promise<string[]> => (await call('security.list')).items.map(({ kind, detail }) => [kind, detail].join(' '));

test('the address stays as it is until the link that went to the new one is followed', async (t) => {
  const app = await buildMailedApp(t);
  const ann = await app.verified('Ann');
  const token = await request(app, ann);
  assert.equal((await ann.call('users.me')).email, ann.email);
  await assert.rejects(app.login(fresh, ann.password), { code: 'WRONG_CREDENTIALS' });

  const socket = await ann.socket();
  assert.equal(await confirm(app, token), null, 'nobody is signed in by it');
  const { params } = await socket.next('user.updated');
  assert.deepEqual([params['email'], params['emailVerified']], [fresh, true]);
  assert.deepEqual((await app.login(fresh, ann.password)).user, await ann.call('users.me'), 'sessions go on');
  await assert.rejects(app.login(ann.email, ann.password), { code: 'WRONG_CREDENTIALS' });
  const kinds = await kindsOf(ann);
  for (const kind of [`email-changed ${fresh}`, `email-change-requested ${fresh}`]) assert.ok(kinds.includes(kind), kind);
});

test('a new address is kept in small letters', async (t) => {
  const app = await buildMailedApp(t);
  const ann = await app.verified('Ann');
  await ann.call('account.changeEmail', { email: 'New@Example.ORG' });
  await confirm(app, await app.readToken(fresh, '/confirm-email'));
  assert.equal((await ann.call('users.me')).email, fresh);
});

test('a change of address needs a fresh sign-in', async (t) => {
  const app = await buildMailedApp(t);
  const ann = await app.verified('Ann');
  await age(app.store, 6);
  await assert.rejects(ann.call('account.changeEmail', { email: fresh }), { code: 'FRESH_SIGN_IN_REQUIRED' });
  assert.equal((await app.settled()).length, 1);
  await ann.call('auth.confirm', { password: ann.password });
  await confirm(app, await request(app, ann));
  await assert.rejects(app.ask('account.changeEmail', { email: fresh }), { code: 'UNAUTHENTICATED' });
});

test('the old address is told which is the new one, and gets a link that undoes it', async (t) => {
  const app = await buildMailedApp(t);
  const ann = await app.verified('Ann');
  await confirm(app, await request(app, ann));
  const mail = await app.box.next(ann.email);
  assert.deepEqual([mail.to, mail.recipients], [[ann.email], [ann.email]]);
  assert.ok(mail.text.includes(fresh));
  assert.equal(new URL(mail.link ?? '').pathname, '/undo');
});

test('an old address that was never verified gets no power over the account', async (t) => {
  const app = await buildMailedApp(t);
  const ann = await app.unverified('Ann');
  await confirm(app, await request(app, ann));
  assert.equal((await ann.call('users.me')).emailVerified, true);
  assert.deepEqual((await app.settled()).map(({ to }) => to), [[ann.email], [fresh]]);
  assert.equal(await app.store.collection<{ _id: string }>('tokens').countDocuments({ _id: /^undo/ }), 0);
});

test('of several changes that were asked for only the newest can be confirmed', async (t) => {
  const app = await buildMailedApp(t);
  const ann = await app.verified('Ann');
  const [first, second] = [await request(app, ann, 'first@example.org'), await request(app, ann, 'second@example.org')];
  await assert.rejects(confirm(app, first), { code: 'LINK_EXPIRED' });
  await confirm(app, second);
  assert.equal((await ann.call('users.me')).email, 'second@example.org');
});

test('an address that has an account is answered alike; its owner is told, and nobody else', async (t) => {
  const app = await buildMailedApp(t);
  const [ann, bob] = [await app.verified('Ann'), await app.verified('Bob')];
  assert.equal(await ann.call('account.changeEmail', { email: bob.email.toUpperCase() }), await ann.call('account.changeEmail', { email: fresh }));
  const notice = await app.box.next(bob.email);
  assert.deepEqual([notice.subject, notice.link, notice.recipients], ['You already have a Parley account', undefined, [bob.email]]);
  const received = (await app.settled()).map(({ recipients }) => recipients.join());
  assert.equal(received.filter((to) => to === ann.email).length, 1, 'the first mail of all');
  const kinds = await kindsOf(ann);
  for (const email of [bob.email.toUpperCase(), fresh]) assert.ok(kinds.includes(`email-change-requested ${email}`), email);
  assert.equal((await kindsOf(bob)).some((kind) => kind.startsWith('email-change')), false);
});

test('of two accounts that confirm the same address at once exactly one gets it', async (t) => {
  const app = await buildMailedApp(t);
  const people = [await app.verified('Ann'), await app.verified('Bob')];
  const tokens: string[] = [];
  for (const person of people) tokens.push(await request(app, person));
  const outcomes = await Promise.allSettled(tokens.map((token) => confirm(app, token)));
  assert.deepEqual(outcomes.map(({ status }) => status).sort(), ['fulfilled', 'rejected']);
  const loser = outcomes.findIndex(({ status }) => status === 'rejected');
  assert.equal((outcomes[loser] as { reason: { code: string } }).reason.code, 'EMAIL_TAKEN');
  assert.equal((await people[loser]?.call('users.me'))?.email, people[loser]?.email);
  assert.equal((await people[1 - loser]?.call('users.me'))?.email, fresh);
});

test('an address that was taken after the change was asked for stays with whoever has it', async (t) => {
  const app = await buildMailedApp(t);
  const ann = await app.verified('Ann');
  const token = await request(app, ann);
  await app.ask('auth.register', { email: fresh, password: 'correct horse', firstName: 'Bob' });
  await assert.rejects(confirm(app, token), { code: 'EMAIL_TAKEN' });
  assert.equal((await ann.call('users.me')).email, ann.email);
});

test('undoing gives the old address back, and ends whatever whoever changed it could go on with', async (t) => {
  const app = await buildMailedApp(t);
  const ann = await app.verified('Ann');
  const { username } = await ann.call('users.me');
  const socket = await ann.socket();
  const token = await change(app, ann);
  const pending = await request(app, ann, 'third@example.org');
  await app.ask('account.sendResetEmail', { email: fresh });
  const reset = await app.readToken(fresh, '/reset-password');

  assert.equal(await undo(app, token), null);
  assert.equal((await socket.closed).code, 4401);
  await assert.rejects(app.services.sessions.authenticate(ann.accessToken, ann.caller), { code: 'UNAUTHENTICATED' });
  await assert.rejects(confirm(app, pending), { code: 'LINK_EXPIRED' });
  await assert.rejects(app.ask('account.resetPassword', { token: reset, password: 'the horse of a thief' }), { code: 'LINK_EXPIRED' });
  for (const login of [{ email: fresh }, { email: ann.email }, { username }]) await assert.rejects(app.ask('auth.login', { ...login, password: ann.password }), { code: 'WRONG_CREDENTIALS' });

  await app.ask('account.resetPassword', { token: await app.readToken(ann.email, '/reset-password'), password: 'an even better horse' });
  const { user } = await app.login(ann.email, 'an even better horse');
  assert.deepEqual([user.id, user.emailVerified], [ann.id, true]);
});

test('the link for a new password that comes with undoing is sent however many were asked for', async (t) => {
  const app = await buildMailedApp(t);
  const ann = await app.verified('Ann');
  const token = await change(app, ann);
  for (let count = 0; count < 5; count++) {
    await app.ask('account.sendResetEmail', { email: fresh });
    await app.readToken(fresh, '/reset-password');
  }
  await undo(app, token);
  await app.readToken(ann.email, '/reset-password');
});

test('after two changes the first of the addresses can undo both', async (t) => {
  const app = await buildMailedApp(t);
  const ann = await app.verified('Ann');
  const first = await change(app, ann);
  const second = await change(app, ann, 'third@example.org');
  await undo(app, first);
  await assert.rejects(undo(app, second), { code: 'LINK_EXPIRED' });
  assert.equal((await app.store.collection('users').findOne())?.['email'], ann.email);
});

test('while somebody else has shown that the old address is theirs undoing waits', async (t) => {
  const app = await buildMailedApp(t);
  const ann = await app.verified('Ann');
  const token = await change(app, ann);
  const { accessToken } = (await app.ask('auth.register', { email: ann.email, password: 'correct horse', firstName: 'Bob' })) as { accessToken: string };
  await app.ask('account.verifyEmail', { token: await app.readToken(ann.email, '/verify-email') });
  await assert.rejects(undo(app, token), { code: 'EMAIL_TAKEN' });
  assert.equal((await ann.call('users.me')).email, fresh);
  const bob = await app.services.sessions.authenticate(accessToken, ann.caller);
  await app.dispatch.call('account.remove', bob, { password: 'correct horse' });
  await undo(app, token);
  assert.equal((await app.store.collection('users').findOne({ email: ann.email }))?._id.toHexString(), ann.id);
});

test('nobody keeps an address from being given back by signing up with it: their account goes on without', async (t) => {
  const app = await buildMailedApp(t);
  const ann = await app.verified('Ann');
  const token = await change(app, ann);
  const { user } = (await app.ask('auth.register', { email: ann.email, password: 'correct horse', firstName: 'Mallory' })) as { user: { username: string } };
  await undo(app, token);
  assert.equal((await app.store.collection('users').findOne({ email: ann.email }))?._id.toHexString(), ann.id);
  const mallory = (await app.ask('auth.login', { username: user.username, password: 'correct horse' })) as { user: { email?: string } };
  assert.equal(mallory.user.email, undefined);
});

test('a new password does not keep the change from being undone', async (t) => {
  const app = await buildMailedApp(t);
  const ann = await app.verified('Ann');
  const token = await change(app, ann);
  await ann.call('account.changePassword', { oldPassword: ann.password, password: 'the horse of a thief' });
  await app.box.next(fresh);
  await app.ask('account.sendResetEmail', { email: fresh });
  await app.ask('account.resetPassword', { token: await app.readToken(fresh, '/reset-password'), password: 'another horse of a thief' });
  await undo(app, token);
  assert.equal((await app.store.collection('users').findOne())?.['email'], ann.email);
});

type Session = Output<'auth.login'>;

const callerOf = (app: MailedApp, { accessToken }: Session, { caller }: Person): Promise<Person['caller']> => app.services.sessions.authenticate(accessToken, caller);

/** The ways in which a session other than the one at hand comes to its end. */
const ends: Record<string, (app: MailedApp, owner: Person, session: Session) => Promise<unknown>> = {
  'is ended from another one': async (app, owner, session) => owner.call('sessions.end', { id: (await callerOf(app, session, owner)).sessionId }),
  'is ended with all others': (_app, owner) => owner.call('sessions.endOthers'),
  'is ended as stolen': async (app, _owner, { refreshToken }) => {
    await app.ask('auth.refresh', { refreshToken });
    await app.store.collection('sessions').updateMany({}, { $set: { 'replaced.$[].at': new Date(Date.now() - 21_000) } });
    await assert.rejects(app.ask('auth.refresh', { refreshToken }), { code: 'SESSION_ENDED' });
  },
};

test('a change of address that was asked for in a session that has signed out is over when all others are ended', async (t) => {
  const app = await buildMailedApp(t);
  const ann = await app.verified('Ann');
  const session = await app.login(ann.email, ann.password);
  await app.dispatch.call('account.changeEmail', await callerOf(app, session, ann), { email: fresh });
  const token = await app.readToken(fresh, '/confirm-email');
  await app.ask('auth.logout', { refreshToken: session.refreshToken });
  await ann.call('sessions.endOthers');
  await assert.rejects(confirm(app, token), { code: 'LINK_EXPIRED' });
});

for (const [what, end] of Object.entries(ends)) {
  test(`a change of address that was asked for in a session is over when that session ${what}`, async (t) => {
    const app = await buildMailedApp(t);
    const ann = await app.verified('Ann');
    const session = await app.login(ann.email, ann.password);
    await app.dispatch.call('account.changeEmail', await callerOf(app, session, ann), { email: fresh });
    const token = await app.readToken(fresh, '/confirm-email');
    await end(app, ann, session);
    await assert.rejects(confirm(app, token), { code: 'LINK_EXPIRED' });
    assert.equal((await ann.call('users.me')).email, ann.email);
  });

  test(`a mail for a change of address that still waits is not sent when the session it was asked for in ${what}`, async (t) => {
    const app = await buildMailedApp(t);
    const ann = await app.verified('Ann');
    const session = await app.login(ann.email, ann.password);
    await app.settled();
    app.box.refuse(450);
    const offered = app.box.offered();
    await app.dispatch.call('account.changeEmail', await callerOf(app, session, ann), { email: fresh });
    await until('an attempt', () => app.box.offered() > offered);
    await end(app, ann, session);
    await until('it waits no more', async () => (await app.store.collection('mails').countDocuments({ kind: 'confirm-email' })) === 0);
    app.box.unrefuse();
    assert.equal((await app.settled()).some(({ recipients }) => recipients.includes(fresh)), false);
  });
}
