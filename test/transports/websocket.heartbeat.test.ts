/** How the server finds out that a peer is gone. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { test } from 'node:test';
import { buildTestApp } from '../helpers/app.ts';
import { openSocket } from '../helpers/socket.ts';

test('a peer that answers no ping is let go; one that does stays', async (t) => {
  const { url, person } = await buildTestApp(t, { heartbeatMilliseconds: 200 });
  const [ann, bob] = await Promise.all([person('Ann'), person('Bob')]);
  const [silent, alive] = await Promise.all([openSocket(t, url, ann.accessToken, { autoPong: false }), bob.socket()]);
  const pings = { silent: 0, alive: 0 };
  silent.webSocket.on('ping', () => (pings.silent += 1));
  alive.webSocket.on('ping', () => (pings.alive += 1));

  assert.equal((await silent.closed).code, 1006);
  assert.ok(pings.silent >= 1, 'it was asked before it was let go');
  for (const beyond = pings.alive + 3; pings.alive < beyond; ) await once(alive.webSocket, 'ping');
  assert.equal(((await alive.call('users.me')) as { id: string }).id, bob.id);
});
