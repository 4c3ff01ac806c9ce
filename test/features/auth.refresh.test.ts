/** Refresh tokens: each is good once, and a copy that is used late ends the session. */
import assert from 'node:assert/strict';
import { EventEmitter, once } from 'node:events';
import { test, type TestContext } from 'node:test';
import type { Guest } from '../../src/core/contract.ts';
import { deviceOf } from '../../src/core/device.ts';
import { texts } from '../../src/features/mails/mail.texts.ts';
import { sessionModel } from '../../src/features/sessions/session.model.ts';
import { createSessionStore } from '../../src/features/sessions/session.store.ts';
import { buildTestApp, connect, type TestApp } from '../helpers/app.ts';
import { mailbox } from '../helpers/mailbox.ts';
import { guest, type Output } from '../helpers/people.ts';
import { countWaitingMails } from '../helpers/store.ts';
import { until } from '../helpers/until.ts';

const refresh = async ({ dispatch }: TestApp, refreshToken?: string): Promise<Required<Output<'auth.refresh'>>> =>
  (await dispatch.call('auth.refresh', guest, refreshToken === undefined ? {} : { refreshToken })) as Required<Output<'auth.refresh'>>;

/** The next refresh token. */
const rotate = async (app: TestApp, refreshToken: string): Promise<string> => (await refresh(app, refreshToken)).refreshToken;

/** Lets every rotation so far have been longer ago than the grace of 20 seconds. */
async function passGrace(t: TestContext, { mongodbUri }: TestApp): Promise<void> {
  const connection = await connect(t, mongodbUri);
  await connection.collection('sessions').updateMany({}, { $set: { 'replaced.$[].at': new Date(Date.now() - 21_000) } });
}

/** The tabs of a browser: each refreshes so many times with what lies in the one jar, and puts there what it gets. */
function createTab(app: TestApp, refreshToken: string): (turns: number) => Promise<void> {
  let jar = refreshToken;
  return async (turns) => {
    for (let turn = 0; turn < turns; turn++) {
      const { accessToken, refreshToken: next } = await refresh(app, jar);
      await app.services.sessions.authenticate(accessToken, guest);
      jar = next;
    }
  };
}

test('a refresh gives an access token of the same session and the next refresh token', async (t) => {
  const app = await buildTestApp(t);
  const ann = await app.person('Ann');
  let token = ann.refreshToken;
  for (let turn = 0; turn < 5; turn++) {
    const { accessToken, refreshToken, expiresIn } = await refresh(app, token);
    const { userId, sessionId } = await app.services.sessions.authenticate(accessToken, guest);
    assert.deepEqual([userId, sessionId, expiresIn], [ann.id, ann.caller.sessionId, 900]);
    assert.ok(refreshToken && refreshToken !== token);
    token = refreshToken;
  }
});

test('whoever has lost the answer asks again within the grace, is given the same, and goes on long after', async (t) => {
  const app = await buildTestApp(t);
  const { id, refreshToken } = await app.person('Ann');
  const lost = await rotate(app, refreshToken);
  const again = await refresh(app, refreshToken);
  assert.equal(again.refreshToken, lost);
  assert.equal((await app.services.sessions.authenticate(again.accessToken, guest)).userId, id);
  await passGrace(t, app);
  await rotate(app, again.refreshToken);
});

test('20 uses of the same token at once all get an access token and the same next token', async (t) => {
  const app = await buildTestApp(t);
  const { id, refreshToken } = await app.person('Ann');
  const answers = await Promise.all(Array.from({ length: 20 }, () => refresh(app, refreshToken)));
  const next = new Set(answers.map((answer) => answer.refreshToken));
  assert.equal(next.size, 1);
  for (const { accessToken } of answers) assert.equal((await app.services.sessions.authenticate(accessToken, guest)).userId, id);
  await rotate(app, [...next].join());
});

test('a use that two later ones have overtaken undoes nothing: it gives the token that is good now', async (t) => {
  const app = await buildTestApp(t);
  const { refreshToken } = await app.person('Ann');
  const sessions = sessionModel(await connect(t, app.mongodbUri));
  const course = new EventEmitter();
  const [begun, overtaken] = [once(course, 'begun'), once(course, 'overtaken')];
  const updateOne = sessions.updateOne.bind(sessions);
  t.mock.method(sessions, 'updateOne', async (...write: Parameters<typeof updateOne>) => {
    course.emit('begun');
    await overtaken;
    return updateOne(...write);
  });
  const slow = createSessionStore(sessions).rotate(refreshToken, guest);
  await begun;
  const newest = await rotate(app, await rotate(app, refreshToken));
  course.emit('overtaken');
  const { next, stolen } = await slow;
  await rotate(app, newest);
  assert.deepEqual([next?.refreshToken, stolen], [newest, undefined]);
});

test('from another network or device a token in its grace gives an access token and no more: it may be a copy', async (t) => {
  const app = await buildTestApp(t);
  const { id, refreshToken } = await app.person('Ann');
  const next = await rotate(app, refreshToken);
  for (const elsewhere of [{ ...guest, ip: '192.0.2.66' }, { ...guest, userAgent: 'curl/8.5.0' }]) {
    const answer = (await app.dispatch.call('auth.refresh', elsewhere, { refreshToken })) as Output<'auth.refresh'>;
    assert.equal(answer.refreshToken, undefined);
    assert.equal((await app.services.sessions.authenticate(answer.accessToken, elsewhere)).userId, id);
  }
  await rotate(app, next);
});

test('a session is listed with the address that used it last, and the device that signed in', async (t) => {
  const app = await buildTestApp(t);
  const ann = await app.person('Ann');
  await app.dispatch.call('auth.refresh', { ...guest, ip: '192.0.2.66', userAgent: 'curl/8.5.0' }, { refreshToken: ann.refreshToken });
  assert.deepEqual((await ann.call('sessions.list')).items.map(({ ip, device }) => [ip, device]), [['192.0.2.66', deviceOf(guest.userAgent)]]);
});

test('who has copied a token in its grace, at the same place, ends the session as soon as both have gone on', async (t) => {
  const app = await buildTestApp(t);
  const { refreshToken } = await app.person('Ann');
  const [owners, thiefs] = [await rotate(app, refreshToken), await rotate(app, refreshToken)];
  const thiefsNext = await rotate(app, thiefs);
  await passGrace(t, app);
  await assert.rejects(refresh(app, owners), { code: 'SESSION_ENDED' });
  await assert.rejects(refresh(app, thiefsNext), { code: 'SESSION_ENDED' });
});

for (const [what, turns] of [['the token before', 1], ['a token long since replaced', 3]] as const) {
  test(`${what}, used after the grace, ends the session with all that belongs to it, and no other`, async (t) => {
    const app = await buildTestApp(t);
    const ann = await app.person('Ann');
    const other = (await app.dispatch.call('auth.login', guest, { email: ann.email, password: ann.password })) as Output<'auth.login'>;
    const socket = await ann.socket();
    let current = ann.refreshToken;
    for (let turn = 0; turn < turns; turn++) current = await rotate(app, current);
    await passGrace(t, app);

    await assert.rejects(refresh(app, ann.refreshToken), { code: 'SESSION_ENDED' });
    assert.equal((await socket.closed).code, 4401);
    await assert.rejects(app.services.sessions.authenticate(ann.accessToken, guest), { code: 'UNAUTHENTICATED' });
    await assert.rejects(refresh(app, current), { code: 'SESSION_ENDED' });
    await rotate(app, other.refreshToken ?? '');
  });
}

test('a token has its grace also when the one after it was replaced, too: it gives the one that is good now', async (t) => {
  const app = await buildTestApp(t);
  const { id, refreshToken } = await app.person('Ann');
  const current = await rotate(app, await rotate(app, refreshToken));
  const again = await refresh(app, refreshToken);
  assert.equal(again.refreshToken, current);
  assert.equal((await app.services.sessions.authenticate(again.accessToken, guest)).userId, id);
  await passGrace(t, app);
  await rotate(app, current);
});

test('a token whose own grace is over ends the session, though another was replaced a moment ago', async (t) => {
  const app = await buildTestApp(t);
  const ann = await app.person('Ann');
  const second = await rotate(app, ann.refreshToken);
  await passGrace(t, app);
  const third = await rotate(app, second);
  await assert.rejects(refresh(app, ann.refreshToken), { code: 'SESSION_ENDED' });
  await assert.rejects(refresh(app, third), { code: 'SESSION_ENDED' });
  await assert.rejects(app.services.sessions.authenticate(ann.accessToken, guest), { code: 'UNAUTHENTICATED' });
});

test('two tabs of a browser that refresh 100 times in the same instants stay signed in', async (t) => {
  const app = await buildTestApp(t);
  const tab = createTab(app, (await app.person('Ann')).refreshToken);
  for (let turn = 0; turn < 100; turn++) await Promise.all([tab(1), tab(1)]);
  await tab(1);
});

test('three tabs of a browser that refresh 100 times, each at its own pace, stay signed in', async (t) => {
  const app = await buildTestApp(t);
  const tab = createTab(app, (await app.person('Ann')).refreshToken);
  await Promise.all([tab(100), tab(100), tab(100)]);
});

test('what is kept of replaced tokens does not grow with the life of a session', async (t) => {
  const app = await buildTestApp(t);
  let { refreshToken } = await app.person('Ann');
  const sessions = (await connect(t, app.mongodbUri)).collection<{ replaced: unknown[] }>('sessions');
  for (let turn = 0; turn < 5; turn++) {
    refreshToken = await rotate(app, refreshToken);
    await passGrace(t, app);
  }
  assert.equal((await sessions.findOne())?.replaced.length, 1);
});

test('of a refresh token the store has hashes alone, and no session has what makes the tokens of another', async (t) => {
  const app = await buildTestApp(t);
  const [{ refreshToken }] = [await app.person('Ann'), await app.person('Bob')];
  const next = await rotate(app, refreshToken);
  const keys = await (await connect(t, app.mongodbUri)).collection('sessions').distinct('successorKey');
  assert.equal(keys.length, 2);
  const stored = JSON.stringify(await (await connect(t, app.mongodbUri)).collection('sessions').find().toArray());
  for (const secret of [refreshToken, next].flatMap((token) => token.split('.').slice(1))) assert.ok(!stored.includes(secret));
});

test('of many late uses at once one is told to the owner: by one mail, and one entry in the log', async (t) => {
  const mails = await mailbox(t);
  const app = await buildTestApp(t, { env: { SMTP_URL: mails.smtpUrl } });
  const ann = await app.person('Ann');
  const socket = await ann.socket();
  await rotate(app, ann.refreshToken);
  await passGrace(t, app);
  const thief: Guest = { ip: '192.0.2.66', userAgent: 'curl/8.5.0', language: 'en' };
  const uses = await Promise.allSettled(Array.from({ length: 10 }, () => app.dispatch.call('auth.refresh', thief, { refreshToken: ann.refreshToken })));
  for (const use of uses) assert.equal((use as { reason?: { code?: string } }).reason?.code, 'SESSION_ENDED');
  assert.equal((await socket.closed).code, 4401);

  const store = await connect(t, app.mongodbUri);
  await until('all mails are sent', async () => (await countWaitingMails(store)) === 0);
  const { subject } = texts['session-stolen'].en;
  assert.deepEqual(mails.received.filter((mail) => mail.subject === subject).map(({ recipients }) => recipients), [[ann.email]]);

  const { accessToken } = (await app.dispatch.call('auth.login', guest, { email: ann.email, password: ann.password })) as Output<'auth.login'>;
  const { items } = (await app.dispatch.call('security.list', await app.services.sessions.authenticate(accessToken, guest), {})) as Output<'security.list'>;
  assert.deepEqual(items.filter(({ kind }) => kind === 'session-stolen').map(({ ip, device }) => [ip, device]), [['192.0.2.66', 'curl/8.5.0']]);
});

test('a token that was never given is refused, and ends nothing', async (t) => {
  const app = await buildTestApp(t);
  const { refreshToken } = await app.person('Ann');
  const current = await rotate(app, refreshToken);
  await passGrace(t, app);
  const [sessionId = '', family = '', random = ''] = refreshToken.split('.');
  const guessed = [undefined, 'x', '.', sessionId, `${sessionId}.${family}`, `${sessionId}.${'A'.repeat(22)}.${random}`, `${'0'.repeat(24)}.${family}.${random}`, `${refreshToken}x`, `${refreshToken} `, refreshToken.toUpperCase()];
  for (const token of guessed) await assert.rejects(refresh(app, token), { code: 'SESSION_ENDED' }, token);
  await rotate(app, current);
});

test('an expired session is refused by either of its tokens', async (t) => {
  const app = await buildTestApp(t);
  const ann = await app.person('Ann');
  // An access token that no answer is remembered of.
  const session = (await app.dispatch.call('auth.login', guest, { email: ann.email, password: ann.password })) as Output<'auth.login'>;
  const connection = await connect(t, app.mongodbUri);
  await connection.collection('sessions').updateMany({}, { $set: { expiresAt: new Date(Date.now() - 1) } });
  await assert.rejects(refresh(app, session.refreshToken), { code: 'SESSION_ENDED' });
  await assert.rejects(app.services.sessions.authenticate(session.accessToken, guest), { code: 'UNAUTHENTICATED' });
});

const day = 24 * 60 * 60 * 1000;

test('a session lives for 30 days since it was last used, but never longer than 180', async (t) => {
  const app = await buildTestApp(t);
  const { refreshToken } = await app.person('Ann');
  const sessions = (await connect(t, app.mongodbUri)).collection<{ createdAt: Date; lastUsedAt: Date; expiresAt: Date }>('sessions');
  const stored = async () => (await sessions.findOne()) ?? assert.fail('there is no session');
  const first = await stored();
  assert.equal(first.expiresAt.getTime(), first.createdAt.getTime() + 30 * day);
  await sessions.updateMany({}, { $set: { expiresAt: new Date(Date.now() + day) } });
  const next = await rotate(app, refreshToken);
  const used = await stored();
  assert.equal(used.expiresAt.getTime(), used.lastUsedAt.getTime() + 30 * day);
  const createdAt = new Date(Date.now() - 179 * day);
  await sessions.updateMany({}, { $set: { createdAt } });
  await rotate(app, next);
  assert.equal((await stored()).expiresAt.getTime(), createdAt.getTime() + 180 * day);
});

test('no access token outlives its session', async (t) => {
  const app = await buildTestApp(t);
  const { refreshToken } = await app.person('Ann');
  const sessions = (await connect(t, app.mongodbUri)).collection<{ createdAt: Date; expiresAt: Date }>('sessions');
  const end = Date.now() + 60_000;
  await sessions.updateMany({}, { $set: { createdAt: new Date(end - 180 * day) } });
  for (const time of ['first', 'once more, as a second tab does']) {
    const { accessToken, expiresIn } = (await app.dispatch.call('auth.refresh', guest, { refreshToken })) as Output<'auth.refresh'>;
    const { expiresAt } = await app.services.sessions.authenticate(accessToken, guest);
    assert.ok(Math.abs(expiresAt.getTime() - end) <= 1000 && expiresIn <= 60, `${time}: ${expiresAt.toISOString()}, ${expiresIn}`);
  }
});
