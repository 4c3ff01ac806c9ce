/** Requests of pages of other origins: the browser app at APP_URL, those of CORS_ORIGINS, and strangers. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { routes } from '../../src/transports/rest/routes.ts';
import { buildTestApp } from '../helpers/app.ts';
import { ask, requireError, type Answer } from './ask.ts';

const app = 'https://app.example.org';
const admin = 'https://admin.example.org:8443';
const env = { APP_URL: `${app}/start`, CORS_ORIGINS: `${admin}, ${app}` };

const ofCors = (headers: Headers): string[] => [...headers.keys()].filter((name) => name.startsWith('access-control-'));

function preflight(url: string, path: string, method: string, origin: string): Promise<Answer> {
  return ask(url, path, { method: 'OPTIONS', headers: { origin, 'access-control-request-method': method, 'access-control-request-headers': 'authorization,content-type' } });
}

test('pages of the app and of CORS_ORIGINS may use every route, with cookies, and need not ask again at once', async (t) => {
  const { url } = await buildTestApp(t, { env });
  for (const origin of [app, admin]) {
    for (const { method, path } of routes) {
      const { status, headers } = await preflight(url, path, method, origin);
      assert.equal(status, 204);
      assert.equal(headers.get('access-control-allow-origin'), origin);
      assert.equal(headers.get('access-control-allow-credentials'), 'true');
      assert.equal(headers.get('access-control-allow-headers'), 'authorization,content-type');
      assert.equal(headers.get('access-control-max-age'), '7200');
      assert.ok(headers.get('access-control-allow-methods')?.split(/, */).includes(method), `${method} ${path}`);
    }
  }
});

test('they may read answers and refusals, and when to come back', async (t) => {
  const { url, person } = await buildTestApp(t, { env });
  const { accessToken: token } = await person('Ann');
  for (const path of ['/user/me', '/nowhere', '/user/x']) {
    const { headers } = await ask(url, path, { token, headers: { origin: admin } });
    assert.equal(headers.get('access-control-allow-origin'), admin);
    assert.equal(headers.get('access-control-allow-credentials'), 'true');
    assert.equal(headers.get('access-control-expose-headers'), 'retry-after, ratelimit-limit, ratelimit-remaining, ratelimit-reset, tus-resumable, tus-version, upload-offset, upload-length');
    assert.match(headers.get('vary') ?? '', /\borigin\b/i);
  }
});

test('pages of other origins are told nothing', async (t) => {
  const { url } = await buildTestApp(t, { env });
  for (const origin of ['https://evil.example', 'null', 'http://app.example.org', 'https://admin.example.org', `${app}.evil.example`, `${app}/start`]) {
    const asked = await preflight(url, '/user/me', 'GET', origin);
    requireError(asked, 'NOT_FOUND');
    assert.deepEqual(ofCors(asked.headers), []);
    assert.deepEqual(ofCors((await ask(url, '/healthz', { headers: { origin } })).headers), []);
  }
});

test('OPTIONS that asks for nothing is answered as everything is', async (t) => {
  const { url } = await buildTestApp(t, { env });
  assert.equal((await ask(url, '/user/me', { method: 'OPTIONS', headers: { origin: app } })).status, 204);
  requireError(await ask(url, '/user/me', { method: 'OPTIONS' }), 'NOT_FOUND');
});

test('without APP_URL and CORS_ORIGINS no page of another origin is let in', async (t) => {
  const { url } = await buildTestApp(t);
  const asked = await preflight(url, '/user/me', 'GET', app);
  requireError(asked, 'NOT_FOUND');
  assert.deepEqual(ofCors(asked.headers), []);
  const { headers } = await ask(url, '/healthz', { headers: { origin: app } });
  assert.deepEqual([ofCors(headers), headers.get('vary')], [[], null]);
});
