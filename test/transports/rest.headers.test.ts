/** What every answer tells a browser to do with it. */
import assert from 'node:assert/strict';
import { connect as connectTo } from 'node:net';
import { text } from 'node:stream/consumers';
import { test } from 'node:test';
import type { ErrorCode } from '../../src/core/errors.ts';
import { buildTestApp } from '../helpers/app.ts';
import { ask, exchange, parseAnswer, requireError, type Answer, type Asking } from './ask.ts';

const expected = {
  'content-security-policy': "default-src 'none';frame-ancestors 'none'",
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
};

function requireGuarded({ headers }: Answer, what: string): void {
  assert.deepEqual(Object.fromEntries(Object.keys(expected).map((name) => [name, headers.get(name)])), expected, what);
}

const refusals: [ErrorCode, string, Asking?][] = [
  ['NOT_FOUND', '/nowhere'],
  ['NOT_FOUND', '/ws'],
  ['UNAUTHENTICATED', '/user/me'],
  ['BAD_REQUEST', '/user/%zz'],
  ['MALFORMED_JSON', '/auth/login', { method: 'POST', raw: '{', headers: { 'content-type': 'application/json' } }],
  ['VALIDATION_FAILED', '/auth/login', { method: 'POST', json: {} }],
  ['UNSUPPORTED_MEDIA_TYPE', '/auth/login', { method: 'POST', raw: 'x', headers: { 'content-type': 'text/plain' } }],
  ['PAYLOAD_TOO_LARGE', '/auth/login', { method: 'POST', json: { password: 'x'.repeat(300_000) } }],
  ['ORIGIN_NOT_ALLOWED', '/auth/login', { method: 'POST', json: {}, headers: { origin: 'https://evil.example' } }],
];

test('what an operation answers is for no cache, well or not', async (t) => {
  const { url, person } = await buildTestApp(t);
  const { accessToken: token, email, password } = await person('Ann');
  const answers = [await ask(url, '/auth/login', { method: 'POST', json: { email, password } }), await ask(url, '/user/me', { token }), await ask(url, '/user/me')];
  assert.deepEqual(answers.map(({ headers }) => headers.get('cache-control')), ['no-store', 'no-store', 'no-store']);
});

test('every answer is data for whoever asked: no page, no frame, no guess at its type', async (t) => {
  const { url } = await buildTestApp(t);
  for (const path of ['/healthz', '/openapi.json']) requireGuarded(await ask(url, path), path);
  for (const [code, path, asking] of refusals) {
    const answer = await ask(url, path, asking);
    requireError(answer, code);
    requireGuarded(answer, code);
  }
  requireGuarded(parseAnswer(await exchange(url, 'hello, is anybody there?\r\n\r\n')), 'what is no HTTP');
});

test('so are the refusals of a server that closes', async (t) => {
  const { url, close } = await buildTestApp(t);
  const connection = connectTo(Number(new URL(url).port), '127.0.0.1');
  t.after(() => connection.destroy());
  connection.write('GET /healthz HTTP/1.1\r\nHost: x\r\n');
  // An answer on a connection made later says that the beginning has been read.
  await ask(url, '/healthz');
  const closed = close();
  connection.write('\r\n');
  const answer = parseAnswer(await text(connection));
  requireError(answer, 'SHUTTING_DOWN');
  requireGuarded(answer, 'SHUTTING_DOWN');
  await closed;
});

test('browsers keep to HTTPS once PUBLIC_URL does, and only then', async (t) => {
  const plain = await buildTestApp(t);
  assert.equal((await ask(plain.url, '/healthz')).headers.get('strict-transport-security'), null);
  const secure = await buildTestApp(t, { env: { PUBLIC_URL: 'https://chat.example.org' } });
  assert.equal((await ask(secure.url, '/healthz')).headers.get('strict-transport-security'), 'max-age=31536000');
});

test('the page of the documents has a policy under which it works', async (t) => {
  const { url } = await buildTestApp(t, { env: { PUBLIC_URL: 'https://chat.example.org' } });
  const page = await fetch(`${url}/docs`);
  assert.equal(page.status, 200);
  const policy = page.headers.get('content-security-policy') ?? '';
  for (const directive of ["default-src 'self'", "connect-src 'self' https://chat.example.org", "style-src 'self' 'unsafe-inline'"]) assert.ok(policy.includes(directive), policy);
  assert.doesNotMatch(policy, /default-src 'none'/);
  const scripts = [...(await page.text()).matchAll(/src="([^"]+\.js)"/g)].map((found) => found[1] ?? '');
  assert.ok(scripts.length > 0);
  for (const script of scripts) assert.equal((await fetch(new URL(script, `${url}/docs/`))).status, 200, script);
});
