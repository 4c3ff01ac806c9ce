/** Frames that no client should send: the connection is closed with the code that says why, and the server goes on. */
import assert from 'node:assert/strict';
import type { Socket } from 'node:net';
import { test } from 'node:test';
import type { WebSocket } from 'ws';
import { buildTestApp, type TestApp } from '../helpers/app.ts';
import type { Reply, TestSocket } from '../helpers/socket.ts';
import { requireAlive } from './ask.ts';

const limit = 64 * 1024;

/** A request of exactly so many bytes. */
function requestOf(bytes: number): string {
  const frame = (padding: string): string => JSON.stringify({ jsonrpc: '2.0', id: padding, method: 'users.me' });
  return frame('x'.repeat(bytes - frame('').length));
}

/** The TCP socket under a client, for what no client would send. */
const tcpOf = (webSocket: WebSocket): Socket => (webSocket as unknown as { _socket: Socket })._socket;

/** What `send` does to its own connection must leave another one and the server alone. */
async function requireClosed({ url, person }: TestApp, code: number, send: (socket: TestSocket) => void): Promise<void> {
  const [ann, bob] = await Promise.all([person('Ann'), person('Bob')]);
  const [socket, other] = await Promise.all([ann.socket(), bob.socket()]);
  send(socket);
  assert.equal((await socket.closed).code, code);
  assert.equal(((await other.call('users.me')) as { id: string }).id, bob.id);
  await requireAlive(url);
}

test('a frame of 64 KB is read', async (t) => {
  const { person } = await buildTestApp(t);
  const { result } = (await (await (await person('Ann')).socket()).raw(requestOf(limit))) as Reply;
  assert.ok(result);
});

test('a frame over 64 KB closes its connection with 1009', async (t) => {
  await requireClosed(await buildTestApp(t), 1009, ({ webSocket }) => webSocket.send(requestOf(limit + 1)));
});

test('a message over 64 KB in many small frames closes its connection with 1009', async (t) => {
  await requireClosed(await buildTestApp(t), 1009, ({ webSocket }) => {
    for (let sent = 0; sent <= limit; sent += 1024) webSocket.send('x'.repeat(1024), { fin: false });
  });
});

test('a binary frame closes its connection with 1003', async (t) => {
  await requireClosed(await buildTestApp(t), 1003, ({ webSocket }) => webSocket.send(Buffer.from(requestOf(100)), { binary: true }));
});

test('a text frame that is not UTF-8 closes its connection with 1007', async (t) => {
  const invalid = Buffer.concat([Buffer.from('{"jsonrpc":"2.0","id":"'), Buffer.from([0xed, 0xa0, 0x80]), Buffer.from('","method":"users.me"}')]);
  await requireClosed(await buildTestApp(t), 1007, ({ webSocket }) => webSocket.send(invalid, { binary: false }));
});

test('bytes that are no frame close their connection with 1002', async (t) => {
  await requireClosed(await buildTestApp(t), 1002, ({ webSocket }) => void tcpOf(webSocket).write(Buffer.from([0xff, 0xff, 0xff, 0xff])));
});

test('a connection that is cut in the middle of a frame troubles nobody', async (t) => {
  const { url, person } = await buildTestApp(t);
  const [ann, bob] = await Promise.all([person('Ann'), person('Bob')]);
  const [socket, other] = await Promise.all([ann.socket(), bob.socket()]);
  const raw = tcpOf(socket.webSocket);
  raw.write(Buffer.from([0x81, 0xfe, 0x10]));
  raw.resetAndDestroy();
  await socket.closed;
  assert.equal(((await other.call('users.me')) as { id: string }).id, bob.id);
  await requireAlive(url);
});
