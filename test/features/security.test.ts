/** The security log: what happened to an account, from where and with what device; its owner reads it, nobody changes it. */
import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { Types } from 'mongoose';
import { contracts, operations } from '../../src/contracts.ts';
import type { Caller, Guest } from '../../src/core/contract.ts';
import { SecurityKind } from '../../src/features/security/security.contract.ts';
import { routes } from '../../src/transports/rest/routes.ts';
import { buildTestApp, connect, type TestApp } from '../helpers/app.ts';
import { createAuthenticator } from '../helpers/authenticator.ts';
import { startIssuer, type Issuer } from '../helpers/issuer.ts';
import { mailbox, type Mailbox } from '../helpers/mailbox.ts';
import { guest, type Output, type Person } from '../helpers/people.ts';
import { until } from '../helpers/until.ts';
import { ask, requireError } from '../transports/ask.ts';

type Entry = Output<'security.list'>['items'][number];

/** Where everything is done from that is to be found in the log. */
const place: Guest = { ip: '198.51.100.23', userAgent: 'Mozilla/5.0 (X11; Linux x86_64; rv:133.0) Gecko/20100101 Firefox/133.0', language: 'en' };
const device = 'Firefox on Linux';

interface Scene extends TestApp {
  issuer: Issuer;
  mails: Mailbox;
  ann: Person;
  /** Her session, asked from the place. */
  caller: Caller;
  /** Does something from the place. */
  call: (name: string, input?: object, who?: Guest | Caller) => Promise<unknown>;
  /** The token in the next mail to her, or to another address. */
  token: (to?: string) => Promise<string>;
  /** A further session of hers, from the place. */
  enter: () => Promise<Output<'auth.login'> & { caller: Caller }>;
}

async function setScene(t: TestContext): Promise<Scene> {
  const [issuer, mails] = await Promise.all([startIssuer(t), mailbox(t)]);
  const app = await buildTestApp(t, { env: { ...issuer.env, SMTP_URL: mails.smtpUrl } });
  const ann = await app.person('Ann');
  const call: Scene['call'] = (name, input = {}, who = place) => app.dispatch.call(name, who, input);
  return {
    ...app,
    issuer,
    mails,
    ann,
    caller: { ...ann.caller, ...place },
    call,
    token: async (to = ann.email) => new URL((await mails.next(to)).link ?? '').searchParams.get('token') ?? '',
    async enter() {
      const signedIn = (await call('auth.login', { email: ann.email, password: ann.password })) as Output<'auth.login'>;
      return { ...signedIn, caller: await app.services.sessions.authenticate(signedIn.accessToken, place) };
    },
  };
}

/** Her address is verified from then on. */
async function verify({ call, caller, token }: Scene): Promise<void> {
  const { emailVerified } = (await call('users.me', {}, caller)) as Output<'users.me'>;
  if (!emailVerified) await call('account.verifyEmail', { token: await token() });
}

/** Switches the second factor on, as she, and gives the recovery codes. */
async function switchOn(scene: Scene): Promise<string[]> {
  const { call, caller } = scene;
  await verify(scene);
  const { uri } = (await call('totp.enrol', {}, caller)) as Output<'totp.enrol'>;
  return ((await call('totp.confirm', { code: createAuthenticator(uri).code() }, caller)) as Output<'totp.confirm'>).recoveryCodes;
}

/** The first step of a sign-in gives a token for the second. */
const challenge = async ({ call, ann }: Scene): Promise<string> =>
  call('auth.login', { email: ann.email, password: ann.password }).then(
    () => assert.fail('the second step was not asked for'),
    (error: unknown) => (error as { details: { challengeToken: string } }).details.challengeToken,
  );

async function changeEmail({ call, caller, token }: Scene, email: string): Promise<void> {
  await token();
  await call('account.changeEmail', { email }, caller);
  await call('account.confirmEmail', { token: await token(email) });
}

/** For each kind what brings it about, all done from the place. A text that it gives is the detail in the log. */
const occasions: Record<SecurityKind, (scene: Scene, t: TestContext) => Promise<unknown>> = {
  'registered': async ({ call }) => call('auth.register', { email: 'bob@example.org', password: 'correct horse battery', firstName: 'Bob' }),
  async 'signed-in'({ enter }) {
    await enter();
    return 'password';
  },
  'sign-in-failed': async ({ call, ann }) => assert.rejects(call('auth.login', { email: ann.email, password: 'wrong horse battery' }), { code: 'WRONG_CREDENTIALS' }),
  'signed-out': async ({ call, caller }) => call('auth.logout', {}, caller),
  async 'session-ended'({ call, caller, enter }) {
    await call('sessions.end', { id: (await enter()).caller.sessionId }, caller);
    return device;
  },
  async 'session-stolen'(scene, t) {
    await scene.call('auth.refresh', { refreshToken: scene.ann.refreshToken });
    await (await connect(t, scene.mongodbUri)).collection('sessions').updateMany({}, { $set: { 'replaced.$[].at': new Date(0) } });
    await assert.rejects(scene.call('auth.refresh', { refreshToken: scene.ann.refreshToken }), { code: 'SESSION_ENDED' });
  },
  async 'username-changed'({ call, caller }) {
    await call('users.update', { id: 'me', username: 'ann_the_first' }, caller);
    return 'ann_the_first';
  },
  'password-failed': async ({ call, caller }) => assert.rejects(call('auth.confirm', { password: 'wrong horse battery' }, caller), { code: 'WRONG_PASSWORD' }),
  'password-changed': async ({ call, caller, ann }) => call('account.changePassword', { oldPassword: ann.password, password: 'quite another staple' }, caller),
  async 'password-reset-requested'({ call, ann, token }) {
    await token();
    await call('account.sendResetEmail', { email: ann.email });
    await token();
  },
  async 'password-reset'({ call, ann, token }) {
    await token();
    await call('account.sendResetEmail', { email: ann.email });
    await call('account.resetPassword', { token: await token(), password: 'quite another staple' });
  },
  async 'email-verified'({ call, ann, token }) {
    await call('account.verifyEmail', { token: await token() });
    return ann.email;
  },
  async 'email-change-requested'({ call, caller }) {
    await call('account.changeEmail', { email: 'ann.new@example.org' }, caller);
    return 'ann.new@example.org';
  },
  async 'email-changed'(scene) {
    await changeEmail(scene, 'ann.new@example.org');
    return 'ann.new@example.org';
  },
  async 'changes-undone'(scene) {
    const { call, ann, token, caller } = scene;
    await verify(scene);
    await call('account.changeEmail', { email: 'ann.new@example.org' }, caller);
    await call('account.confirmEmail', { token: await token('ann.new@example.org') });
    await call('account.undo', { token: await token() });
    return ann.email;
  },
  async 'google-linked'(scene) {
    const { call, caller, issuer } = scene;
    await verify(scene);
    const account = issuer.account();
    await call('account.linkGoogle', { credential: issuer.credential(account) }, caller);
    return account.email;
  },
  async 'google-unlinked'(scene) {
    const { call, caller, issuer } = scene;
    await verify(scene);
    await call('account.linkGoogle', { credential: issuer.credential(issuer.account()) }, caller);
    await call('account.unlinkGoogle', {}, caller);
  },
  'second-factor-on': async (scene) => switchOn(scene),
  async 'second-factor-off'(scene) {
    const [code] = await switchOn(scene);
    await scene.call('totp.disable', { password: scene.ann.password, code }, scene.caller);
  },
  async 'second-factor-failed'(scene) {
    await switchOn(scene);
    await assert.rejects(scene.call('auth.verifySecondFactor', { challengeToken: await challenge(scene), code: 'not a code' }), { code: 'WRONG_CODE' });
  },
  async 'recovery-code-used'(scene) {
    const [code] = await switchOn(scene);
    await scene.call('auth.verifySecondFactor', { challengeToken: await challenge(scene), code });
  },
  async 'recovery-codes-renewed'(scene) {
    const [code] = await switchOn(scene);
    await scene.call('totp.renewRecoveryCodes', { code }, scene.caller);
  },
};

const kinds = SecurityKind.enum;

/** The log of whoever it is about, straight from the service: some occasions leave no session to ask with. */
async function findEntries(t: TestContext, { mongodbUri, services, caller }: Scene, kind: string): Promise<Entry[]> {
  const connection = await connect(t, mongodbUri);
  const [entry] = await until(`${kind} is recorded`, async () => {
    const found = await connection.collection('security').find({ kind, ip: place.ip }).toArray();
    return found.length > 0 ? found : undefined;
  });
  const { items } = await services.security.list({ ...caller, userId: (entry as unknown as { userId: Types.ObjectId }).userId.toHexString() }, { limit: 100 });
  return items.filter((item) => item.kind === kind && item.ip === place.ip);
}

test('there is an occasion for every kind of entry', () => {
  assert.deepEqual(new Set(Object.keys(occasions)), new Set(kinds));
});

for (const kind of kinds) {
  test(`the log tells ${kind}, once, with time, address and device`, async (t) => {
    const scene = await setScene(t);
    const before = Date.now();
    const given = await occasions[kind](scene, t);
    const [entry, ...others] = await findEntries(t, scene, kind);
    assert.ok(entry);
    assert.deepEqual(others, []);
    const { id: _id, at, ...rest } = entry;
    assert.deepEqual(rest, { kind, ip: place.ip, device, ...(typeof given === 'string' && { detail: given }) });
    assert.ok(Date.parse(at) >= before && Date.parse(at) <= Date.now());
  });
}

test('ways to sign in are told apart', async (t) => {
  const scene = await setScene(t);
  const account = scene.issuer.account();
  await verify(scene);
  await scene.call('account.linkGoogle', { credential: scene.issuer.credential(account) }, scene.caller);
  await scene.call('auth.loginWithGoogle', { credential: scene.issuer.credential(account) });
  const [code] = await switchOn(scene);
  await scene.call('auth.verifySecondFactor', { challengeToken: await challenge(scene), code });
  assert.deepEqual((await findEntries(t, scene, 'signed-in')).map(({ detail }) => detail), ['password, code', 'google']);
});

test('ending all others is told for each of them, and of ending none nothing is told', async (t) => {
  const scene = await setScene(t);
  await scene.call('sessions.endOthers', {}, scene.caller);
  await scene.enter();
  await scene.call('auth.login', { email: scene.ann.email, password: scene.ann.password }, guest);
  await scene.call('sessions.endOthers', {}, scene.caller);
  assert.deepEqual(new Set((await findEntries(t, scene, 'session-ended')).map(({ detail }) => detail)), new Set([device, 'test']));
});

/** A log with so many entries besides that of the sign-up, made by failures. */
async function withFailures(t: TestContext, count: number): Promise<{ app: TestApp; ann: Person; ids: string[] }> {
  const app = await buildTestApp(t);
  const ann = await app.person('Ann');
  for (let time = 0; time < count; time++) await app.services.security.record(ann.id, 'sign-in-failed', { ip: `192.0.2.${time + 1}`, userAgent: '' });
  const { items } = await ann.call('security.list', { limit: 100 });
  return { app, ann, ids: items.map(({ id }) => id) };
}

test('the latest comes first', async (t) => {
  const { ann } = await withFailures(t, 5);
  const { items, more } = await ann.call('security.list');
  assert.deepEqual(items.map(({ kind, ip }) => [kind, ip]), [...[5, 4, 3, 2, 1].map((number) => ['sign-in-failed', `192.0.2.${number}`]), ['registered', guest.ip]]);
  assert.equal(more, false);
});

test('page by page the log is whole, nothing twice and nothing left out, also while it grows', async (t) => {
  const { app, ann, ids } = await withFailures(t, 24);
  assert.equal(ids.length, 25);
  const seen: string[] = [];
  for (let more = true; more; ) {
    const before = seen.at(-1);
    const page = await ann.call('security.list', { limit: 10, ...(before !== undefined && { before }) });
    assert.ok(page.items.length <= 10);
    seen.push(...page.items.map(({ id }) => id));
    more = page.more;
    await app.services.security.record(ann.id, 'signed-out', guest);
  }
  assert.deepEqual(seen, ids);
});

test('a page has 50 entries unless asked otherwise, and at most 100', async (t) => {
  const { ann, ids } = await withFailures(t, 60);
  const { items, more } = await ann.call('security.list');
  assert.deepEqual([items.map(({ id }) => id), more], [ids.slice(0, 50), true]);
  for (const limit of [0, 101, -1]) await assert.rejects(ann.call('security.list', { limit }), { code: 'VALIDATION_FAILED' });
});

test('nobody reads the log of anybody else, not even from the place of an entry there', async (t) => {
  const { app, ann, ids } = await withFailures(t, 3);
  const mallory = await app.person('Mallory');
  for (const input of [{}, { before: ids[0] }, { before: 'f'.repeat(24) }]) {
    const { items } = await mallory.call('security.list', input);
    assert.deepEqual(items.filter(({ id }) => ids.includes(id)), []);
  }
  for (const input of [{ userId: ann.id }, { id: ann.id }, { before: { $ne: null } }]) await assert.rejects(mallory.call('security.list', input), { code: 'VALIDATION_FAILED' });
  await assert.rejects(app.dispatch.call('security.list', guest, {}), { code: 'UNAUTHENTICATED' });
});

test('no operation and no route changes the log', async (t) => {
  assert.deepEqual(Object.keys(contracts.security.operations), ['security.list']);
  assert.deepEqual([...operations.keys()].filter((name) => name.startsWith('security.')), ['security.list']);
  assert.deepEqual(routes.filter(({ path }) => path.includes('security')).map(({ method }) => method), ['GET']);
  const { app, ann, ids } = await withFailures(t, 2);
  for (const method of ['POST', 'PUT', 'PATCH', 'DELETE']) {
    for (const path of ['/user/me/security', `/user/me/security/${ids[0] ?? ''}`]) requireError(await ask(app.url, path, { method, token: ann.accessToken }), 'NOT_FOUND');
  }
  assert.deepEqual((await ann.call('security.list')).items.map(({ id }) => id), ids);
});

test('entries stay as they are when what they tell of is changed or undone', async (t) => {
  const scene = await setScene(t);
  await scene.call('users.update', { id: 'me', username: 'ann_the_first' }, scene.caller);
  const before = await scene.ann.call('security.list', { limit: 100 });
  await scene.call('users.update', { id: 'me', username: 'ann_the_second' }, scene.caller);
  await scene.call('sessions.endOthers', {}, scene.caller);
  const after = await scene.ann.call('security.list', { limit: 100 });
  assert.deepEqual(after.items.slice(-before.items.length), before.items);
});

test('entries are kept for 180 days, and MongoDB removes them by itself', async (t) => {
  const app = await buildTestApp(t);
  const indexes = await (await connect(t, app.mongodbUri)).collection('security').indexes();
  assert.deepEqual(indexes.filter(({ expireAfterSeconds }) => expireAfterSeconds !== undefined).map(({ key, expireAfterSeconds }) => [key, expireAfterSeconds]), [[{ at: 1 }, 180 * 24 * 60 * 60]]);
});

test('what is asked of a log is answered by an index, however much else is in it', async (t) => {
  const app = await buildTestApp(t);
  const ann = await app.person('Ann');
  const { security } = app.services;
  const { db } = await connect(t, app.mongodbUri);
  assert.ok(db);
  const since = new Date(Date.now() - 60_000);
  const earlier = (Math.floor(since.getTime() / 1000) - 60).toString(16);
  const entry = (kind: SecurityKind, index: number): object => ({ _id: new Types.ObjectId(`${earlier}${index.toString(16).padStart(16, '0')}`), userId: new Types.ObjectId(ann.id), kind, at: since, network: `198.51.${index}.1` });
  await db.collection('security').insertMany(Array.from({ length: 200 }, (_, index) => entry(index % 2 ? 'sign-in-failed' : 'signed-in', index)));
  await db.command({ profile: 2 });
  assert.ok(await security.hasSignedInFrom(ann.id, '198.51.8.1'));
  assert.equal(await security.hasSignedInFrom(ann.id, '203.0.113.1'), false);
  assert.equal(await security.count(ann.id, ['sign-in-failed', 'registered'], since), 1);
  await db.command({ profile: 0 });
  const profiled = await db.collection('system.profile').find({ ns: /[.]security$/ }).toArray();
  assert.deepEqual(profiled.map(({ keysExamined, docsExamined }) => [keysExamined <= 4, docsExamined <= 1]), [[true, true], [true, true], [true, true]]);
});

test('sessions that are ended from two places at once are each told of once', async (t) => {
  const scene = await setScene(t);
  for (let count = 0; count < 10; count++) await scene.enter();
  const [one, other] = [await scene.enter(), await scene.enter()];
  await Promise.all([one, other].map(({ caller }) => scene.services.sessions.endOthers(caller, {})));
  const left = (await scene.services.sessions.list(one.caller, {})).items.length;
  assert.ok(left <= 1);
  assert.equal((await findEntries(t, scene, 'session-ended')).length, 13 - left, 'with the first of hers there were 13');
});

test('a log ends with its account', async (t) => {
  const app = await buildTestApp(t);
  const [ann, bob] = await Promise.all([app.person('Ann'), app.person('Bob')]);
  await ann.call('account.remove', { password: ann.password });
  const entries = (await connect(t, app.mongodbUri)).collection('security');
  await until('her log is gone', async () => (await entries.countDocuments({ userId: new Types.ObjectId(ann.id) })) === 0);
  assert.equal((await bob.call('security.list')).items.length, 1);
});
