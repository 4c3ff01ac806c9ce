/** How many websockets one person may have open, and how often they may open one. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import { text } from 'node:stream/consumers';
import { test, type TestContext } from 'node:test';
import { WebSocket } from 'ws';
import { buildTestApp } from '../helpers/app.ts';
import type { TestSocket } from '../helpers/socket.ts';
import { until } from '../helpers/until.ts';

const most = 50;

interface Refusal {
  status: number | undefined;
  retryAfter: string | undefined;
  code: string;
  details: object;
}

/** Undefined for a socket that opens; otherwise how it was refused. */
async function attempt(t: TestContext, url: string, token: string): Promise<Refusal | undefined> {
  const webSocket = new WebSocket(`${url.replace('http', 'ws')}/ws`, { headers: { authorization: `Bearer ${token}` } });
  t.after(() => webSocket.terminate());
  webSocket.on('error', () => undefined);
  const [, response] = (await Promise.race([once(webSocket, 'open'), once(webSocket, 'unexpected-response')])) as [unknown, IncomingMessage | undefined];
  if (!response) return undefined;
  const { code, details } = JSON.parse(await text(response)) as { code: string; details: object };
  return { status: response.statusCode, retryAfter: response.headers['retry-after'], code, details };
}

test('one person may have 50 websockets; one more is refused before it opens, until one of them closes', async (t) => {
  const { app, url, person } = await buildTestApp(t);
  const [ann, bob] = await Promise.all([person('Ann'), person('Bob')]);
  const sockets: TestSocket[] = await Promise.all(Array.from({ length: most }, () => ann.socket()));
  const refused: Refusal = { status: 429, retryAfter: '1', code: 'TOO_MANY_CONNECTIONS', details: { maximum: most } };
  assert.deepEqual(await attempt(t, url, ann.accessToken), refused);
  await bob.socket();
  for (const socket of sockets) await socket.call('users.me');
  sockets[0]?.webSocket.close();
  await until('the server knows of the close', () => app.websocketServer.clients.size === most);
  await until('there is room again', async () => (await attempt(t, url, ann.accessToken)) === undefined);
  assert.deepEqual(await attempt(t, url, ann.accessToken), refused);
});

test('of however many that come at once 50 are opened, and those that are refused take no place', async (t) => {
  const { url, person } = await buildTestApp(t);
  const ann = await person('Ann');
  const attempts = await Promise.all(Array.from({ length: most + 20 }, () => attempt(t, url, ann.accessToken)));
  assert.equal(attempts.filter((refusal) => refusal === undefined).length, most);
});

test('one person may open 100 websockets at once and 60 a minute; beyond that they are told how long to wait, and others are not', async (t) => {
  let time = 0;
  const { app, url, person } = await buildTestApp(t, { env: { RATE_SCALE: '1' }, clock: () => time });
  const [ann, bob] = await Promise.all([person('Ann'), person('Bob')]);
  for (let round = 0; round < 2; round++) {
    assert.deepEqual(await Promise.all(Array.from({ length: most }, () => attempt(t, url, ann.accessToken))), Array.from({ length: most }, () => undefined));
    for (const webSocket of app.websocketServer.clients) webSocket.terminate();
    await until('the server knows of the closes', () => app.websocketServer.clients.size === 0);
  }
  const refused: Refusal = { status: 429, retryAfter: '1', code: 'RATE_LIMITED', details: { limit: 100, retryAfter: 1 } };
  assert.deepEqual(await attempt(t, url, ann.accessToken), refused);
  assert.equal(await attempt(t, url, bob.accessToken), undefined);
  time += 1000;
  assert.equal(await attempt(t, url, ann.accessToken), undefined);
  assert.deepEqual(await attempt(t, url, ann.accessToken), refused);
});
