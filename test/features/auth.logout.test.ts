/** How a session ends, and how soon that is felt. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Types } from 'mongoose';
import { texts } from '../../src/features/mails/mail.texts.ts';
import { createLiveSessions } from '../../src/features/sessions/live.sessions.ts';
import type { SessionDocument } from '../../src/features/sessions/session.model.ts';
import { buildTestApp } from '../helpers/app.ts';
import { buildMailedApp } from '../helpers/mailed.ts';
import { guest, type Output } from '../helpers/people.ts';
import { until } from '../helpers/until.ts';

test('after a logout the access token is refused at once, and the refresh token too', async (t) => {
  const { person, services, dispatch } = await buildTestApp(t);
  const ann = await person('Ann');
  await services.sessions.authenticate(ann.accessToken, guest);
  await ann.call('auth.logout');
  await assert.rejects(services.sessions.authenticate(ann.accessToken, guest), { code: 'UNAUTHENTICATED' });
  await assert.rejects(dispatch.call('auth.refresh', guest, { refreshToken: ann.refreshToken }), { code: 'SESSION_ENDED' });
});

test('a refresh token is enough to log out, also the one before; it ends its own session only', async (t) => {
  const { person, services, dispatch } = await buildTestApp(t);
  const ann = await person('Ann');
  const signIn = async (): Promise<Output<'auth.login'>> => (await dispatch.call('auth.login', guest, { email: ann.email, password: ann.password })) as Output<'auth.login'>;
  const [first, second] = [await signIn(), await signIn()];
  await dispatch.call('auth.logout', guest, { refreshToken: first.refreshToken });
  await assert.rejects(services.sessions.authenticate(first.accessToken, guest), { code: 'UNAUTHENTICATED' });
  await dispatch.call('auth.refresh', guest, { refreshToken: second.refreshToken });
  await dispatch.call('auth.logout', guest, { refreshToken: second.refreshToken });
  await assert.rejects(services.sessions.authenticate(second.accessToken, guest), { code: 'UNAUTHENTICATED' });
  assert.equal((await services.sessions.authenticate(ann.accessToken, guest)).userId, ann.id);
});

test('whoever logs out with a token that was replaced long since ends the session as a stolen one', async (t) => {
  const app = await buildMailedApp(t);
  const ann = await app.verified('Ann');
  const mine = await app.login(ann.email, ann.password);
  let his: string | undefined = mine.refreshToken;
  for (let use = 0; use < 2; use++) {
    ({ refreshToken: his } = (await app.ask('auth.refresh', { refreshToken: his }, { ip: '192.0.2.66' })) as Output<'auth.refresh'>);
    await app.store.collection('sessions').updateMany({}, { $set: { 'replaced.$[].at': new Date(Date.now() - 21_000) } });
  }
  await app.ask('auth.logout', { refreshToken: mine.refreshToken });
  await assert.rejects(app.ask('auth.refresh', { refreshToken: his }), { code: 'SESSION_ENDED' });
  assert.equal((await app.box.next(ann.email)).subject, texts['session-stolen'].en.subject);
  assert.deepEqual((await ann.call('security.list')).items.map(({ kind }) => kind)[0], 'session-stolen');
});

test('whoever logs out several times at once has one entry of it', async (t) => {
  const app = await buildMailedApp(t);
  const ann = await app.verified('Ann');
  const { refreshToken } = await app.login(ann.email, ann.password);
  await Promise.all(Array.from({ length: 5 }, () => app.ask('auth.logout', { refreshToken })));
  assert.equal((await ann.call('security.list')).items.filter(({ kind }) => kind === 'signed-out').length, 1);
});

test('logging out ends the session of the caller and the one of the refresh token', async (t) => {
  const { person, services, dispatch } = await buildTestApp(t);
  const ann = await person('Ann');
  const other = (await dispatch.call('auth.login', guest, { email: ann.email, password: ann.password })) as Output<'auth.login'>;
  await ann.call('auth.logout', { refreshToken: other.refreshToken });
  for (const { accessToken } of [ann, other]) await assert.rejects(services.sessions.authenticate(accessToken, guest), { code: 'UNAUTHENTICATED' });
});

test('a caller who logs out with a wrong refresh token is logged out all the same', async (t) => {
  const { person, services } = await buildTestApp(t);
  const ann = await person('Ann');
  await ann.call('auth.logout', { refreshToken: 'x' });
  await assert.rejects(services.sessions.authenticate(ann.accessToken, guest), { code: 'UNAUTHENTICATED' });
});

test('logging out without a session, with a wrong token or twice does nothing and says nothing', async (t) => {
  const { person, services, dispatch } = await buildTestApp(t);
  const ann = await person('Ann');
  const [sessionId = ''] = ann.refreshToken.split('.');
  for (const input of [{}, { refreshToken: 'x' }, { refreshToken: `${sessionId}.${'A'.repeat(22)}.${'A'.repeat(43)}` }]) assert.equal(await dispatch.call('auth.logout', guest, input), null);
  assert.equal((await services.sessions.authenticate(ann.accessToken, guest)).userId, ann.id);
  for (let time = 0; time < 2; time++) assert.equal(await ann.call('auth.logout'), null);
});

test('another process learns of a logout without being told', async (t) => {
  const here = await buildTestApp(t);
  const there = await buildTestApp(t, { mongodbUri: here.mongodbUri });
  const ann = await here.person('Ann');
  assert.equal((await there.services.sessions.authenticate(ann.accessToken, guest)).userId, ann.id);
  await ann.call('auth.logout');
  await until('the other process refuses the token', () => there.services.sessions.authenticate(ann.accessToken, guest).then(() => false, () => true));
});

test('a request that is being authenticated while its session ends is answered or refused, never failed', async () => {
  const sessionId = '1'.repeat(24);
  for (const owner of ['0'.repeat(24), undefined]) {
    let answer: (session: SessionDocument | undefined) => void = () => undefined;
    const lookUp = new Promise<SessionDocument | undefined>((resolve) => (answer = resolve));
    const live = createLiveSessions({ find: () => lookUp });
    const outcome = live.ownerOf(sessionId);
    live.forget(sessionId);
    answer(owner === undefined ? undefined : ({ userId: new Types.ObjectId(owner) } as SessionDocument));
    assert.equal(await outcome, owner);
  }
});
