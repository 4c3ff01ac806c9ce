/** Guessing passwords through the doors that people use: how soon it has to wait, and whom that does not hurt. */
import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import type { LightMyRequestResponse } from 'fastify';
import { buildTestApp, type TestApp, type TestAppOptions } from '../helpers/app.ts';
import { addressOf, inTurn } from '../helpers/guesses.ts';
import { guest } from '../helpers/people.ts';

/** Limits are as they are for everybody. */
const buildStrictApp = (t: TestContext, options: TestAppOptions = {}): Promise<TestApp> => buildTestApp(t, { ...options, env: { RATE_SCALE: '1', ...options.env } });

interface Failure {
  code: string;
  details?: { retryAfter?: number };
}

/** How an attempt ends: with an error, or `undefined` if it passes. */
const outcomeOf = (attempt: Promise<unknown>): Promise<Failure | undefined> => attempt.then(() => undefined, (error: unknown) => error as Failure);

const login = ({ dispatch }: TestApp, input: object, ip = guest.ip): Promise<Failure | undefined> => outcomeOf(dispatch.call('auth.login', { ...guest, ip }, input));

const codesOf = (outcomes: readonly (Failure | undefined)[]): (string | undefined)[] => outcomes.map((outcome) => outcome?.code);

const fiveWrong = Array.from({ length: 5 }, () => 'WRONG_CREDENTIALS');

test('the sixth wrong password within a minute has to wait, for an account that exists as for one that does not', async (t) => {
  const app = await buildStrictApp(t);
  const ann = await app.person('Ann');
  const { username } = await ann.call('users.me');
  for (const name of [{ email: ann.email }, { email: 'nobody@example.org' }, { username }, { username: 'nobody' }]) {
    const outcomes = await inTurn(7, () => login(app, { ...name, password: 'wrong horse' }));
    assert.deepEqual(codesOf(outcomes), [...fiveWrong, 'RATE_LIMITED', 'RATE_LIMITED'], JSON.stringify(name));
    const { details } = outcomes[5] ?? {};
    assert.deepEqual(Object.keys(details ?? {}), ['retryAfter']);
    assert.ok(Number.isInteger(details?.retryAfter) && (details?.retryAfter ?? 0) >= 1 && (details?.retryAfter ?? 0) <= 60, String(details?.retryAfter));
  }
});

test('in whatever case the address is written, it is the same account', async (t) => {
  const app = await buildStrictApp(t);
  const { email } = await app.person('Ann');
  const outcomes = await inTurn(6, (index) => login(app, { email: index % 2 === 0 ? email : email.toUpperCase(), password: 'wrong horse' }));
  assert.deepEqual(codesOf(outcomes), [...fiveWrong, 'RATE_LIMITED']);
});

test('of 20 wrong passwords at once no more than five are looked at', async (t) => {
  const app = await buildStrictApp(t);
  const { email } = await app.person('Ann');
  const codes = codesOf(await Promise.all(Array.from({ length: 20 }, () => login(app, { email, password: 'wrong horse' }))));
  assert.deepEqual([...codes].sort(), [...Array.from({ length: 15 }, () => 'RATE_LIMITED'), ...fiveWrong]);
});

test('whoever guesses keeps the owner out nowhere else: the right password from another address gets in at once', async (t) => {
  const app = await buildStrictApp(t);
  const ann = await app.person('Ann');
  await inTurn(6, () => login(app, { email: ann.email, password: 'wrong horse' }, '192.0.2.1'));
  const right = { email: ann.email, password: ann.password };
  assert.equal((await login(app, right, '192.0.2.1'))?.code, 'RATE_LIMITED', 'the right one has to wait where wrong ones came from');
  assert.equal(await login(app, right, '192.0.2.2'), undefined);
});

test('while many addresses guess at one account its owner gets in at the first try from an address never seen, every time, and those who guess wait', async (t) => {
  const app = await buildStrictApp(t);
  const ann = await app.person('Ann');
  const right = { email: ann.email, password: ann.password };
  const attack = (): Promise<(Failure | undefined)[]> => inTurn(30, (index) => login(app, { email: ann.email, password: 'wrong horse' }, addressOf(index)));
  assert.deepEqual(codesOf(await attack()), Array.from({ length: 30 }, () => 'WRONG_CREDENTIALS'));
  for (let round = 0; round < 5; round++) {
    for (const outcome of await attack()) assert.equal(outcome?.code, 'RATE_LIMITED');
    assert.equal(await login(app, right, `192.0.2.${round}`), undefined);
  }
  assert.equal((await login(app, right, addressOf(0)))?.code, 'RATE_LIMITED', 'the right one has to wait where a wrong one came from');
  assert.deepEqual(codesOf(await inTurn(6, () => login(app, { email: ann.email, password: 'wrong horse' }))), [...fiveWrong, 'RATE_LIMITED'], 'the address it signed up from is known');
});

test('who guesses at the e-mail does not slow down who types the username: that would tell that they belong together', async (t) => {
  const app = await buildStrictApp(t);
  const ann = await app.person('Ann');
  const { username } = await ann.call('users.me');
  await inTurn(20, (index) => login(app, { email: ann.email, password: 'wrong horse' }, addressOf(index)));
  assert.deepEqual(codesOf(await inTurn(2, () => login(app, { email: ann.email, password: 'wrong horse' }, '192.0.2.1'))), ['WRONG_CREDENTIALS', 'RATE_LIMITED']);
  assert.deepEqual(codesOf(await inTurn(6, () => login(app, { username, password: 'wrong horse' }, '192.0.2.1'))), [...fiveWrong, 'RATE_LIMITED']);
});

test('a right password takes back the wrong ones before it', async (t) => {
  const app = await buildStrictApp(t);
  const { email, password } = await app.person('Ann');
  for (let round = 0; round < 3; round++) {
    assert.deepEqual(codesOf(await inTurn(4, () => login(app, { email, password: 'wrong horse' }))), fiveWrong.slice(1));
    assert.equal(await login(app, { email, password }), undefined);
  }
});

test('every other door to a password is guarded as well: changing it, confirming, removing the account', async (t) => {
  const app = await buildStrictApp(t);
  const doors = [
    ['account.changePassword', { oldPassword: 'wrong horse', password: 'an even better horse' }],
    ['auth.confirm', { password: 'wrong horse' }],
    ['account.remove', { password: 'wrong horse' }],
  ] as const;
  for (const [name, input] of doors) {
    const ann = await app.person('Ann');
    const codes = codesOf(await inTurn(6, () => outcomeOf(ann.call(name, input))));
    assert.deepEqual(codes, [...Array.from({ length: 5 }, () => 'WRONG_PASSWORD'), 'RATE_LIMITED'], name);
  }
  const bob = await app.person('Bob');
  const mixed = await inTurn(6, (index) => {
    const [name, input] = doors[index % 3] ?? doors[0];
    return outcomeOf(bob.call(name, input));
  });
  assert.equal(mixed[5]?.code, 'RATE_LIMITED', 'they count together');
});

const post = ({ app }: TestApp, payload: object, headers: Record<string, string> = {}): Promise<LightMyRequestResponse> => app.inject({ method: 'POST', url: '/auth/login', remoteAddress: '192.0.2.1', payload, headers });

test('over REST it is 429, with the seconds to wait in Retry-After and RateLimit-Reset', async (t) => {
  const app = await buildStrictApp(t);
  const { email } = await app.person('Ann');
  for (const address of [email, 'nobody@example.org']) {
    const answers = await inTurn(6, () => post(app, { email: address, password: 'wrong horse' }));
    assert.deepEqual(answers.map(({ statusCode }) => statusCode), [401, 401, 401, 401, 401, 429]);
    const { headers, body } = answers[5] ?? assert.fail();
    const { code, details } = JSON.parse(body) as Failure;
    assert.equal(code, 'RATE_LIMITED');
    assert.deepEqual([headers['retry-after'], headers['ratelimit-reset']], [String(details?.retryAfter), String(details?.retryAfter)]);
    assert.deepEqual([headers['ratelimit-limit'], headers['ratelimit-remaining']], ['60', '0']);
  }
});

test('a forged X-Forwarded-For changes nothing', async (t) => {
  const app = await buildStrictApp(t);
  const { email } = await app.person('Ann');
  const forged = (index: number): Record<string, string> => ({ 'x-forwarded-for': addressOf(index), forwarded: `for=${addressOf(index)}`, 'x-real-ip': addressOf(index), 'cf-connecting-ip': addressOf(index) });
  const answers = await inTurn(6, (index) => post(app, { email, password: 'wrong horse' }, forged(index)));
  assert.equal(answers[5]?.statusCode, 429);
});

test('behind a proxy that is trusted it is the address it names that counts', async (t) => {
  const app = await buildStrictApp(t, { env: { TRUSTED_PROXIES: '192.0.2.1' } });
  const { email } = await app.person('Ann');
  const answers = await inTurn(6, (index) => post(app, { email, password: 'wrong horse' }, { 'x-forwarded-for': addressOf(index) }));
  assert.deepEqual(answers.map(({ statusCode }) => statusCode), [401, 401, 401, 401, 401, 401]);
  const same = await inTurn(6, () => post(app, { email, password: 'wrong horse' }, { 'x-forwarded-for': `${addressOf(99)}, 203.0.113.9` }));
  assert.equal(same[5]?.statusCode, 429, 'what a client wrote in front of that does not');
});

test('an attempt that nobody had time to look at is not counted', async (t) => {
  const app = await buildStrictApp(t, { passwordCost: 8 });
  const { email } = await app.person('Ann');
  const crowd = Array.from({ length: 50 }, (_, index) => login(app, { email: `nobody${index}@example.org`, password: 'wrong horse' }));
  const mine = Array.from({ length: 2 }, () => login(app, { email, password: 'wrong horse' }));
  const early = codesOf(await Promise.all(mine));
  assert.deepEqual(new Set(early), new Set(['BUSY']));
  await Promise.all(crowd);
  const late = codesOf(await inTurn(7, () => login(app, { email, password: 'wrong horse' })));
  const looked = [...early, ...late].filter((code) => code === 'WRONG_CREDENTIALS').length;
  assert.equal(looked, 5);
  assert.equal(late.at(-1), 'RATE_LIMITED');
});
