/** What the log of a whole server says of requests when it says everything. */
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { WebSocket } from 'ws';
import { freshDatabase } from '../helpers/app.ts';
import { freePort, startServer } from '../helpers/process.ts';
import { wrap } from '../helpers/socket.ts';
import { ask } from './ask.ts';

test('no query, token, cookie or password is logged, even when everything is', async (t) => {
  const dataDir = await mkdtemp(join(tmpdir(), 'parley-log-'));
  t.after(() => rm(dataDir, { recursive: true, force: true }));
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const server = await startServer(dataDir, port, { LOG_LEVEL: 'trace', MONGODB_URI: freshDatabase(t) });
  t.after(() => server.kill('SIGKILL'));

  const password = 'secret-password-1';
  const registered = await ask(url, '/auth/register', { method: 'POST', json: { email: 'ann@example.org', password, firstName: 'Ann' } });
  const { accessToken: token } = registered.body as { accessToken: string };
  const cookie = registered.cookies[0]?.split(';')[0] ?? '';
  await ask(url, '/user?search=secret-query-1', { token, headers: { cookie, 'x-forwarded-for': 'secret-header-1' } });
  await fetch(`${url}/reset-password?token=secret-query-2`);
  await fetch(`${url}/verify-email`, { method: 'POST', body: new URLSearchParams({ token: 'secret-form-1'.padEnd(43, '-') }) });
  await fetch(`${url}/auth/google/callback?code=secret-query-3&state=x`, { headers: { cookie } });
  await ask(url, '/user/%zz?token=secret-query-4');
  await ask(url, '/auth/login?token=secret-query-5', { method: 'POST', raw: '{"password":"secret-password-2', headers: { 'content-type': 'application/json' } });
  const refreshed = await ask(url, '/auth/refresh', { method: 'POST', json: {}, headers: { cookie } });
  const socket = new WebSocket(`ws://127.0.0.1:${port}/ws?token=secret-query-6`, ['parley', token]);
  t.after(() => socket.terminate());
  await wrap(socket).next('connection.ready');
  const refused = new WebSocket(`ws://127.0.0.1:${port}/ws?token=secret-query-7`, ['parley', 'secret-subprotocol-1']);
  await new Promise((resolve) => refused.once('error', resolve));
  await server.kill('SIGTERM');

  const log = server.output();
  for (const path of ['/user', '/reset-password', '/verify-email', '/auth/google/callback', '/user/%zz', '/auth/login', '/auth/refresh', '/ws']) assert.ok(log.includes(`"path":"${path}"`), path);
  const again = refreshed.cookies[0]?.split(';')[0]?.split('=')[1] ?? '';
  for (const secret of [token, cookie.split('=')[1] ?? '', again, password]) {
    assert.ok(secret.length > 10);
    assert.equal(log.includes(secret), false, secret);
  }
  assert.doesNotMatch(log, /secret-|[?]|bearer/i);
});
