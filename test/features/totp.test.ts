/** The second factor: switched on, its recovery codes renewed, switched off again, and kept to itself. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { connect } from '../helpers/app.ts';
import { createAuthenticator } from '../helpers/authenticator.ts';
import { buildGoogleApp, toMember, type Member } from '../helpers/google.ts';
import { guest } from '../helpers/people.ts';
import { openSocket } from '../helpers/socket.ts';
import { buildTwofold, challengeOf, email, password, wrongCode } from '../helpers/twofold.ts';

const many = Array.from({ length: 20 }, (_, index) => index);

const kindsOf = async ({ call }: Member): Promise<string[]> => (await call('security.list', { limit: 100 })).items.map(({ kind }) => kind).reverse();

test('it is on once a first code has confirmed it; the owner is told, and has ten recovery codes', async (t) => {
  t.mock.timers.enable({ apis: ['Date'], now: Date.now() });
  const { signUp, mails, dispatch } = await buildGoogleApp(t);
  const ann = await signUp(email, { verified: true });
  const isOn = async (): Promise<boolean> => (await ann.call('users.me')).signIn.secondFactor;
  const first = await ann.call('totp.enrol');
  const { secret, uri } = await ann.call('totp.enrol');
  assert.deepEqual([new URL(uri).searchParams.get('secret'), decodeURIComponent(new URL(uri).pathname)], [secret, `/Parley:${email}`]);
  assert.equal(await isOn(), false);
  await dispatch.call('auth.login', guest, { email, password });
  const code = createAuthenticator(uri).code();
  for (const wrong of [createAuthenticator(first.uri).code(), createAuthenticator(uri).code(3), createAuthenticator(uri).code(-3)]) await assert.rejects(ann.call('totp.confirm', { code: wrong }), { code: 'WRONG_CODE' });
  const { recoveryCodes } = await ann.call('totp.confirm', { code });
  assert.equal(new Set(recoveryCodes).size, 10);
  assert.equal(await isOn(), true);
  assert.match((await mails.next(email)).text, /authenticator/);
  assert.ok((await kindsOf(ann)).includes('second-factor-on'));
  for (const again of [() => ann.call('totp.enrol'), () => ann.call('totp.confirm', { code })]) await assert.rejects(again(), { code: 'SECOND_FACTOR_ON' });
});

test('of many who confirm at once one gets recovery codes, and those are good', async (t) => {
  t.mock.timers.enable({ apis: ['Date'], now: Date.now() });
  const { signUp, dispatch } = await buildGoogleApp(t);
  const ann = await signUp(email, { verified: true });
  const { uri } = await ann.call('totp.enrol');
  const code = createAuthenticator(uri).code();
  const outcomes = await Promise.allSettled(many.map(() => ann.call('totp.confirm', { code })));
  const given = outcomes.flatMap((outcome) => (outcome.status === 'fulfilled' ? [outcome.value.recoveryCodes] : []));
  assert.equal(given.length, 1);
  const challengeToken = await challengeOf(dispatch.call('auth.login', guest, { email, password }));
  await dispatch.call('auth.verifySecondFactor', guest, { challengeToken, code: given[0]?.[9] ?? '' });
});

test('nothing is on, so nothing can be confirmed, renewed or switched off', async (t) => {
  const { signUp } = await buildGoogleApp(t);
  const ann = await signUp(email, { verified: true });
  const tries = [() => ann.call('totp.confirm', { code: '123456' }), () => ann.call('totp.renewRecoveryCodes', { code: '123456' }), () => ann.call('totp.disable', { password, code: '123456' })];
  for (const attempt of tries) await assert.rejects(attempt(), { code: 'SECOND_FACTOR_OFF' });
  await ann.call('totp.enrol');
  for (const attempt of tries.slice(1)) await assert.rejects(attempt(), { code: 'SECOND_FACTOR_OFF' });
});

test('all of it needs a sign-in of the last five minutes', async (t) => {
  const { ann, newCode } = await buildTwofold(t);
  t.mock.timers.tick(5 * 60_000);
  const code = newCode();
  for (const [name, input] of [['totp.enrol', {}], ['totp.confirm', { code }], ['totp.renewRecoveryCodes', { code }], ['totp.disable', { password, code }]] as const) {
    await assert.rejects(ann.call(name, input), { code: 'FRESH_SIGN_IN_REQUIRED' });
  }
});

test('switching it on ends the other sessions, and their sockets', async (t) => {
  const app = await buildGoogleApp(t);
  const ann = await app.signUp(email, { verified: true });
  const elsewhere = await app.person('Bob');
  const second = await toMember(app, (await app.dispatch.call('auth.login', guest, { email, password })) as Member['signedIn']);
  const sockets = await Promise.all([ann, second].map(({ signedIn }) => openSocket(t, app.url, signedIn.accessToken)));
  const { uri } = await ann.call('totp.enrol');
  await second.call('users.me');
  await ann.call('totp.confirm', { code: createAuthenticator(uri).code() });
  assert.equal((await sockets[1]?.closed)?.code, 4401);
  assert.equal((await sockets[0]?.call('users.me') as { id: string }).id, ann.id);
  await assert.rejects(app.services.sessions.authenticate(second.signedIn.accessToken, guest), { code: 'UNAUTHENTICATED' });
  await assert.rejects(app.dispatch.call('auth.refresh', guest, { refreshToken: second.signedIn.refreshToken }), { code: 'SESSION_ENDED' });
  assert.equal((await ann.call('sessions.list')).items.length, 1);
  await app.services.sessions.authenticate(ann.signedIn.accessToken, guest);
  await app.services.sessions.authenticate(elsewhere.accessToken, guest);
});

test('new recovery codes take a code, and make the old ones worthless', async (t) => {
  const { ann, challenge, verify, recoveryCodes, newCode, mails } = await buildTwofold(t);
  for (const code of [wrongCode, '000000']) await assert.rejects(ann.call('totp.renewRecoveryCodes', { code }), { code: 'WRONG_CODE' });
  const renewed = await ann.call('totp.renewRecoveryCodes', { code: newCode() });
  assert.equal(new Set([...renewed.recoveryCodes, ...recoveryCodes]).size, 20);
  assert.match((await mails.next(email)).subject, /recovery codes/);
  const challengeToken = await challenge();
  for (const old of recoveryCodes) await assert.rejects(verify(challengeToken, old), { code: 'WRONG_CODE' });
  await verify(challengeToken, renewed.recoveryCodes[0] ?? '');
  assert.ok((await kindsOf(ann)).includes('recovery-codes-renewed'));
});

test('switching it off takes the password and a code', async (t) => {
  const { ann, recoveryCodes, newCode, mails, login } = await buildTwofold(t);
  const isOn = async (): Promise<boolean> => (await ann.call('users.me')).signIn.secondFactor;
  const wrong = [[{ code: newCode() }, 'VALIDATION_FAILED'], [{ password: 'wrong', code: newCode() }, 'WRONG_PASSWORD'], [{ password, code: wrongCode }, 'WRONG_CODE'], [{ password }, 'VALIDATION_FAILED']] as const;
  for (const [input, code] of wrong) await assert.rejects(ann.call('totp.disable', input), { code });
  assert.equal(await isOn(), true);
  await ann.call('totp.disable', { password, code: recoveryCodes[0] });
  assert.equal(await isOn(), false);
  assert.ok((await kindsOf(ann)).includes('second-factor-off'));
  assert.notEqual((await mails.next(email)).subject, '');
  await login();
});

test('where there is no password, a code after a fresh sign-in switches it off', async (t) => {
  t.mock.timers.enable({ apis: ['Date'], now: Date.now() });
  const { issuer, enter, signIn } = await buildGoogleApp(t);
  const account = issuer.account();
  const ann = await enter(account);
  const authenticator = createAuthenticator((await ann.call('totp.enrol')).uri);
  await ann.call('totp.confirm', { code: authenticator.code(-1) });
  await assert.rejects(ann.call('totp.disable', { code: wrongCode }), { code: 'WRONG_CODE' });
  await ann.call('totp.disable', { code: authenticator.code() });
  await signIn(account);
});

test('to prove again who one is takes a code as well', async (t) => {
  const { ann, newCode, issuer, authenticator } = await buildTwofold(t);
  await ann.call('account.linkGoogle', { credential: issuer.credential(issuer.account({ email })) });
  t.mock.timers.tick(5 * 60_000);
  const account = issuer.account({ email: 'another@example.org' });
  await assert.rejects(ann.call('auth.confirm', { password }), { code: 'VALIDATION_FAILED' });
  await assert.rejects(ann.call('auth.confirm', { credential: issuer.credential(account) }), { code: 'VALIDATION_FAILED' });
  await assert.rejects(ann.call('auth.confirm', { password, code: wrongCode }), { code: 'WRONG_CODE' });
  await assert.rejects(ann.call('auth.confirm', { password: 'wrong', code: newCode() }), { code: 'WRONG_PASSWORD' });
  await assert.rejects(ann.call('account.changeEmail', { email: 'new@example.org' }), { code: 'FRESH_SIGN_IN_REQUIRED' });
  await ann.call('auth.confirm', { password, code: authenticator.code() });
  await ann.call('account.changeEmail', { email: 'new@example.org' });
});

test('with the account it is gone, and so are second steps under way', async (t) => {
  const { ann, challenge, verify, newCode, mongodbUri, uri } = await buildTwofold(t);
  const before = await challenge();
  await ann.call('account.remove', { password });
  await assert.rejects(verify(before, newCode()), { code: 'CHALLENGE_EXPIRED' });
  const user = await (await connect(t, mongodbUri)).collection('users').findOne({ username: `Removed.${ann.id}` });
  assert.deepEqual([user?.['secondFactor'], JSON.stringify(user).includes(new URL(uri).searchParams.get('secret') ?? '')], [undefined, false]);
});

test('the secret and the recovery codes are told once: in no answer, event, log or mail after that, and codes are stored as hashes', async (t) => {
  const { ann, recoveryCodes, uri, challenge, verify, newCode, published, mails, mongodbUri } = await buildTwofold(t);
  const secret = new URL(uri).searchParams.get('secret') ?? '';
  const told: unknown[] = [published, ann.signedIn, await verify(await challenge(), newCode()), await verify(await challenge(), recoveryCodes[0] ?? '')];
  for (const name of ['users.me', 'sessions.list', 'security.list'] as const) told.push(await ann.call(name));
  told.push(await ann.call('users.get', { id: ann.id }), await ann.call('users.update', { id: ann.id, about: 'x' }), await challenge());
  told.push(await ann.call('totp.enrol').catch((error: unknown) => error), await ann.call('totp.confirm', { code: newCode() }).catch((error: unknown) => error));
  const { db } = await connect(t, mongodbUri);
  const readStore = async (): Promise<string> => JSON.stringify(await Promise.all(((await db?.collections()) ?? []).map((collection) => collection.find().toArray())));
  const stored = await readStore();
  assert.equal(stored.includes(secret), true, 'the store has to know it');
  await ann.call('totp.disable', { password, code: newCode() });
  await mails.next(email);
  told.push(published, mails.received);
  const everything = JSON.stringify(told);
  for (const code of recoveryCodes) for (const spelling of [code, code.replace('-', '')]) assert.equal(everything.includes(spelling) || stored.includes(spelling), false);
  for (const text of [everything, await readStore()]) assert.equal(text.includes(secret), false);
});
