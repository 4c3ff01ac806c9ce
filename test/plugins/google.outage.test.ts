/** What becomes of a sign-in when Google does not answer, or answers nonsense. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { test, type TestContext } from 'node:test';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { readConfig } from '../../src/config.ts';
import { createGoogle, type Google } from '../../src/plugins/google/index.ts';
import { startIssuer, type Issuer } from '../helpers/issuer.ts';

const unavailable = { name: 'AppError', code: 'GOOGLE_UNAVAILABLE' };
const anyCode = { code: 'a code', redirectUri: 'http://127.0.0.1:1/', codeVerifier: 'a verifier' };

async function meet(t: TestContext): Promise<{ issuer: Issuer; google: Google }> {
  const issuer = await startIssuer(t);
  const { google } = readConfig(issuer.env);
  assert.ok(google);
  return { issuer, google: createGoogle(google) };
}

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

/** Neither a code is traded nor a token verified. */
async function requireUnavailable({ issuer, google }: { issuer: Issuer; google: Google }): Promise<void> {
  const credential = issuer.credential(issuer.account());
  await Promise.all([assert.rejects(google.exchange(anyCode), unavailable), assert.rejects(google.verify(credential), unavailable)]);
}

const answers: Record<string, RequestListener> = {
  'an error of its own': (_, response) => response.writeHead(500).end('{"error":"invalid_grant"}'),
  'that it is too busy': (_, response) => response.writeHead(503).end(),
  'that we ask too often': (_, response) => response.writeHead(429).end('{"error":"rate_limit_exceeded"}'),
  'a page': (_, response) => response.writeHead(200, { 'content-type': 'text/html' }).end('<!doctype html><title>Log in to the Wi-Fi</title>'),
  'JSON that says nothing': (_, response) => response.end('{}'),
  'nothing': (_, response) => response.end(),
  'null': (_, response) => response.end('null'),
  'that there is no such page': (_, response) => response.writeHead(404).end('Not found'),
  'another address': (_, response) => response.writeHead(307, { location: '/nowhere' }).end(),
  'half of it, then hangs up': (_, response) => {
    response.writeHead(200, { 'content-length': 100 }).write('{"id_token":');
    setImmediate(() => response.destroy());
  },
};

for (const [what, listener] of Object.entries(answers)) {
  test(`Google counts as unavailable when it answers ${what}`, async (t) => {
    const parts = await meet(t);
    for (const path of ['/token', '/jwks']) parts.issuer.replace(path, listener);
    await requireUnavailable(parts);
  });
}

test('Google counts as unavailable when its answer has no end, and we do not wait for one', async (t) => {
  const parts = await meet(t);
  let bytes = 0;
  const answer: RequestListener = (_, response) => {
    const more = (): void => {
      if (response.destroyed) return;
      bytes += 65_536;
      if (response.write(' '.repeat(65_536))) setImmediate(more);
      else response.once('drain', more);
    };
    more();
  };
  for (const path of ['/token', '/jwks']) parts.issuer.replace(path, answer);
  await requireUnavailable(parts);
  assert.ok(bytes < 32 * 1024 * 1024, `${bytes} bytes were sent`);
});

test('Google counts as unavailable when nobody is there', async (t) => {
  const parts = await meet(t);
  await parts.issuer.close();
  await requireUnavailable(parts);
});

test('Google counts as unavailable when it is silent, or goes silent after its headers or in the middle, and we hang up', async (t) => {
  const listeners: RequestListener[] = [() => undefined, (_, response) => response.flushHeaders(), (_, response) => response.write('{')];
  // What nobody holds on to must not be what ends the waiting.
  const collecting = setInterval(collectGarbage, 100);
  t.after(() => clearInterval(collecting));
  await Promise.all(
    listeners.map(async (listener) => {
      const parts = await meet(t);
      const hungUp: Promise<unknown>[] = [];
      for (const path of ['/token', '/jwks']) {
        parts.issuer.replace(path, (request, response) => {
          hungUp.push(once(response, 'close'));
          listener(request, response);
        });
      }
      await requireUnavailable(parts);
      assert.equal(hungUp.length, 2);
      await Promise.all(hungUp);
    }),
  );
});

test('the secret is taken nowhere else, even if Google says so', async (t) => {
  const parts = await meet(t);
  let visits = 0;
  const elsewhere = createServer((_, response) => {
    visits++;
    response.end('{}');
  }).listen(0, '127.0.0.1');
  t.after(() => elsewhere.close());
  await once(elsewhere, 'listening');
  const location = `http://127.0.0.1:${(elsewhere.address() as AddressInfo).port}/`;
  for (const path of ['/token', '/jwks']) parts.issuer.replace(path, (_, response) => response.writeHead(307, { location }).end());
  await requireUnavailable(parts);
  assert.equal(visits, 0);
});

test('the reason is kept for the log, and does not tell the secret', async (t) => {
  const { issuer, google } = await meet(t);
  await issuer.close();
  await assert.rejects(google.exchange(anyCode), ({ cause }: { cause: Error }) => {
    assert.match(cause.message, /No good answer from http:.*\/token/);
    let written = '';
    for (let reason: unknown = cause; reason instanceof Error; reason = reason.cause) written += `${reason.stack ?? ''}${JSON.stringify(reason)}`;
    assert.match(written, /ECONNREFUSED/);
    assert.ok(!written.includes(issuer.clientSecret));
    return true;
  });
});

test('a sign-in works again once Google is back', async (t) => {
  const { issuer, google } = await meet(t);
  const account = issuer.account();
  const keys = JSON.stringify({ keys: [{ ...issuer.publicKey.export({ format: 'jwk' }), kid: 'one', alg: 'RS256' }] });
  let isBack = false;
  issuer.replace('/jwks', (_, response) => (isBack ? response.end(keys) : response.writeHead(500).end()));
  const credential = issuer.credential(account, {}, { header: { kid: 'one' } });
  await assert.rejects(google.verify(credential), unavailable);
  isBack = true;
  assert.equal((await google.verify(credential)).googleId, account.sub);
});

test('a Google that is not reached over TLS is refused at the start, but on this machine', () => {
  const options = { clientId: 'us', clientSecret: 'secret', issuer: 'http://a.example', authorizeUrl: 'https://a.example', tokenUrl: 'https://a.example', jwksUrl: 'https://a.example' };
  createGoogle(options);
  for (const [key, name] of [['authorizeUrl', 'GOOGLE_AUTHORIZE_URL'], ['tokenUrl', 'GOOGLE_TOKEN_URL'], ['jwksUrl', 'GOOGLE_JWKS_URL']] as const) {
    for (const address of ['http://a.example', 'http://127.0.0.1.a.example', 'http://localhost.a.example', 'http://10.0.0.1']) {
      assert.throws(() => createGoogle({ ...options, [key]: address }), { name: 'StartupError', message: new RegExp(name) }, address);
    }
    for (const address of ['http://127.0.0.1:9000', 'http://localhost', 'http://[::1]:9000']) createGoogle({ ...options, [key]: address });
  }
});
