/** Requests of the browser app at APP_URL, which is of another origin. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { routes } from '../../src/transports/rest/routes.ts';
import { buildTestApp } from '../helpers/app.ts';

const appUrl = 'https://app.example.org';

test('the browser app may use every route, with cookies; nobody else\'s page may', async (t) => {
  const { url } = await buildTestApp(t, { env: { APP_URL: appUrl } });
  for (const { method, path } of routes) {
    const preflight = (origin: string): Promise<Response> =>
      fetch(`${url}${path}`, { method: 'OPTIONS', headers: { origin, 'access-control-request-method': method, 'access-control-request-headers': 'authorization,content-type' } });
    const { headers } = await preflight(appUrl);
    assert.equal(headers.get('access-control-allow-origin'), appUrl);
    assert.equal(headers.get('access-control-allow-credentials'), 'true');
    assert.ok(headers.get('access-control-allow-methods')?.split(/, */).includes(method), `${method} ${path}`);
    assert.notEqual((await preflight('https://evil.example')).headers.get('access-control-allow-origin'), 'https://evil.example');
  }
});
