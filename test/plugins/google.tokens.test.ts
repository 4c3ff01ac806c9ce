/** Which ID tokens are believed, and which are not. */
import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import fc from 'fast-check';
import { AppError } from '../../src/core/errors.ts';
import { createGoogle, type Google, type GoogleOptions } from '../../src/plugins/google/index.ts';
import { forgeries } from '../helpers/forgeries.ts';
import { startIssuer, type Issuer } from '../helpers/issuer.ts';

/** Refused, and without a cause: anybody can send anything, and causes go to the log. */
function refused(error: unknown): true {
  assert.ok(error instanceof AppError, String(error));
  assert.deepEqual([error.code, error.cause], ['GOOGLE_REFUSED', undefined]);
  return true;
}

async function meet(t: TestContext, options: Partial<GoogleOptions> = {}): Promise<{ issuer: Issuer; google: Google }> {
  const issuer = await startIssuer(t);
  const { url, clientId, clientSecret } = issuer;
  return { issuer, google: createGoogle({ clientId, clientSecret, issuer: url, authorizeUrl: `${url}/auth`, tokenUrl: `${url}/token`, jwksUrl: `${url}/jwks`, ...options }) };
}

/** The issuer's key is found under these names from now on; counts how often it is asked for. */
function nameKeys(issuer: Issuer, ...names: string[]): { requests: number } {
  const counted = { requests: 0 };
  const keys = JSON.stringify({ keys: names.map((kid) => ({ ...issuer.publicKey.export({ format: 'jwk' }), kid, use: 'sig', alg: 'RS256' })) });
  issuer.replace('/jwks', (_, response) => {
    counted.requests++;
    response.end(keys);
  });
  return counted;
}

test('a token as the button gives it is believed, with a nonce or without', async (t) => {
  const { issuer, google } = await meet(t);
  const account = issuer.account();
  assert.equal((await google.verify(issuer.credential(account))).googleId, account.sub);
  assert.equal((await google.verify(issuer.credential(account, { nonce: 'a nonce' }), { nonce: 'a nonce' })).email, account.email);
  await assert.rejects(google.verify(issuer.credential(account, { nonce: 'a nonce' }), { nonce: 'another' }), refused);
});

test('a token that somebody else made, or that is meant for somebody else, or bent, is not believed', async (t) => {
  const { issuer, google } = await meet(t);
  const account = issuer.account();
  const believed: string[] = [];
  for (const [fault, token] of Object.entries(forgeries(issuer, account))) {
    await google.verify(token).then(() => believed.push(fault), refused);
  }
  assert.deepEqual(believed, []);
  await google.verify(issuer.credential(account));
});

test('whatever is sent in place of a token is refused, and nothing else happens', async (t) => {
  const { issuer, google } = await meet(t);
  const good = issuer.credential(issuer.account());
  const edited = fc.tuple(fc.nat(good.length - 1), fc.string({ minLength: 1, maxLength: 3 })).map(([at, text]) => good.slice(0, at) + text + good.slice(at + text.length));
  const json = fc.json().map((text) => Buffer.from(text).toString('base64url'));
  const parts = fc.array(fc.oneof(json, fc.base64String()), { maxLength: 6 }).map((all) => all.join('.'));
  await fc.assert(fc.asyncProperty(fc.oneof(edited, parts, fc.string()), async (token) => {
    if (token !== good) await assert.rejects(google.verify(token), refused);
  }));
});

test('a token that does not name its key is refused where there are several', async (t) => {
  const { issuer, google } = await meet(t);
  nameKeys(issuer, 'one', 'two');
  const account = issuer.account();
  await assert.rejects(google.verify(issuer.credential(account, {}, { header: { kid: undefined } })), refused);
  await google.verify(issuer.credential(account, {}, { header: { kid: 'two' } }));
});

test('clocks may differ by a minute', async (t) => {
  const { issuer, google } = await meet(t);
  const account = issuer.account();
  const now = Math.floor(Date.now() / 1000);
  await google.verify(issuer.credential(account, { iat: now + 30, exp: now + 3630 }));
  await google.verify(issuer.credential(account, { iat: now - 3630, exp: now - 30 }));
});

test('a token for several is believed if it was made for us', async (t) => {
  const { issuer, google } = await meet(t);
  const account = issuer.account();
  await google.verify(issuer.credential(account, { aud: [issuer.clientId] }));
  await google.verify(issuer.credential(account, { aud: [issuer.clientId, 'another'], azp: issuer.clientId }));
});

test('Google itself may leave out the scheme of its name', async (t) => {
  const { issuer, google } = await meet(t, { issuer: 'https://accounts.google.com' });
  const account = issuer.account();
  await google.verify(issuer.credential(account, { iss: 'https://accounts.google.com' }));
  await google.verify(issuer.credential(account, { iss: 'accounts.google.com' }));
  for (const iss of [issuer.url, 'http://accounts.google.com', 'https://accounts.google.com/']) await assert.rejects(google.verify(issuer.credential(account, { iss })), refused);
});

test('whether an address is verified is told as the issuer says it', async (t) => {
  const { issuer, google } = await meet(t);
  for (const [said, emailVerified] of [[true, true], ['true', true], [false, false], ['false', false], [undefined, false], [1, false], ['yes', false]] as const) {
    assert.equal((await google.verify(issuer.credential(issuer.account(), { email_verified: said }))).emailVerified, emailVerified, String(said));
  }
});

test('a new key of the issuer is believed, and its old one no longer', async (t) => {
  t.mock.timers.enable({ apis: ['Date'], now: Date.now() });
  const { issuer, google } = await meet(t);
  const account = issuer.account();
  const old = issuer.credential(account);
  await google.verify(old);
  issuer.rotateKey();
  t.mock.timers.tick(31_000);
  await google.verify(issuer.credential(account));
  await assert.rejects(google.verify(old), refused);
});

test('tokens under made-up keys do not make us ask for the keys again and again', async (t) => {
  t.mock.timers.enable({ apis: ['Date'], now: Date.now() });
  const { issuer, google } = await meet(t);
  const account = issuer.account();
  const counted = nameKeys(issuer, 'known');
  const flood = async (): Promise<void> => {
    const tokens = Array.from({ length: 20 }, (_, kid) => issuer.credential(account, {}, { header: { kid: String(kid) } }));
    await Promise.all(tokens.map((token) => assert.rejects(google.verify(token), refused)));
  };
  await flood();
  await flood();
  assert.equal(counted.requests, 1);
  t.mock.timers.tick(31_000);
  await flood();
  assert.equal(counted.requests, 2);
  await google.verify(issuer.credential(account, {}, { header: { kid: 'known' } }));
});
