/** Signing in with what the Google button gives: over HTTP, and with every token that somebody should not get in with. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { buildTestApp, connect } from '../helpers/app.ts';
import { forgeries } from '../helpers/forgeries.ts';
import { buildGoogleApp, type GoogleApp } from '../helpers/google.ts';
import { ask, requireError, requireInvalid, type Answer } from './ask.ts';
import { createBrowser } from './google.way.ts';

const post = (url: string, json: unknown, headers: Record<string, string> = {}): Promise<Answer> => ask(url, '/auth/google', { method: 'POST', json, headers });

const emailOf = ({ body }: Answer): string => (body as { user: { email: string } }).user.email;

async function requireNoTrace({ mongodbUri }: GoogleApp, t: Parameters<typeof connect>[0]): Promise<void> {
  const { db } = await connect(t, mongodbUri);
  for (const collection of ['users', 'sessions', 'tokens']) assert.equal(await db?.collection(collection).countDocuments(), 0, collection);
}

test('the refresh token comes in a cookie, or in the body when asked for', async (t) => {
  const { issuer, url } = await buildGoogleApp(t);
  const account = issuer.account();
  const inCookie = await post(url, { credential: issuer.credential(account) });
  assert.equal(inCookie.status, 200, inCookie.text);
  assert.match(inCookie.cookies.join(), /^refreshToken=[\w.-]{80,}; Max-Age=2592000; Path=\/auth; HttpOnly; Secure; SameSite=Strict$/);
  assert.deepEqual(Object.keys(inCookie.body as object).sort(), ['accessToken', 'expiresIn', 'user']);
  const inBody = await post(url, { credential: issuer.credential(account), refresh: 'body' });
  assert.deepEqual([inBody.cookies, Object.keys(inBody.body as object).sort()], [[], ['accessToken', 'expiresIn', 'refreshToken', 'user']]);
  assert.deepEqual([emailOf(inCookie), emailOf(inBody)], [account.email, account.email]);
});

test('no forged, bent, expired or borrowed token gets anybody in, or leaves a trace', async (t) => {
  const app = await buildGoogleApp(t);
  const { issuer, url } = app;
  const account = issuer.account();
  for (const [fault, credential] of Object.entries(forgeries(issuer, account))) {
    const answer = await post(url, { credential });
    if (credential === '') requireInvalid(answer, 'credential');
    else {
      const { details } = requireError(answer, 'GOOGLE_REFUSED');
      assert.equal(details, undefined, `${fault}: why is not told`);
    }
    assert.deepEqual(answer.cookies, [], fault);
  }
  await requireNoTrace(app, t);
  assert.equal((await post(url, { credential: issuer.credential(account) })).status, 200);
});

test('no such token gets anybody into an account that is linked', async (t) => {
  const { issuer, url } = await buildGoogleApp(t);
  const account = issuer.account();
  await post(url, { credential: issuer.credential(account) });
  for (const credential of Object.values(forgeries(issuer, account)).filter(Boolean)) requireError(await post(url, { credential }), 'GOOGLE_REFUSED');
});

test('a nonce that is given has to be the one in the token', async (t) => {
  const { issuer, url } = await buildGoogleApp(t);
  const account = issuer.account();
  const credential = issuer.credential(account, { nonce: 'mine' });
  for (const nonce of ['other', 'Mine', 'mine ', 'min']) requireError(await post(url, { credential, nonce }), 'GOOGLE_REFUSED');
  requireError(await post(url, { credential: issuer.credential(account), nonce: 'mine' }), 'GOOGLE_REFUSED');
  requireInvalid(await post(url, { credential, nonce: '' }), 'nonce');
  assert.equal((await post(url, { credential, nonce: 'mine' })).status, 200, 'the wrong ones have not used it up');
  assert.equal((await post(url, { credential: issuer.credential(account, { nonce: 'mine' }) })).status, 200, 'nobody asked for it');
});

test('a token that was used is refused', async (t) => {
  const { issuer, url } = await buildGoogleApp(t);
  const credential = issuer.credential(issuer.account());
  assert.equal((await post(url, { credential })).status, 200);
  requireError(await post(url, { credential }), 'GOOGLE_REFUSED');
});

test('whatever is no text, or endless, is no credential', async (t) => {
  const { url } = await buildGoogleApp(t);
  for (const credential of [undefined, null, 1, {}, [], { $ne: '' }, 'x'.repeat(10_001)]) requireInvalid(await post(url, { credential }), 'credential');
  for (const more of [{ clientId: 'x' }, { nonce: { $ne: 'x' } }, { nonce: 'x'.repeat(201) }]) requireInvalid(await post(url, { credential: 'x', ...more }), Object.keys(more)[0] ?? '');
});

test('unverified addresses are told apart: at Google, and here', async (t) => {
  const { issuer, url, signUp } = await buildGoogleApp(t);
  await signUp('ann@example.org');
  const account = issuer.account({ email: 'ann@example.org' });
  requireError(await post(url, { credential: issuer.credential(account, { email_verified: false }) }), 'GOOGLE_EMAIL_UNVERIFIED');
  requireError(await post(url, { credential: issuer.credential(account) }), 'GOOGLE_NOT_LINKED');
});

test('a page of another origin cannot sign its visitor in as somebody else', async (t) => {
  const { issuer, url } = await buildGoogleApp(t, { env: { APP_URL: 'https://app.example.org' } });
  const credential = issuer.credential(issuer.account());
  for (const headers of [{ origin: 'https://evil.example' }, { origin: 'null' }, { 'sec-fetch-site': 'cross-site' }] as Record<string, string>[]) {
    const answer = await post(url, { credential }, headers);
    requireError(answer, 'ORIGIN_NOT_ALLOWED');
    assert.deepEqual(answer.cookies, []);
  }
  const form = await ask(url, '/auth/google', { method: 'POST', raw: `credential=${credential}`, headers: { 'content-type': 'application/x-www-form-urlencoded' } });
  requireError(form, 'UNSUPPORTED_MEDIA_TYPE');
  assert.equal((await post(url, { credential }, { origin: 'https://app.example.org' })).status, 200);
});

test('a session that was planted in the browser is replaced', async (t) => {
  const { issuer, url } = await buildGoogleApp(t);
  const [attackersAccount, annsAccount] = [issuer.account(), issuer.account()];
  const pairOf = ({ cookies }: Answer): string => cookies[0]?.split(';')[0] ?? '';
  const planted = pairOf(await post(url, { credential: issuer.credential(attackersAccount) }));
  const own = pairOf(await post(url, { credential: issuer.credential(annsAccount) }, { cookie: planted }));
  for (const [pair, account] of [[planted, attackersAccount], [own, annsAccount]] as const) {
    const browser = createBrowser(url);
    const [name = '', value = ''] = pair.split('=');
    browser.cookies.set(name, value);
    assert.equal(await browser.whoAmI(), account.email);
  }
});

test('when Google does not answer, that is said, and when to try again', async (t) => {
  const { issuer, url } = await buildGoogleApp(t);
  const credential = issuer.credential(issuer.account());
  await issuer.close();
  const answer = await post(url, { credential });
  requireError(answer, 'GOOGLE_UNAVAILABLE');
  assert.equal(answer.headers.get('retry-after'), '1');
});

test('where Google is not set up, it says so', async (t) => {
  const { url } = await buildTestApp(t);
  requireError(await post(url, { credential: 'x' }), 'GOOGLE_OFF');
});
