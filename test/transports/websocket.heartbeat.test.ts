/** How the server finds out that a peer is gone, and does not take one for gone that is busy or slow. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { Socket } from 'node:net';
import { test, type TestContext } from 'node:test';
import { WebSocket, type ClientOptions } from 'ws';
import { buildTestApp, type TestApp } from '../helpers/app.ts';
import { makeCertificate } from '../helpers/certificate.ts';
import type { Person } from '../helpers/people.ts';
import { openSocket, wrap } from '../helpers/socket.ts';
import { until } from '../helpers/until.ts';

const heartbeatMilliseconds = 200;
/** 32 KB of UTF-8. */
const longText = '🐘'.repeat(8000);

test('a peer from which nothing comes is let go; one that answers pings stays', async (t) => {
  const { url, person } = await buildTestApp(t, { heartbeatMilliseconds });
  const [ann, bob] = await Promise.all([person('Ann'), person('Bob')]);
  const alive = await bob.socket();
  const silent = new WebSocket(`${url.replace('http', 'ws')}/ws`, { headers: { authorization: `Bearer ${ann.accessToken}` }, autoPong: false });
  t.after(() => silent.terminate());
  const pings = { silent: 0, alive: 0 };
  silent.on('ping', () => (pings.silent += 1));
  alive.webSocket.on('ping', () => (pings.alive += 1));

  assert.equal((await wrap(silent).closed).code, 1006);
  assert.ok(pings.silent >= 1, 'it was asked before it was let go');
  for (const beyond = pings.alive + 3; pings.alive < beyond; ) await once(alive.webSocket, 'ping');
  assert.equal(((await alive.call('users.me')) as { id: string }).id, bob.id);
});

test('whatever a peer says is a sign of life, not only its pongs', async (t) => {
  const { url, person } = await buildTestApp(t, { heartbeatMilliseconds });
  const { webSocket } = await openSocket(t, url, (await person('Ann')).accessToken, { autoPong: false });
  let pings = 0;
  webSocket.on('ping', () => {
    pings += 1;
    webSocket.send(JSON.stringify({ jsonrpc: '2.0', method: 'users.me' }));
  });
  await until('it was pinged for the fifth time', () => pings === 5);
});

const requests = 30;

/** A connection whose peer asks for 30 MB and reads as it is told to, once the server has stopped reading it. */
async function askForTooMuch(t: TestContext, { url, app, person }: TestApp, options: ClientOptions, read: (peer: WebSocket, serverSide: WebSocket) => void): Promise<{ ann: Person; serverSide: WebSocket }> {
  const ann = await person('Ann');
  const { chatId } = await ann.call('messages.send', { to: ann.id, text: longText });
  await Promise.all(Array.from({ length: 31 }, () => ann.call('messages.send', { chatId, text: longText })));
  const peer = new WebSocket(`${url.replace('http', 'ws')}/ws`, { headers: { authorization: `Bearer ${ann.accessToken}` }, skipUTF8Validation: true, ...options });
  t.after(() => peer.terminate());
  await once(peer, 'message');
  const [serverSide] = app.websocketServer.clients;
  assert.ok(serverSide);
  read(peer, serverSide);
  for (let id = 1; id <= requests; id++) peer.send(JSON.stringify({ jsonrpc: '2.0', id, method: 'messages.sync', params: {} }));
  await until('the server stops reading', () => serverSide.isPaused && serverSide.bufferedAmount > 0);
  return { ann, serverSide };
}

/** The two wires, for which node:net counts differently what a peer has taken. */
const wires: Record<string, (t: TestContext) => Promise<{ env: Record<string, string>; options: ClientOptions }>> = {
  'over plain TCP': async () => ({ env: {}, options: {} }),
  'over TLS': async (t) => {
    const { env, pem } = await makeCertificate(t);
    return { env, options: { ca: pem } };
  },
};

for (const [wire, secure] of Object.entries(wires)) {
  test(`a peer that takes no byte of its answers is let go, though it is not read, ${wire}`, async (t) => {
    const { env, options } = await secure(t);
    const { serverSide } = await askForTooMuch(t, await buildTestApp(t, { heartbeatMilliseconds, env }), options, (peer) => peer.pause());
    await until('it is let go', () => serverSide.readyState === WebSocket.CLOSED);
  });

  test(`a peer that takes its answers slowly stays, though it is not read for longer than a silent one would stay, ${wire}`, async (t) => {
    const { env, options } = await secure(t);
    // This process is server and peer at once: where it has little of the core, both stand still.
    const longer = 10 * heartbeatMilliseconds;
    let unread = { since: 0, until: 0 };
    let answers = 0;
    const { ann, serverSide } = await askForTooMuch(t, await buildTestApp(t, { heartbeatMilliseconds: longer, env }), options, (peer, serverSide) => {
      // The slow line: 64 KB at a time. What the server has got rid of lies in the kernel, and would only hold up its pings.
      const tcp = (peer as unknown as { _socket: Socket })._socket;
      let taken = 0;
      tcp.on('data', ({ length }: Buffer) => {
        taken += length;
        if (!serverSide.isPaused || taken < 64 * 1024) return;
        taken = 0;
        const now = performance.now();
        unread = { since: unread.since || now, until: now };
        tcp.pause();
        setTimeout(() => tcp.resume(), 10);
      });
      peer.on('message', (frame: Buffer) => {
        if (frame.length > longText.length) answers += 1;
      });
    });
    await ann.call('messages.send', { to: ann.id, text: 'an event does not end it either' });
    await until('every answer is read, or none will be', () => answers === requests || serverSide.readyState !== WebSocket.OPEN, 60_000);
    assert.deepEqual([answers, serverSide.readyState], [requests, WebSocket.OPEN]);
    assert.ok(unread.until - unread.since > longer, 'the line was slow enough');
  });
}

test('a peer that waits for a slow server stays', async (t) => {
  const { app, person } = await buildTestApp(t, { heartbeatMilliseconds: 100, passwordCost: 12 });
  const ann = await person('Ann');
  const socket = await ann.socket();
  const [serverSide] = app.websocketServer.clients;
  const logins = Array.from({ length: 20 }, () => socket.call('auth.login', { email: ann.email, password: 'not the password' }).catch((error: unknown) => (error as Error).message));
  await until('the server stops reading', () => serverSide?.isPaused);
  assert.equal(new Set(await Promise.all(logins)).size, 1);
  await socket.call('users.me');
});
