/** How a session ends, and how soon that is felt. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createAuthService, type AuthParts } from '../../src/features/auth/auth.service.ts';
import type { SessionModel } from '../../src/features/auth/session.model.ts';
import { createAccessTokens } from '../../src/features/auth/tokens.ts';
import { buildTestApp } from '../helpers/app.ts';
import { guest, type Output } from '../helpers/people.ts';
import { until } from '../helpers/until.ts';

test('after a logout the access token is refused at once, and the refresh token too', async (t) => {
  const { person, services, dispatch } = await buildTestApp(t);
  const ann = await person('Ann');
  await services.auth.authenticate(ann.accessToken, guest);
  await ann.call('auth.logout');
  await assert.rejects(services.auth.authenticate(ann.accessToken, guest), { code: 'UNAUTHENTICATED' });
  await assert.rejects(dispatch.call('auth.refresh', guest, { refreshToken: ann.refreshToken }), { code: 'SESSION_ENDED' });
});

test('a refresh token is enough to log out, also the one before; it ends its own session only', async (t) => {
  const { person, services, dispatch } = await buildTestApp(t);
  const ann = await person('Ann');
  const signIn = async (): Promise<Output<'auth.login'>> => (await dispatch.call('auth.login', guest, { email: ann.email, password: ann.password })) as Output<'auth.login'>;
  const [first, second] = [await signIn(), await signIn()];
  await dispatch.call('auth.logout', guest, { refreshToken: first.refreshToken });
  await assert.rejects(services.auth.authenticate(first.accessToken, guest), { code: 'UNAUTHENTICATED' });
  await dispatch.call('auth.refresh', guest, { refreshToken: second.refreshToken });
  await dispatch.call('auth.logout', guest, { refreshToken: second.refreshToken });
  await assert.rejects(services.auth.authenticate(second.accessToken, guest), { code: 'UNAUTHENTICATED' });
  assert.equal((await services.auth.authenticate(ann.accessToken, guest)).userId, ann.id);
});

test('logging out ends the session of the caller and the one of the refresh token', async (t) => {
  const { person, services, dispatch } = await buildTestApp(t);
  const ann = await person('Ann');
  const other = (await dispatch.call('auth.login', guest, { email: ann.email, password: ann.password })) as Output<'auth.login'>;
  await ann.call('auth.logout', { refreshToken: other.refreshToken });
  for (const { accessToken } of [ann, other]) await assert.rejects(services.auth.authenticate(accessToken, guest), { code: 'UNAUTHENTICATED' });
});

test('a caller who logs out with a wrong refresh token is logged out all the same', async (t) => {
  const { person, services } = await buildTestApp(t);
  const ann = await person('Ann');
  await ann.call('auth.logout', { refreshToken: 'x' });
  await assert.rejects(services.auth.authenticate(ann.accessToken, guest), { code: 'UNAUTHENTICATED' });
});

test('logging out without a session, with a wrong token or twice does nothing and says nothing', async (t) => {
  const { person, services, dispatch } = await buildTestApp(t);
  const ann = await person('Ann');
  const [sessionId = ''] = ann.refreshToken.split('.');
  for (const input of [{}, { refreshToken: 'x' }, { refreshToken: `${sessionId}.${'A'.repeat(22)}.${'A'.repeat(43)}` }]) assert.equal(await dispatch.call('auth.logout', guest, input), null);
  assert.equal((await services.auth.authenticate(ann.accessToken, guest)).userId, ann.id);
  for (let time = 0; time < 2; time++) assert.equal(await ann.call('auth.logout'), null);
});

test('another process learns of a logout without being told', async (t) => {
  const here = await buildTestApp(t);
  const there = await buildTestApp(t, { mongodbUri: here.mongodbUri });
  const ann = await here.person('Ann');
  assert.equal((await there.services.auth.authenticate(ann.accessToken, guest)).userId, ann.id);
  await ann.call('auth.logout');
  await until('the other process refuses the token', () => there.services.auth.authenticate(ann.accessToken, guest).then(() => false, () => true));
});

test('a request that is being authenticated while its session ends is answered or refused, never failed', async () => {
  const accessTokens = createAccessTokens(['a secret that is only good for tests']);
  const claims = { userId: '0'.repeat(24), sessionId: '1'.repeat(24) };
  for (const found of [{ userId: { toHexString: () => claims.userId } }, null]) {
    let answer: (session: object | null) => void = () => undefined;
    const lookUp = new Promise<object | null>((resolve) => (answer = resolve));
    let lookedUp: () => void = () => undefined;
    const underWay = new Promise<void>((resolve) => (lookedUp = resolve));
    const lean = (): Promise<object | null> => {
      lookedUp();
      return lookUp;
    };
    const sessions = { findOne: () => ({ lean }), deleteOne: () => Promise.resolve() } as unknown as SessionModel;
    const auth = createAuthService({ sessions, accessTokens, bus: { endSession: () => undefined } } as unknown as AuthParts);
    const outcome = Promise.allSettled([auth.authenticate(await accessTokens.sign(claims), guest)]);
    await underWay;
    await auth.logout({ ...guest, ...claims }, {});
    answer(found);
    const [settled] = await outcome;
    if (settled.status === 'fulfilled') assert.deepEqual(settled.value, { ...guest, ...claims });
    else assert.equal((settled.reason as { code: string }).code, 'UNAUTHENTICATED');
  }
});
