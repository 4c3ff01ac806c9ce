/** Signing in with Google, as far as Google has a part in it: there with a challenge, back with a code, who it is. */
import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { test, type TestContext } from 'node:test';
import { readConfig } from '../../src/config.ts';
import { createGoogle, type Google } from '../../src/plugins/google/index.ts';
import { startIssuer, type Issuer, type IssuerAccount } from '../helpers/issuer.ts';

const redirectUri = 'http://127.0.0.1:1/auth/google/callback';
const refused = { name: 'AppError', code: 'GOOGLE_REFUSED' };

/** The issuer, and Parley's side of it as configured by its environment. */
async function meet(t: TestContext): Promise<{ issuer: Issuer; google: Google }> {
  const issuer = await startIssuer(t, [redirectUri]);
  const { google } = readConfig(issuer.env);
  assert.ok(google);
  return { issuer, google: createGoogle(google) };
}

interface Journey {
  url: string;
  state: string;
  nonce: string;
  codeVerifier: string;
}

/** What a browser is sent away with. */
function setOut(google: Google): Journey {
  const [state, nonce, codeVerifier] = [16, 16, 32].map((bytes) => randomBytes(bytes).toString('base64url')) as [string, string, string];
  return { state, nonce, codeVerifier, url: google.authorizationUrl({ redirectUri, state, nonce, codeVerifier }) };
}

/** A journey that has come back with a code. */
async function goThere(google: Google, issuer: Issuer, account: IssuerAccount = issuer.account()): Promise<Journey & { code: string; back: URL }> {
  const journey = setOut(google);
  const back = await issuer.signIn(journey.url, account);
  return { ...journey, back, code: back.searchParams.get('code') ?? '' };
}

test('people sign in through the pages of the issuer, and are who they are there', async (t) => {
  const { issuer, google } = await meet(t);
  const account = issuer.account({ given_name: 'Zoë', family_name: 'Ångström', picture: 'https://pictures.example.org/zoe.jpg', locale: 'ru' });
  const { back, code, state, nonce, codeVerifier } = await goThere(google, issuer, account);
  assert.equal(back.origin + back.pathname, redirectUri);
  assert.equal(back.searchParams.get('state'), state);
  const { issuedAt, ...profile } = await google.verify(await google.exchange({ code, redirectUri, codeVerifier }), { nonce });
  assert.deepEqual(profile, {
    googleId: account.sub,
    email: account.email,
    emailVerified: true,
    firstName: 'Zoë',
    lastName: 'Ångström',
    photoUrl: 'https://pictures.example.org/zoe.jpg',
    language: 'ru',
  });
  assert.ok(issuedAt instanceof Date && issuedAt.getTime() <= Date.now());
});

test('a browser is sent away with the hash of the verifier, never the verifier or the secret', () => {
  const options = { clientId: 'us', clientSecret: 'our secret', issuer: 'https://a.example', authorizeUrl: 'https://a.example/auth?tenant=1', tokenUrl: 'https://a.example/token', jwksUrl: 'https://a.example/jwks' };
  const url = new URL(createGoogle(options).authorizationUrl({ redirectUri, state: 'the state', nonce: 'the nonce', codeVerifier: 'the verifier', language: 'ru' }));
  assert.deepEqual(Object.fromEntries(url.searchParams), {
    tenant: '1',
    response_type: 'code',
    client_id: 'us',
    redirect_uri: redirectUri,
    scope: 'openid email profile',
    state: 'the state',
    nonce: 'the nonce',
    code_challenge: createHash('sha256').update('the verifier').digest('base64url'),
    code_challenge_method: 'S256',
    prompt: 'select_account',
    ui_locales: 'ru',
    hl: 'ru',
  });
});

test('people may think better of it at the issuer', async (t) => {
  const { issuer, google } = await meet(t);
  const { url, state } = setOut(google);
  const { searchParams } = await issuer.cancel(url);
  assert.deepEqual([searchParams.get('error'), searchParams.get('state'), searchParams.get('code')], ['access_denied', state, null]);
});

test('the issuer sends nobody anywhere but to the places registered there, and nobody without a challenge', async (t) => {
  const { issuer, google } = await meet(t);
  const url = new URL(setOut(google).url);
  url.searchParams.delete('code_challenge');
  url.searchParams.delete('code_challenge_method');
  assert.equal((await issuer.signIn(url.href, issuer.account())).searchParams.get('error'), 'invalid_request');
  const elsewhere = new URL(setOut(google).url);
  elsewhere.searchParams.set('redirect_uri', 'http://127.0.0.1:2/');
  await assert.rejects(issuer.signIn(elsewhere.href, issuer.account()), /redirect_uri/);
});

test('a code is good once', async (t) => {
  const { issuer, google } = await meet(t);
  const { code, codeVerifier } = await goThere(google, issuer);
  await google.exchange({ code, redirectUri, codeVerifier });
  await assert.rejects(google.exchange({ code, redirectUri, codeVerifier }), refused);
  assert.deepEqual(issuer.tokenRequests.map(({ status }) => status), [200, 400]);
});

test('a code is good with the verifier that its challenge was made of only', async (t) => {
  const { issuer, google } = await meet(t);
  const other = setOut(google);
  const wrong = [
    () => other.codeVerifier,
    (verifier: string) => verifier.toUpperCase(),
    (verifier: string) => createHash('sha256').update(verifier).digest('base64url'),
    () => 'short',
    () => '',
  ];
  for (const makeWrong of wrong) {
    const { code, codeVerifier } = await goThere(google, issuer);
    await assert.rejects(google.exchange({ code, redirectUri, codeVerifier: makeWrong(codeVerifier) }), refused);
  }
});

test('a code is good for the place it was sent to only', async (t) => {
  const { issuer, google } = await meet(t);
  issuer.allow(`${redirectUri}/2`);
  const { code, codeVerifier } = await goThere(google, issuer);
  await assert.rejects(google.exchange({ code, redirectUri: `${redirectUri}/2`, codeVerifier }), refused);
});

test('a code that was never given is refused', async (t) => {
  const { issuer, google } = await meet(t);
  const { codeVerifier } = await goThere(google, issuer);
  for (const code of ['', 'guessed', '\0', '&client_id=other', 'x'.repeat(5000)]) {
    await assert.rejects(google.exchange({ code, redirectUri, codeVerifier }), refused);
  }
});

test('a nonce that is asked for has to be in the token', async (t) => {
  const { issuer, google } = await meet(t);
  const [mine, other] = [await goThere(google, issuer), await goThere(google, issuer)];
  const idToken = await google.exchange({ code: mine.code, redirectUri, codeVerifier: mine.codeVerifier });
  await assert.rejects(google.verify(idToken, { nonce: other.nonce }), refused);
  await assert.rejects(google.verify(idToken, { nonce: '' }), refused);
  await assert.rejects(google.verify(issuer.credential(issuer.account()), { nonce: mine.nonce }), refused);
  await google.verify(idToken, { nonce: mine.nonce });
});

test('a wrong secret is our own fault and says so, to the log', async (t) => {
  const { issuer } = await meet(t);
  const { google: options } = readConfig({ ...issuer.env, GOOGLE_CLIENT_SECRET: 'another' });
  assert.ok(options);
  const google = createGoogle(options);
  const { code, codeVerifier } = await goThere(google, issuer);
  await assert.rejects(google.exchange({ code, redirectUri, codeVerifier }), { name: 'Error', message: /invalid_client: are GOOGLE_CLIENT_ID/ });
});
