/** Attacks on the way to Google and back: on state, nonce and PKCE, and on the browser that goes it. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { forgeries } from '../helpers/forgeries.ts';
import { buildWay, requireNobody, requireSentOn, type Way } from './google.way.ts';

const refused = { error: 'GOOGLE_REFUSED' };
const callback = (query: string): string => `/auth/google/callback?${query}`;

/** The path back with one thing in its query changed, or taken away. */
function bend(path: string, name: string, value?: string): string {
  const [base = '', query] = path.split('?');
  const parameters = new URLSearchParams(query);
  if (value === undefined) parameters.delete(name);
  else parameters.set(name, value);
  return `${base}?${parameters.toString()}`;
}

const parameterOf = (path: string, name: string): string => new URLSearchParams(path.split('?')[1]).get(name) ?? '';

/** Coming back is refused, before Google is asked anything. */
async function requireRefused({ browser, issuer }: Way, cookies: ReadonlyMap<string, string>, path: string): Promise<void> {
  const asked = issuer.tokenRequests.length;
  const visitor = browser();
  for (const [name, value] of cookies) visitor.cookies.set(name, value);
  const back = await visitor.visit(path);
  requireSentOn(back, '/chats', refused);
  await requireNobody(back, visitor);
  assert.equal(issuer.tokenRequests.length, asked);
}

test('without the state, or with one that was never given, nobody gets in', async (t) => {
  const way = await buildWay(t);
  const ann = way.browser();
  const path = await way.through(await ann.setOut('/settings'));
  const state = parameterOf(path, 'state');
  const code = parameterOf(path, 'code');
  const wrong = [
    bend(path, 'state'),
    ...['', 'x', state.slice(1), `${state}x`, state.toUpperCase(), state.split('').reverse().join(''), ` ${state}`, 'undefined', 'null', '*', '.*', '{"$ne":null}'].map((other) => bend(path, 'state', other)),
    callback(`state[$ne]=x&code=${code}`),
    callback(`state[]=${state}&code=${code}`),
    callback(`state=${state}&state=${state}&code=${code}`),
    callback(`state=x&state=${state}&code=${code}`),
    callback(''),
  ];
  for (const other of wrong) await requireRefused(way, ann.cookies, other);
  requireSentOn(await ann.visit(path), '/settings');
});

test('a state is good in the browser alone that it was given to, and nobody else can even use it up', async (t) => {
  const way = await buildWay(t);
  const ann = way.browser();
  const path = await way.through(await ann.setOut('/settings'));
  const other = way.browser();
  await other.setOut();
  const secret = ann.cookies.get('__Host-google') ?? '';
  await requireRefused(way, new Map(), path);
  await requireRefused(way, other.cookies, path);
  for (const wrong of ['', 'x', secret.slice(1), `${secret}x`, secret.toLowerCase()]) await requireRefused(way, new Map([['__Host-google', wrong]]), path);
  await requireRefused(way, new Map([['google', secret]]), path);
  requireSentOn(await ann.visit(path), '/settings');
  assert.notEqual(await ann.whoAmI(), undefined);
});

test('a state is good once, also when many come back with it at once', async (t) => {
  const way = await buildWay(t);
  const ann = way.browser();
  const path = await way.through(await ann.setOut());
  const cookies = new Map(ann.cookies);
  const many = await Promise.all(Array.from({ length: 20 }, async () => {
    const one = way.browser();
    for (const [name, value] of cookies) one.cookies.set(name, value);
    return (await one.visit(path)).setCookies.some((line) => line.startsWith('refreshToken='));
  }));
  assert.deepEqual(many.filter(Boolean), [true]);
  assert.equal(way.issuer.tokenRequests.length, 1);
  await requireRefused(way, cookies, path);
});

test('a state is used up by whatever came of it', async (t) => {
  const way = await buildWay(t);
  const ann = way.browser();
  const path = await way.through(await ann.setOut());
  const cookies = new Map(ann.cookies);
  requireSentOn(await ann.visit(bend(path, 'code')), '/chats', refused);
  await requireRefused(way, cookies, path);
});

test('a state is good for ten minutes', async (t) => {
  const way = await buildWay(t);
  const ann = way.browser();
  const path = await way.through(await ann.setOut());
  const tokens = await way.tokens();
  const { expiresAt } = (await tokens.findOne({ _id: { $regex: '^google:' } as never })) as unknown as { expiresAt: Date };
  assert.ok(expiresAt.getTime() <= Date.now() + 10 * 60_000);
  await tokens.updateOne({ expiresAt }, { $set: { expiresAt: new Date(Date.now() - 1) } });
  await requireRefused(way, ann.cookies, path);
});

test('a token for something else is no state', async (t) => {
  const way = await buildWay(t);
  const ann = way.browser();
  const path = await way.through(await ann.setOut());
  await way.signUp('ann@example.org');
  await way.dispatch.call('account.sendResetEmail', { ip: '127.0.0.1', userAgent: 'test', language: 'en' }, { email: 'ann@example.org' });
  const token = new URL((await way.mails.next('ann@example.org')).link ?? '').searchParams.get('token') ?? '';
  await requireRefused(way, ann.cookies, bend(path, 'state', token));
});

test('a code that somebody else was given is worth nothing here: its challenge is another', async (t) => {
  const { browser, through, issuer } = await buildWay(t);
  const [ann, attacker] = [browser(), browser()];
  const [annsPath, attackersPath] = [await through(await ann.setOut()), await through(await attacker.setOut())];
  const back = await attacker.visit(bend(attackersPath, 'code', parameterOf(annsPath, 'code')));
  requireSentOn(back, '/chats', refused);
  await requireNobody(back, attacker);
  assert.deepEqual(issuer.tokenRequests.map(({ status }) => status), [400]);
});

test('a nonce or a verifier that is wrong or missing in the store lets nobody in', async (t) => {
  const { browser, through, tokens } = await buildWay(t);
  const stored = await tokens();
  for (const change of [{ $set: { 'data.nonce': 'x' } }, { $unset: { 'data.nonce': '' } }, { $set: { 'data.codeVerifier': 'x'.repeat(43) } }, { $unset: { 'data.codeVerifier': '' } }]) {
    const ann = browser();
    const path = await through(await ann.setOut());
    assert.equal((await stored.updateMany({ _id: { $regex: '^google:' } as never }, change)).modifiedCount, 1);
    const back = await ann.visit(path);
    requireSentOn(back, '/chats', refused);
    await requireNobody(back, ann);
  }
});

test('a nonce or a challenge that was changed or taken away on the way there lets nobody in', async (t) => {
  const { browser, through } = await buildWay(t);
  for (const [name, value] of [['nonce', 'x'], ['nonce'], ['code_challenge', 'x'.repeat(43)], ['code_challenge'], ['code_challenge_method', 'plain']] as const) {
    const ann = browser();
    const back = await ann.visit(await through(bend(await ann.setOut(), name, value)));
    requireSentOn(back, '/chats', refused);
    await requireNobody(back, ann);
  }
});

test('an ID token that Google gives for the code is looked at as closely as any other', async (t) => {
  const { issuer, browser, through } = await buildWay(t);
  const account = issuer.account();
  let answer: (nonce: string) => string = () => '';
  let nonce = '';
  issuer.replace('/token', (_, response) => response.end(JSON.stringify({ id_token: answer(nonce) })));
  const comeBack = async (): Promise<Record<string, string>> => {
    const ann = browser();
    const there = await ann.setOut();
    nonce = new URL(there).searchParams.get('nonce') ?? '';
    const { location } = await ann.visit(await through(there));
    return Object.fromEntries(new URLSearchParams(location.split('#')[1]));
  };
  for (const [fault, token] of Object.entries(forgeries(issuer, account))) {
    answer = () => token;
    assert.deepEqual(await comeBack(), refused, fault);
  }
  answer = () => issuer.credential(account);
  assert.deepEqual(await comeBack(), refused, 'without a nonce');
  answer = (given) => issuer.credential(account, { nonce: given, aud: 'another.apps.example' });
  assert.deepEqual(await comeBack(), refused, 'for another audience');
  answer = (given) => issuer.credential(account, { nonce: given });
  assert.deepEqual(await comeBack(), {}, 'as it should be');
});

test('a link back that an attacker began signs nobody in, and disturbs nobody', async (t) => {
  const { issuer, browser, through } = await buildWay(t);
  const [attackersAccount, annsAccount] = [issuer.account(), issuer.account()];
  const attacker = browser();
  const link = await through(await attacker.setOut(), attackersAccount);

  const nobody = browser();
  const opened = await nobody.visit(link);
  requireSentOn(opened, '/chats', refused);
  await requireNobody(opened, nobody);

  const ann = browser();
  await ann.visit(await through(await ann.setOut(), annsAccount));
  const path = await through(await ann.setOut('/settings'), annsAccount);
  requireSentOn(await ann.visit(link), '/chats', refused);
  assert.equal(await ann.whoAmI(), annsAccount.email, 'she is who she was');
  requireSentOn(await ann.visit(path), '/settings');
  assert.equal(await ann.whoAmI(), annsAccount.email, 'and what she had begun she ends');
});

test('a session that was planted in the browser is replaced, and never becomes that of who signs in', async (t) => {
  const { issuer, browser, through } = await buildWay(t);
  const [attackersAccount, annsAccount] = [issuer.account(), issuer.account()];
  const attacker = browser();
  await attacker.visit(await through(await attacker.setOut(), attackersAccount));
  const planted = attacker.cookies.get('refreshToken') ?? '';
  const ann = browser();
  ann.cookies.set('refreshToken', planted);
  await ann.visit(await through(await ann.setOut(), annsAccount));
  assert.notEqual((ann.cookies.get('refreshToken') ?? '').split('.')[0], planted.split('.')[0], 'another session');
  assert.equal(await ann.whoAmI(), annsAccount.email);
  assert.equal(await attacker.whoAmI(), attackersAccount.email);
});
