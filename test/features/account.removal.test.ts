/** The end of an account: who may ask for it, what works no more, what is left of it, and for whom. */
import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { Types } from 'mongoose';
import { Secret, TOTP } from 'otpauth';
import type { Guest } from '../../src/core/contract.ts';
import type { UserDocument } from '../../src/features/users/user.model.ts';
import { buildTestApp, connect, type TestApp } from '../helpers/app.ts';
import { startIssuer } from '../helpers/issuer.ts';
import { mailbox, type Mailbox } from '../helpers/mailbox.ts';
import { guest, type Output, type Person } from '../helpers/people.ts';
import { openSocket } from '../helpers/socket.ts';
import { countWaitingMails, mentions } from '../helpers/store.ts';
import { until } from '../helpers/until.ts';
import { ask, requireError } from '../transports/ask.ts';

const deletedUser = (id: string, removedAt: unknown) => ({ id, username: `Removed.${id}`, firstName: 'Deleted account', removedAt });

const storedUser = async (t: TestContext, mongodbUri: string, id: string) => (await connect(t, mongodbUri)).collection<UserDocument>('users').findOne({ _id: new Types.ObjectId(id) });

/** The session is as if its owner had proven who they are six minutes ago. */
async function makeStale(t: TestContext, mongodbUri: string, { caller }: Pick<Person, 'caller'>): Promise<void> {
  const sessions = (await connect(t, mongodbUri)).collection('sessions');
  await sessions.updateOne({ _id: new Types.ObjectId(caller.sessionId) }, { $set: { provenAt: new Date(Date.now() - 6 * 60_000) } });
}

const tokenOf = ({ link = '' }: { link: string | undefined }): string => new URL(link).searchParams.get('token') ?? '';

test('an account is not removed without its password', async (t) => {
  const { person, dispatch, mongodbUri } = await buildTestApp(t);
  const [ann, bob] = await Promise.all([person('Ann'), person('Bob')]);
  const before = await storedUser(t, mongodbUri, ann.id);
  const refused = { 'wrong horse battery': 'WRONG_PASSWORD', [ann.password.toUpperCase()]: 'WRONG_PASSWORD', [`${ann.password} `]: 'WRONG_PASSWORD', '': 'VALIDATION_FAILED' };
  for (const [password, code] of Object.entries(refused)) await assert.rejects(ann.call('account.remove', { password }), { code }, password);
  await assert.rejects(ann.call('account.remove'), { code: 'VALIDATION_FAILED' });
  await assert.rejects(ann.call('account.remove', { password: ann.password, messages: 'some' }), { code: 'VALIDATION_FAILED' });
  await assert.rejects(ann.call('account.remove', { password: ann.password, id: bob.id }), { code: 'VALIDATION_FAILED' });
  await assert.rejects(dispatch.call('account.remove', guest, { password: ann.password }), { code: 'UNAUTHENTICATED' });
  assert.deepEqual(await storedUser(t, mongodbUri, ann.id), before);
  await dispatch.call('auth.login', guest, { email: ann.email, password: ann.password });
});

test('where there is no password, it takes a sign-in with Google of the last five minutes', async (t) => {
  const issuer = await startIssuer(t);
  const { dispatch, services, mongodbUri } = await buildTestApp(t, { env: issuer.env });
  const account = issuer.account({ picture: 'https://pictures.example/zebedee.png', given_name: 'Zebedee' });
  const signedIn = (await dispatch.call('auth.loginWithGoogle', guest, { credential: issuer.credential(account) })) as Output<'auth.loginWithGoogle'>;
  const caller = await services.sessions.authenticate(signedIn.accessToken, guest);
  await makeStale(t, mongodbUri, { caller });
  await assert.rejects(dispatch.call('account.remove', caller, {}), { code: 'FRESH_SIGN_IN_REQUIRED' });
  await assert.rejects(dispatch.call('account.remove', caller, { password: 'any password' }), { code: 'WRONG_PASSWORD' });
  await dispatch.call('auth.confirm', caller, { credential: issuer.credential(account) });
  await dispatch.call('account.remove', caller, {});

  const connection = await connect(t, mongodbUri);
  for (const secret of [account.sub, account.email, 'zebedee']) {
    await until(`${secret} is forgotten`, async () => !(await mentions(connection, secret)));
  }
  const again = (await dispatch.call('auth.loginWithGoogle', guest, { credential: issuer.credential(account) })) as Output<'auth.loginWithGoogle'>;
  assert.notEqual(again.user.id, signedIn.user.id);
});

test('a session that was opened by password proves nothing by being fresh', async (t) => {
  const issuer = await startIssuer(t);
  const { verified } = await buildTestApp(t, { env: issuer.env });
  const ann = await verified('Ann');
  const account = issuer.account();
  await ann.call('account.linkGoogle', { credential: issuer.credential(account) });
  await assert.rejects(ann.call('account.remove'), { code: 'VALIDATION_FAILED' });
  await ann.call('auth.confirm', { credential: issuer.credential(account) });
  await ann.call('account.remove');
});

const zeb: Guest = { ip: '198.51.100.77', userAgent: 'SecretBrowser/1.0', language: 'en' };
const [oldEmail, email, nextEmail] = ['zeb-old@secret.example', 'zeb-new@secret.example', 'zeb-next@secret.example'];
const password = 'correct horse battery';

/** Somebody who has left traces wherever there are any to be left. */
async function liveALot({ dispatch, services }: TestApp, box: Mailbox, googleCredential: string) {
  const profile = { firstName: 'Zebedee', lastName: 'Quuxington', username: 'zebedee.quuxing', email: oldEmail, password };
  const { user, accessToken, refreshToken } = (await dispatch.call('auth.register', zeb, profile)) as Output<'auth.register'>;
  const caller = await services.sessions.authenticate(accessToken, zeb);
  const call = (name: string, input: object = {}) => dispatch.call(name, caller, input);
  await call('account.verifyEmail', { token: tokenOf(await box.next(oldEmail)) });
  await call('account.changeEmail', { email });
  await call('account.confirmEmail', { token: tokenOf(await box.next(email)) });
  const undo = tokenOf(await box.next(oldEmail));
  await call('account.changeEmail', { email: nextEmail });
  const confirmEmail = tokenOf(await box.next(nextEmail));
  await dispatch.call('account.sendResetEmail', zeb, { email });
  const resetPassword = tokenOf(await box.next(email));
  await call('account.linkGoogle', { credential: googleCredential });
  await call('users.update', { id: 'me', about: 'Collects stamps.', username: 'zebedee.the.quuxing' });
  const { secret } = (await call('totp.enrol')) as Output<'totp.enrol'>;
  const { recoveryCodes } = (await call('totp.confirm', { code: new TOTP({ secret: Secret.fromBase32(secret) }).generate() })) as Output<'totp.confirm'>;
  await assert.rejects(dispatch.call('auth.login', zeb, { email, password: 'wrong horse' }), { code: 'WRONG_CREDENTIALS' });
  const challenge = async (): Promise<string> => {
    const refusal = await dispatch.call('auth.login', zeb, { email, password }).catch((error: unknown) => error as { details: { challengeToken: string } });
    return (refusal as { details: { challengeToken: string } }).details.challengeToken;
  };
  const second = (await dispatch.call('auth.verifySecondFactor', zeb, { challengeToken: await challenge(), code: recoveryCodes[0] })) as Output<'auth.verifySecondFactor'>;
  return { id: user.id, call, accessToken, refreshToken, second, secret, challengeToken: await challenge(), code: recoveryCodes[1], links: { undo, confirmEmail, resetPassword } };
}

test('nothing that was theirs works any more, and nothing personal is left anywhere in the store', async (t) => {
  const [box, issuer] = await Promise.all([mailbox(t), startIssuer(t)]);
  const server = await buildTestApp(t, { env: { ...issuer.env, SMTP_URL: box.smtpUrl } });
  const { url, dispatch, person, mongodbUri } = server;
  const google = issuer.account({ email: 'zeb@google.example' });
  const bob = await person('Bob');
  const life = await liveALot(server, box, issuer.credential(google));
  const { chatId } = (await life.call('messages.send', { to: bob.id, text: 'hello' })) as Output<'messages.send'>;
  const sockets = await Promise.all([life.accessToken, life.second.accessToken].map((token) => openSocket(t, url, token)));

  assert.equal((await ask(url, '/user/me', { method: 'DELETE', token: life.accessToken, json: { password } })).status, 204);
  for (const socket of sockets) assert.equal((await socket.closed).code, 4401);
  for (const token of [life.accessToken, life.second.accessToken]) requireError(await ask(url, '/user/me', { token }), 'UNAUTHENTICATED');
  for (const refreshToken of [life.refreshToken, life.second.refreshToken]) await assert.rejects(dispatch.call('auth.refresh', zeb, { refreshToken }), { code: 'SESSION_ENDED' });
  for (const login of [{ email }, { email: oldEmail }, { username: 'zebedee.the.quuxing' }, { username: 'zebedee.quuxing' }]) {
    await assert.rejects(dispatch.call('auth.login', zeb, { ...login, password }), { code: 'WRONG_CREDENTIALS' });
  }
  assert.match((await box.next(email)).text, /Zebedee/);
  await until('the links are gone', async () => !(await mentions(await connect(t, mongodbUri), 'secret.example')));
  const { undo, confirmEmail, resetPassword } = life.links;
  const spent = { 'account.undo': { token: undo }, 'account.confirmEmail': { token: confirmEmail }, 'account.resetPassword': { token: resetPassword, password: 'another horse battery' } };
  for (const [name, input] of Object.entries(spent)) await assert.rejects(dispatch.call(name, zeb, input), { code: 'LINK_EXPIRED' }, name);
  await assert.rejects(dispatch.call('auth.verifySecondFactor', zeb, { challengeToken: life.challengeToken, code: life.code }), { code: 'CHALLENGE_EXPIRED' });

  const connection = await connect(t, mongodbUri);
  const personal = ['zebedee', 'quuxing', 'secret.example', 'google.example', '198.51.100', 'secretbrowser', 'stamps', google.sub, life.secret];
  await until('nothing personal is left', async () => {
    return !(await mentions(connection, ...personal));
  });
  const { removal, createdAt: _createdAt, removedAt, ...left } = (await storedUser(t, mongodbUri, life.id)) as Partial<UserDocument>;
  const privacy = { search: 'nobody', lastSeen: 'nobody', groups: 'nobody', readReceipts: false };
  assert.deepEqual(left, { _id: new Types.ObjectId(life.id), username: `Removed.${life.id}`, firstName: 'Deleted account', words: [], language: 'en', privacy });
  assert.deepEqual(removal, { messages: 'keep', startedAt: removedAt });
  assert.equal((await bob.call('messages.list', { chatId })).items[0]?.text, 'hello');
});

test('the link that verifies an address leads nowhere once the account is gone', async (t) => {
  const box = await mailbox(t);
  const { person, dispatch } = await buildTestApp(t, { env: { SMTP_URL: box.smtpUrl } });
  const ann = await person('Ann');
  const token = tokenOf(await box.next(ann.email));
  await ann.call('account.remove', { password: ann.password });
  await assert.rejects(dispatch.call('account.verifyEmail', guest, { token }), { code: 'LINK_EXPIRED' });
});

test('e-mail address, username and Google account are free for somebody else, who has nothing to do with the account that was', async (t) => {
  const issuer = await startIssuer(t);
  const { person, verified, dispatch, services, mongodbUri } = await buildTestApp(t, { env: issuer.env });
  const [ann, bob] = await Promise.all([verified('Ann'), person('Bob')]);
  const { username } = await ann.call('users.me');
  const google = issuer.account();
  await ann.call('account.linkGoogle', { credential: issuer.credential(google) });
  await ann.call('messages.send', { to: bob.id, text: 'hello' });
  await ann.call('account.remove', { password: ann.password });
  const { user, accessToken } = (await dispatch.call('auth.register', guest, { email: ann.email, username, password, firstName: 'Anton' })) as Output<'auth.register'>;
  assert.notEqual(user.id, ann.id);
  const anton = await services.sessions.authenticate(accessToken, guest);
  await (await connect(t, mongodbUri)).collection('users').updateOne({ email: ann.email }, { $set: { emailVerifiedAt: new Date() } });
  await dispatch.call('account.linkGoogle', anton, { credential: issuer.credential(google) });
  assert.deepEqual(await dispatch.call('chats.list', anton, {}), { items: [], more: false });
  assert.equal(((await dispatch.call('security.list', anton, {})) as { items: object[] }).items.length, 2);
  assert.deepEqual((await bob.call('users.search', { search: 'Anton' })).items.map(({ id }) => id), [user.id]);
  assert.equal((await storedUser(t, mongodbUri, ann.id))?.username, `Removed.${ann.id}`);
});

test('whoever talked with them goes on to see the chat, with a deleted account', async (t) => {
  const { person } = await buildTestApp(t);
  const [ann, bob, cem] = await Promise.all([person('Annabel'), person('Bob'), person('Cem')]);
  const { chatId } = await ann.call('messages.send', { to: bob.id, text: 'hello' });
  await bob.call('messages.send', { to: ann.id, text: 'hi' });
  const before = (await bob.call('messages.list', { chatId })).items;
  await ann.call('account.remove', { password: ann.password });

  const { removedAt, ...rest } = await bob.call('users.get', { id: ann.id });
  const deleted = deletedUser(ann.id, removedAt);
  assert.deepEqual({ ...rest, removedAt }, deleted);
  assert.ok(removedAt);
  const got = await bob.call('chats.get', { id: chatId });
  const listed = (await bob.call('chats.list')).items;
  const synced = await bob.call('messages.sync');
  const opened = await bob.call('chats.open', { userId: ann.id });
  for (const chat of [got, listed[0], { ...synced.chats[0]?.chat, members: synced.chats[0]?.members ?? [] }, opened]) {
    // Nobody can say any more whether they would tell how far they have read.
    assert.deepEqual(chat?.members.find(({ user }) => user.id === ann.id), { user: deleted, role: 'member', joinedSeq: 0, deliveredSeq: 0 });
    assert.equal(chat.id, chatId);
  }
  assert.deepEqual((await bob.call('messages.list', { chatId })).items, before);
  assert.deepEqual(synced.chats[0]?.messages, before);
  for (const search of ['annabel', 'deleted', 'removed', ann.id]) assert.deepEqual((await bob.call('users.search', { search })).items, [], search);

  await assert.rejects(cem.call('chats.open', { userId: ann.id }), { code: 'USER_NOT_FOUND' });
  await assert.rejects(cem.call('messages.send', { to: ann.id, text: 'hello?' }), { code: 'USER_NOT_FOUND' });
  assert.deepEqual((await cem.call('chats.list')).items, []);
});

test('a chat with a deleted account opens alike on a server that knew it before and on one that did not', async (t) => {
  const one = await buildTestApp(t);
  const [ann, bob] = await Promise.all([one.person('Ann'), one.person('Bob')]);
  const { chatId } = await ann.call('messages.send', { to: bob.id, text: 'hello' });
  await ann.call('account.remove', { password: ann.password });
  const other = await buildTestApp(t, { mongodbUri: one.mongodbUri });
  for (const { dispatch } of [one, other]) assert.equal(((await dispatch.call('chats.open', bob.caller, { userId: ann.id })) as { id: string }).id, chatId);
});

test('how far somebody had read does not come out by their going', async (t) => {
  const { person } = await buildTestApp(t);
  const [ann, bob] = await Promise.all([person('Ann'), person('Bob')]);
  await ann.call('users.update', { id: 'me', privacy: { readReceipts: false } });
  const { chatId } = await bob.call('messages.send', { to: ann.id, text: 'hello' });
  await ann.call('chats.read', { id: chatId, seq: 1 });
  await ann.call('account.remove', { password: ann.password });
  assert.deepEqual((await bob.call('chats.get', { id: chatId })).members.filter(({ user }) => user.id === ann.id).map(({ readSeq }) => readSeq), [undefined]);
});

test('whoever asks over a socket is gone, and their socket with them', async (t) => {
  const { person } = await buildTestApp(t);
  const [ann, bob] = await Promise.all([person('Ann'), person('Bob')]);
  const socket = await ann.socket();
  const answered = socket.call('account.remove', { password: ann.password }).then(() => undefined, () => undefined);
  assert.equal((await socket.closed).code, 4401);
  assert.ok((await bob.call('users.get', { id: ann.id })).removedAt);
  void answered;
});

test('of two wishes at the same instant one is carried out, and one farewell is sent', async (t) => {
  const box = await mailbox(t);
  const one = await buildTestApp(t, { env: { SMTP_URL: box.smtpUrl } });
  const other = await buildTestApp(t, { mongodbUri: one.mongodbUri, env: { SMTP_URL: box.smtpUrl } });
  const connection = await connect(t, one.mongodbUri);
  const people = [];
  for (const name of ['Ann', 'Bob', 'Cem', 'Dee', 'Eve']) {
    const person = await one.person(name);
    await box.next(person.email);
    const { chatId } = await person.call('messages.send', { to: person.id, text: 'a note' });
    const wish = (messages: string) => ({ password: person.password, messages });
    await Promise.allSettled([person.call('account.remove', wish('keep')), other.dispatch.call('account.remove', person.caller, wish('remove'))]);
    await box.next(person.email);
    await until('no mail waits', async () => (await countWaitingMails(connection)) === 0);
    assert.equal(box.received.filter(({ recipients }) => recipients.includes(person.email)).length, 2);
    people.push({ id: person.id, chatId: new Types.ObjectId(chatId) });
  }
  for (const { id, chatId } of people) {
    const noted = (await storedUser(t, one.mongodbUri, id))?.removal?.messages;
    await until(`what was to ${noted} is`, async () => {
      const message = await connection.collection('messages').findOne({ chatId });
      return (message?.['text'] === undefined) === (noted === 'remove');
    });
  }
});
