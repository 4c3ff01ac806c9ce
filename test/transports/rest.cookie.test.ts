/** The refresh token over HTTP: a cookie for browsers, the body for whoever asks. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { buildTestApp, connect } from '../helpers/app.ts';
import { ask, requireError, type Answer } from './ask.ts';

const account = { email: 'ann@example.org', password: 'correct horse', firstName: 'Ann' };
const { firstName: _firstName, ...credentials } = account;

const post = (url: string, path: string, json: object, cookie?: string): Promise<Answer> => ask(url, path, { method: 'POST', json, ...(cookie !== undefined && { headers: { cookie } }) });

/** The cookie to send back, and its attributes in small letters. */
function readCookie({ cookies }: Answer): { pair: string; attributes: string[] } {
  assert.equal(cookies.length, 1);
  const [pair = '', ...attributes] = (cookies[0] ?? '').split('; ');
  return { pair, attributes: attributes.map((attribute) => attribute.toLowerCase()) };
}

const bodyOf = ({ body }: Answer): Record<string, unknown> => body as Record<string, unknown>;

test('signing in sets an HttpOnly, Secure, SameSite cookie for /auth, and gives no refresh token in the body', async (t) => {
  const { url } = await buildTestApp(t);
  for (const answer of [await post(url, '/auth/register', account), await post(url, '/auth/login', credentials), await post(url, '/auth/login', { ...credentials, refresh: 'cookie' })]) {
    const { pair, attributes } = readCookie(answer);
    assert.match(pair, /^refreshToken=[\w.-]{80,}$/);
    assert.deepEqual(attributes.sort(), ['httponly', 'max-age=2592000', 'path=/auth', 'samesite=strict', 'secure']);
    assert.deepEqual(Object.keys(bodyOf(answer)).sort(), ['accessToken', 'expiresIn', 'user']);
  }
});

for (const [publicUrl, appUrl, sameSite] of [
  ['https://chat.example.org', 'https://app.example.org', 'strict'],
  ['https://chat.example.org:8443', 'https://example.org/app', 'strict'],
  ['https://chat.example.co.uk', 'https://app.example.co.uk', 'strict'],
  ['http://127.0.0.1:3000', 'http://127.0.0.1:5173', 'strict'],
  ['http://localhost:3000', 'http://localhost:5173', 'strict'],
  ['http://[::1]:3000', 'http://[::1]:5173', 'strict'],
  ['https://chat.example.org', 'http://app.example.org', 'none'],
  ['https://chat.example.org', 'https://app.example.com', 'none'],
  ['https://one.co.uk', 'https://two.co.uk', 'none'],
  ['https://me.github.io', 'https://you.github.io', 'none'],
  ['http://127.0.0.1:3000', 'http://127.0.0.2:3000', 'none'],
  ['http://127.0.0.1:3000', 'http://localhost:3000', 'none'],
] as const) {
  test(`for a server at ${publicUrl} and an app at ${appUrl} the cookie is SameSite=${sameSite}`, async (t) => {
    const { url } = await buildTestApp(t, { env: { PUBLIC_URL: publicUrl, APP_URL: appUrl } });
    const { attributes } = readCookie(await post(url, '/auth/register', account));
    assert.ok(attributes.includes(`samesite=${sameSite}`), attributes.join());
  });
}

test('below a path of PUBLIC_URL the cookie is for that path', async (t) => {
  const { url } = await buildTestApp(t, { env: { PUBLIC_URL: 'https://example.org/parley/' } });
  assert.ok(readCookie(await post(url, '/auth/register', account)).attributes.includes('path=/parley/auth'));
});

test('whoever asks for the refresh token in the body gets no cookie', async (t) => {
  const { url } = await buildTestApp(t);
  await post(url, '/auth/register', account);
  const signedIn = await post(url, '/auth/login', { ...credentials, refresh: 'body' });
  const { refreshToken } = bodyOf(signedIn);
  const refreshed = await post(url, '/auth/refresh', { refreshToken });
  for (const answer of [signedIn, refreshed]) {
    assert.deepEqual(answer.cookies, []);
    assert.match(String(bodyOf(answer)['refreshToken']), /^[\w.-]{80,}$/);
  }
});

test('a cookie is refreshed by the next cookie', async (t) => {
  const { url } = await buildTestApp(t);
  const first = readCookie(await post(url, '/auth/register', account)).pair;
  const refreshed = await post(url, '/auth/refresh', {}, first);
  const second = readCookie(refreshed).pair;
  assert.notEqual(second, first);
  assert.deepEqual(Object.keys(bodyOf(refreshed)).sort(), ['accessToken', 'expiresIn']);
  assert.equal((await ask(url, '/user/me', { token: String(bodyOf(refreshed)['accessToken']) })).status, 200);
  assert.equal((await ask(url, '/auth/refresh', { method: 'POST', headers: { cookie: second } })).status, 200, 'without a body');
});

test('the cookie before, within its grace, gives an access token and the next cookie again: the answer may have been lost', async (t) => {
  const { url } = await buildTestApp(t);
  const { pair } = readCookie(await post(url, '/auth/register', account));
  const lost = readCookie(await post(url, '/auth/refresh', {}, pair));
  const again = await post(url, '/auth/refresh', {}, pair);
  assert.deepEqual([again.status, readCookie(again), Object.keys(bodyOf(again)).sort()], [200, lost, ['accessToken', 'expiresIn']]);
});

test('a refresh token in the body goes before the cookie', async (t) => {
  const { url } = await buildTestApp(t);
  const { pair } = readCookie(await post(url, '/auth/register', account));
  requireError(await post(url, '/auth/refresh', { refreshToken: 'x' }, pair), 'SESSION_ENDED');
  assert.equal((await post(url, '/auth/refresh', {}, pair)).status, 200);
});

/** A cookie without a name is sent as its value alone, which may have blanks around what looks like a name. */
const inDisguise = (pair: string): string[] => [' ', '\t'].map((blank) => pair.replace('=', `${blank}=`));

test('a browser that sends two of these cookies, in whatever order, is signed in to nothing, and neither session is used or ended', async (t) => {
  const { url, mongodbUri } = await buildTestApp(t);
  const ours = readCookie(await post(url, '/auth/register', account)).pair;
  const planted = readCookie(await post(url, '/auth/register', { ...account, email: 'mallory@example.org' })).pair;
  const sessions = (await connect(t, mongodbUri)).collection('sessions');
  const before = await sessions.find().sort({ _id: 1 }).toArray();
  for (const cookie of [`${planted}; ${ours}`, `${ours}; ${planted}`, `${planted};${ours}`, `${planted}; theme=dark; ${ours}`, ...inDisguise(planted).map((pair) => `${pair}; ${ours}`)]) {
    const answer = await post(url, '/auth/refresh', {}, cookie);
    requireError(answer, 'SESSION_ENDED');
    assert.deepEqual(answer.cookies, []);
  }
  assert.deepEqual(await sessions.find().sort({ _id: 1 }).toArray(), before);
  for (const cookie of [ours, planted]) assert.equal((await post(url, '/auth/refresh', {}, cookie)).status, 200);
});

test('a cookie that is none of ours is refused', async (t) => {
  const { url } = await buildTestApp(t);
  for (const cookie of ['', 'refreshToken=', 'refreshToken=x', `refreshToken=${'x'.repeat(4000)}`, 'refreshToken=%', 'refreshToken=%00', 'refreshToken[$gt]=', 'refreshToken={"$gt":""}', '__proto__=x', ';;;=']) {
    requireError(await post(url, '/auth/refresh', {}, cookie), 'SESSION_ENDED');
  }
});

test('logging out by cookie ends the session and takes the cookie back', async (t) => {
  const { url } = await buildTestApp(t);
  const registered = await post(url, '/auth/register', account);
  const { pair } = readCookie(registered);
  const loggedOut = await ask(url, '/auth/logout', { method: 'POST', headers: { cookie: pair } });
  assert.equal(loggedOut.status, 204);
  const cleared = readCookie(loggedOut);
  assert.equal(cleared.pair, 'refreshToken=');
  assert.ok(cleared.attributes.includes('path=/auth'));
  assert.ok(cleared.attributes.includes('expires=thu, 01 jan 1970 00:00:00 gmt'));
  requireError(await ask(url, '/user/me', { token: String(bodyOf(registered)['accessToken']) }), 'UNAUTHENTICATED');
  requireError(await post(url, '/auth/refresh', {}, pair), 'SESSION_ENDED');
});
