/** What the security log tells of: whatever happens to an account, from where and with what device. */
import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import type { Types } from 'mongoose';
import type { Caller, Guest } from '../../src/core/contract.ts';
import { SecurityKind } from '../../src/features/security/security.contract.ts';
import { buildTestApp, connect, type TestApp } from '../helpers/app.ts';
import { createAuthenticator } from '../helpers/authenticator.ts';
import { startIssuer, type Issuer } from '../helpers/issuer.ts';
import { mailbox, type Mailbox } from '../helpers/mailbox.ts';
import { guest, type Output, type Person } from '../helpers/people.ts';
import { until } from '../helpers/until.ts';

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
  async 'second-factor-asked'(scene) {
    await switchOn(scene);
    await challenge(scene);
    return 'password';
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

test('sessions that are ended from two places at once are each told of once', async (t) => {
  const scene = await setScene(t);
  for (let count = 0; count < 10; count++) await scene.enter();
  const [one, other] = [await scene.enter(), await scene.enter()];
  await Promise.all([one, other].map(({ caller }) => scene.services.sessions.endOthers(caller, {})));
  const left = (await scene.services.sessions.list(one.caller, {})).items.length;
  assert.ok(left <= 1);
  assert.equal((await findEntries(t, scene, 'session-ended')).length, 13 - left, 'with the first of hers there were 13');
});
