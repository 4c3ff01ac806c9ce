/** Sessions that a change of credentials ends, whatever happens right after the change. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Types } from 'mongoose';
import { buildTestApp, connect } from '../helpers/app.ts';
import { guest, type Output } from '../helpers/people.ts';
import { until } from '../helpers/until.ts';

test('a server that dies right after a password was changed has its next start end the sessions, but the one in which it was and later ones', async (t) => {
  const before = await buildTestApp(t);
  const ann = await before.person('Ann');
  const signIn = async (): Promise<Output<'auth.login'>> => (await before.dispatch.call('auth.login', guest, { email: ann.email, password: ann.password })) as Output<'auth.login'>;
  const [thief, mine] = [await signIn(), await signIn()];
  const { sessionId } = await before.services.sessions.authenticate(mine.accessToken, guest);
  const store = await connect(t, before.mongodbUri);
  // All that is left of a change when nothing after its own write has been done.
  await store.collection('users').updateOne({ _id: new Types.ObjectId(ann.id) }, { $set: { ending: { but: sessionId }, generation: 'another' } });
  const later = await signIn();
  await before.close();

  const { services } = await buildTestApp(t, { mongodbUri: before.mongodbUri });
  const isAlive = (token: string): Promise<boolean> => services.sessions.authenticate(token, guest).then(() => true, () => false);
  await until('the end of the other sessions', async () => !(await isAlive(thief.accessToken)) && !(await isAlive(ann.accessToken)));
  assert.deepEqual([await isAlive(mine.accessToken), await isAlive(later.accessToken)], [true, true]);
  await until('the note is gone', async () => (await store.collection('users').findOne({ _id: new Types.ObjectId(ann.id) }))?.['ending'] === undefined);
});

test('a new password ends sessions whatever the clock said of the server that opened them', async (t) => {
  const app = await buildTestApp(t);
  const ann = await app.person('Ann');
  const { accessToken, refreshToken } = (await app.dispatch.call('auth.login', guest, { email: ann.email, password: ann.password })) as Required<Output<'auth.login'>>;
  const sessions = (await connect(t, app.mongodbUri)).collection('sessions');
  await sessions.updateMany({}, { $set: { createdAt: new Date(Date.now() + 60 * 60_000) } });
  await ann.call('account.changePassword', { oldPassword: ann.password, password: 'another horse battery' });
  await assert.rejects(app.services.sessions.authenticate(accessToken, guest), { code: 'UNAUTHENTICATED' });
  await assert.rejects(app.dispatch.call('auth.refresh', guest, { refreshToken }), { code: 'SESSION_ENDED' });
  await ann.call('users.me');
});
