/** What needs a fresh sign-in: refused once the last proof is five minutes old, and done after another. */
import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { Types } from 'mongoose';
import { operations } from '../../src/contracts.ts';
import { buildTestApp, connect, type TestApp } from '../helpers/app.ts';
import { createAuthenticator } from '../helpers/authenticator.ts';
import { startIssuer } from '../helpers/issuer.ts';
import { guest, type Output, type Person } from '../helpers/people.ts';
import { ask, requireError } from '../transports/ask.ts';
import type { RpcError } from '../helpers/socket.ts';

const refused = { code: 'FRESH_SIGN_IN_REQUIRED' };
const minute = 60_000;

/** Lets all proofs so far have been so long ago. */
async function age(t: TestContext, { mongodbUri }: TestApp, milliseconds = 5 * minute + 1000): Promise<void> {
  await (await connect(t, mongodbUri)).collection('sessions').updateMany({}, { $set: { provenAt: new Date(Date.now() - milliseconds) } });
}

type Inputs = Record<string, () => object>;

/** Refused with an old proof, refused still after what is none, and done after one. */
async function requireFreshFor(t: TestContext, app: TestApp, ann: Person, [name, inputOf]: [string, Inputs[string]], proof: () => object): Promise<unknown> {
  const call = (): Promise<unknown> => app.dispatch.call(name, ann.caller, inputOf());
  await age(t, app);
  await assert.rejects(call(), refused, name);
  await app.dispatch.call('auth.refresh', guest, { refreshToken: ann.refreshToken });
  await assert.rejects(call(), refused, `${name}: a refresh is no proof`);
  await ann.call('auth.confirm', proof());
  return call();
}

test('each operation that asks for a fresh sign-in refuses an old one, and is done after auth.confirm', async (t) => {
  const issuer = await startIssuer(t);
  const app = await buildTestApp(t, { env: issuer.env });
  const ann = await app.verified('Ann');
  const account = issuer.account();
  let codes: string[] = [];
  let authenticator = createAuthenticator('otpauth://totp/x?secret=AAAAAAAA');
  const password = { password: ann.password };
  const withRecovery = (): object => ({ ...password, code: codes.shift() });

  const steps: [name: string, input: () => object, proof: () => object, then?: (answer: unknown) => void][] = [
    ['account.changeEmail', () => ({ email: 'ann.new@example.org' }), () => password],
    ['account.linkGoogle', () => ({ credential: issuer.credential(account) }), () => password],
    ['account.unlinkGoogle', () => ({}), () => ({ credential: issuer.credential(account) })],
    ['totp.enrol', () => ({}), () => password, (answer) => (authenticator = createAuthenticator((answer as Output<'totp.enrol'>).uri))],
    ['totp.confirm', () => ({ code: authenticator.code() }), () => password, (answer) => (codes = (answer as Output<'totp.confirm'>).recoveryCodes)],
    ['totp.renewRecoveryCodes', () => ({ code: authenticator.code(1) }), withRecovery, (answer) => (codes = (answer as Output<'totp.renewRecoveryCodes'>).recoveryCodes)],
    ['totp.disable', () => ({ ...password, code: codes[0] }), () => ({ ...password, code: codes.pop() })],
  ];
  const fresh = [...operations].filter(([, { access }]) => access === 'fresh').map(([name]) => name);
  assert.deepEqual(new Set(steps.map(([name]) => name)), new Set(fresh));
  for (const [name, input, proof, then] of steps) then?.(await requireFreshFor(t, app, ann, [name, input], proof));
});

test('a proof is fresh for five minutes', async (t) => {
  const app = await buildTestApp(t);
  const ann = await app.verified('Ann');
  await age(t, app, 5 * minute - 10_000);
  await ann.call('totp.enrol');
  await age(t, app, 5 * minute);
  await assert.rejects(ann.call('totp.enrol'), refused);
});

test('a sign-in is a proof, for its own session alone', async (t) => {
  const app = await buildTestApp(t);
  const ann = await app.verified('Ann');
  await age(t, app);
  const { accessToken } = (await app.dispatch.call('auth.login', guest, { email: ann.email, password: ann.password })) as Output<'auth.login'>;
  await app.dispatch.call('totp.enrol', await app.services.sessions.authenticate(accessToken, guest), {});
  await assert.rejects(ann.call('totp.enrol'), refused);
});

test('proving it in one session makes no other fresh', async (t) => {
  const app = await buildTestApp(t);
  const ann = await app.verified('Ann');
  const { accessToken } = (await app.dispatch.call('auth.login', guest, { email: ann.email, password: ann.password })) as Output<'auth.login'>;
  const other = await app.services.sessions.authenticate(accessToken, guest);
  await age(t, app);
  await ann.call('auth.confirm', { password: ann.password });
  await ann.call('totp.enrol');
  await assert.rejects(app.dispatch.call('totp.enrol', other, {}), refused);
});

test('a wrong password, somebody else\'s Google account, both or neither prove nothing', async (t) => {
  const issuer = await startIssuer(t);
  const app = await buildTestApp(t, { env: issuer.env });
  const ann = await app.verified('Ann');
  const [mine, others] = [issuer.account(), issuer.account()];
  await ann.call('account.linkGoogle', { credential: issuer.credential(mine) });
  await age(t, app);
  const now = Math.floor(Date.now() / 1000);
  const wrong: [object, string][] = [
    [{ password: 'wrong horse battery' }, 'WRONG_PASSWORD'],
    [{ credential: issuer.credential(others) }, 'GOOGLE_REFUSED'],
    [{ credential: issuer.credential(mine, { iat: now - 6 * 60 }) }, 'GOOGLE_REFUSED'],
    [{ credential: issuer.credential(mine, { exp: now - 300 }) }, 'GOOGLE_REFUSED'],
    [{ password: ann.password, credential: issuer.credential(mine) }, 'VALIDATION_FAILED'],
    [{}, 'VALIDATION_FAILED'],
    [{ code: '123456' }, 'VALIDATION_FAILED'],
  ];
  for (const [proof, code] of wrong) {
    await assert.rejects(ann.call('auth.confirm', proof), { code });
    await assert.rejects(ann.call('totp.enrol'), refused);
  }
});

test('with the second factor on, a password alone proves nothing, and neither does it with a wrong code', async (t) => {
  const app = await buildTestApp(t);
  const ann = await app.verified('Ann');
  const authenticator = createAuthenticator((await ann.call('totp.enrol')).uri);
  const used = authenticator.code();
  const { recoveryCodes } = await ann.call('totp.confirm', { code: used });
  await age(t, app);
  const { password } = ann;
  await assert.rejects(ann.call('auth.confirm', { password }), { code: 'VALIDATION_FAILED' });
  await assert.rejects(ann.call('auth.confirm', { password, code: used }), { code: 'WRONG_CODE' });
  await assert.rejects(ann.call('auth.confirm', { password: 'wrong horse battery', code: authenticator.code(1) }), { code: 'WRONG_PASSWORD' });
  await assert.rejects(ann.call('account.changeEmail', { email: 'ann.new@example.org' }), refused);
  await ann.call('auth.confirm', { password, code: recoveryCodes[0] });
  await ann.call('account.changeEmail', { email: 'ann.new@example.org' });
});

test('whoever has no password sets the first one, or removes the account, after a fresh sign-in only', async (t) => {
  const issuer = await startIssuer(t);
  const app = await buildTestApp(t, { env: issuer.env });
  const account = issuer.account();
  const { accessToken } = (await app.dispatch.call('auth.loginWithGoogle', guest, { credential: issuer.credential(account) })) as Output<'auth.loginWithGoogle'>;
  const caller = await app.services.sessions.authenticate(accessToken, guest);
  await age(t, app);
  const call = (name: string, input: object): Promise<unknown> => app.dispatch.call(name, caller, input);
  await assert.rejects(call('account.changePassword', { password: 'quite another staple' }), refused);
  await assert.rejects(call('account.remove', {}), refused);
  await call('auth.confirm', { credential: issuer.credential(account) });
  await call('account.changePassword', { password: 'quite another staple' });
  await call('account.remove', {});
});

test('nothing is done before the proof: a refused change leaves no trace', async (t) => {
  const app = await buildTestApp(t);
  const ann = await app.verified('Ann');
  const connection = await connect(t, app.mongodbUri);
  const look = async (): Promise<unknown[]> => Promise.all([connection.collection('users').findOne({ _id: new Types.ObjectId(ann.id) }), ann.call('security.list')]);
  await age(t, app);
  const before = await look();
  await assert.rejects(ann.call('account.changeEmail', { email: 'ann.new@example.org' }), refused);
  await assert.rejects(ann.call('totp.enrol'), refused);
  assert.deepEqual(await look(), before);
});

test('over HTTP and over a socket it is the same', async (t) => {
  const app = await buildTestApp(t);
  const ann = await app.verified('Ann');
  const socket = await ann.socket();
  await age(t, app);
  const enrol = { method: 'POST', token: ann.accessToken, json: {} };
  requireError(await ask(app.url, '/user/me/totp', enrol), 'FRESH_SIGN_IN_REQUIRED');
  await assert.rejects(socket.call('totp.enrol'), ({ data }: RpcError) => data?.code === 'FRESH_SIGN_IN_REQUIRED');
  assert.equal((await ask(app.url, '/auth/confirm', { method: 'POST', token: ann.accessToken, json: { password: ann.password } })).status, 204);
  assert.equal((await ask(app.url, '/user/me/totp', enrol)).status, 200);
  await socket.call('totp.enrol');
});

test('what needs a fresh sign-in tells whose session has ended that it has, and not to prove anything', async (t) => {
  const { person, dispatch, services } = await buildTestApp(t);
  const { caller, call } = await person('Ann');
  await call('auth.logout');
  await assert.rejects(services.sessions.requireFresh(caller), { code: 'UNAUTHENTICATED' });
  await assert.rejects(dispatch.call('account.changeEmail', caller, { email: 'new@example.org' }), { code: 'UNAUTHENTICATED' });
});
