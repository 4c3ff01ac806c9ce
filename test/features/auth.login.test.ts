/** Signing in with a password. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AppError } from '../../src/core/errors.ts';
import { buildTestApp } from '../helpers/app.ts';
import { guest, type Output } from '../helpers/people.ts';
import type { Dispatch } from '../../src/transports/dispatch.ts';

const account = { email: 'ann@example.org', username: 'Ann', password: 'correct horse', firstName: 'Ann' };

const login = async (dispatch: Dispatch, input: object): Promise<Output<'auth.login'>> => (await dispatch.call('auth.login', guest, input)) as Output<'auth.login'>;

test('an account is entered by e-mail or by username, in whatever case', async (t) => {
  const { dispatch } = await buildTestApp(t);
  const { user } = (await dispatch.call('auth.register', guest, account)) as Output<'auth.register'>;
  for (const name of [{ email: 'ann@example.org' }, { email: 'ANN@Example.org' }, { username: 'ann' }, { username: 'ANN' }]) {
    assert.deepEqual((await login(dispatch, { ...name, password: account.password })).user, user);
  }
});

test('it takes exactly one of e-mail and username', async (t) => {
  const { dispatch } = await buildTestApp(t);
  await dispatch.call('auth.register', guest, account);
  const { email, username, password } = account;
  for (const input of [{ password }, { email, username, password }]) await assert.rejects(login(dispatch, input), { code: 'VALIDATION_FAILED' });
});

test('a wrong password and an unknown account are answered alike', async (t) => {
  const { dispatch } = await buildTestApp(t);
  await dispatch.call('auth.register', guest, account);
  const { email, username, password } = account;
  const wrong = [
    { email, password: 'wrong horse' },
    { username, password: 'wrong horse' },
    { email: 'nobody@example.org', password },
    { username: 'nobody', password },
    { email, password: password.toUpperCase() },
    { email, password: `${password}\0` },
    { email, password: `${password} ` },
    { email, password: 'x'.repeat(1000) },
  ];
  for (const input of wrong) {
    const error = await login(dispatch, input).then(() => undefined, (reason: unknown) => reason);
    assert.ok(error instanceof AppError);
    assert.deepEqual([error.code, error.details, error.cause], ['WRONG_CREDENTIALS', undefined, undefined], JSON.stringify(input));
  }
});

test('each sign-in is a session of its own', async (t) => {
  const { dispatch, services } = await buildTestApp(t);
  await dispatch.call('auth.register', guest, account);
  const tokens = await Promise.all([1, 2].map(async () => (await login(dispatch, { email: account.email, password: account.password })).accessToken));
  const [first, second] = await Promise.all(tokens.map((token) => services.sessions.authenticate(token, guest)));
  assert.equal(first?.userId, second?.userId);
  assert.notEqual(first?.sessionId, second?.sessionId);
});
