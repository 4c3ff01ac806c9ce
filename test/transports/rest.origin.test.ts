/** Whose pages may use the refresh cookie: a browser sends it along whoever asks. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { openApiDocument } from '../../src/transports/docs/openapi.ts';
import { routes } from '../../src/transports/rest/routes.ts';
import { buildTestApp } from '../helpers/app.ts';
import { ask, requireError, type Answer } from './ask.ts';

const env = { APP_URL: 'https://app.example.org/start', CORS_ORIGINS: 'https://admin.example.org, https://Beta.example.org:443', PUBLIC_URL: 'https://chat.example.org' };
const cookieRoutes = routes.filter((route) => route.cookie);
const json = { email: 'ann@example.org', password: 'correct horse', firstName: 'Ann' };

const post = (url: string, path: string, headers: Record<string, string>, body: object = {}): Promise<Answer> => ask(url, path, { method: 'POST', json: body, headers });

test('pages of the app, of CORS_ORIGINS, of PUBLIC_URL and our own may sign in and refresh', async (t) => {
  const { url } = await buildTestApp(t, { env });
  const registered = await post(url, '/auth/register', {}, json);
  let cookie = registered.cookies[0]?.split(';')[0] ?? '';
  for (const origin of ['https://app.example.org', 'https://admin.example.org', 'https://beta.example.org', 'https://chat.example.org', url, url.replace('http', 'https')]) {
    const refreshed = await post(url, '/auth/refresh', { origin, cookie });
    assert.equal(refreshed.status, 200, origin);
    cookie = refreshed.cookies[0]?.split(';')[0] ?? '';
  }
});

test('a page of another origin cannot sign somebody in, refresh or log out, and hears so before its body is read', async (t) => {
  const { url } = await buildTestApp(t, { env });
  const registered = await post(url, '/auth/register', {}, json);
  const cookie = registered.cookies[0]?.split(';')[0] ?? '';
  const strangers = ['https://evil.example', 'null', 'http://app.example.org', 'https://app.example.org:8443', 'https://app.example.org.evil.example', 'https://evil.example.org', 'https://app.example.org, https://evil.example', 'https://', '', 'file://', `${url}0`];
  for (const { method, path } of cookieRoutes) {
    for (const origin of strangers) {
      const answer = await ask(url, path, { method, raw: '{ not JSON', headers: { origin, cookie, 'content-type': 'application/json', 'sec-fetch-site': 'same-origin' } });
      requireError(answer, 'ORIGIN_NOT_ALLOWED');
      assert.deepEqual(answer.cookies, []);
    }
  }
  const { firstName: _firstName, ...credentials } = json;
  requireError(await post(url, '/auth/login', { origin: 'https://evil.example' }, credentials), 'ORIGIN_NOT_ALLOWED');
  assert.equal((await post(url, '/auth/refresh', { cookie })).status, 200, 'the session lives on');
});

test('without an Origin it is the same site or no page at all', async (t) => {
  const { url } = await buildTestApp(t, { env });
  for (const { method, path } of cookieRoutes) {
    const from = (headers: Record<string, string>): Promise<Answer> => ask(url, path, { method, raw: '{ not JSON', headers: { 'content-type': 'application/json', ...headers } });
    for (const site of ['cross-site', 'same-site', 'Same-Origin', 'x', '']) requireError(await from({ 'sec-fetch-site': site }), 'ORIGIN_NOT_ALLOWED');
    for (const headers of [{ 'sec-fetch-site': 'same-origin' }, { 'sec-fetch-site': 'none' }, {}]) requireError(await from(headers), 'MALFORMED_JSON');
  }
});

test('where TLS is known to be in front, a page of our host without it is a stranger', async (t) => {
  const { url } = await buildTestApp(t, { env: { ...env, TRUSTED_PROXIES: '127.0.0.1' } });
  const registered = await post(url, '/auth/register', { origin: url }, json);
  assert.equal(registered.status, 201);
  const proxied = { 'x-forwarded-proto': 'https', cookie: registered.cookies[0]?.split(';')[0] ?? '' };
  requireError(await post(url, '/auth/refresh', { ...proxied, origin: url }), 'ORIGIN_NOT_ALLOWED');
  assert.equal((await post(url, '/auth/refresh', { ...proxied, origin: url.replace('http', 'https') })).status, 200);
});

test('where no cookie is used, the origin does not matter', async (t) => {
  const { url, person } = await buildTestApp(t, { env });
  const { accessToken: token } = await person('Ann');
  assert.equal((await ask(url, '/user/me', { token, headers: { origin: 'https://evil.example' } })).status, 200);
});

test('the document tells of it where the cookie is used, and only there', () => {
  const { paths } = openApiDocument('http://127.0.0.1:3000') as { paths: Record<string, Record<string, { responses: Record<string, { description: string }> }>> };
  for (const { method, path, cookie = false } of routes) {
    const { responses } = paths[path.replace(/:(\w+)/g, '{$1}')]?.[method.toLowerCase()] ?? { responses: {} };
    assert.equal(responses['403']?.description.includes('`ORIGIN_NOT_ALLOWED`') ?? false, cookie, `${method} ${path}`);
  }
});
