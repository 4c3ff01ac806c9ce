/** What becomes of connections and of what is under way when the server closes. */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { connect as connectTo } from 'node:net';
import { test, type TestContext } from 'node:test';
import { WebSocket } from 'ws';
import type { mongo } from 'mongoose';
import { toAppError } from '../../src/core/errors.ts';
import { buildTestApp, connect } from '../helpers/app.ts';
import { guest } from '../helpers/people.ts';
import type { RpcError } from '../helpers/socket.ts';
import { until } from '../helpers/until.ts';

const serviceRestart = 1012;

async function storedIds(t: TestContext, uri: string): Promise<Set<string>> {
  const connection = await connect(t, uri);
  const documents = await connection.collection<{ _id: mongo.UUID }>('messages').find().toArray();
  return new Set(documents.map(({ _id }) => _id.toString()));
}

test('closing the server closes every socket with 1012', async (t) => {
  const { person, close } = await buildTestApp(t);
  const [ann, bob] = await Promise.all([person('Ann'), person('Bob')]);
  const sockets = await Promise.all([ann.socket(), ann.socket(), bob.socket()]);
  await close();
  for (const { closed } of sockets) assert.equal((await closed).code, serviceRestart);
});

test('of the sends under way when the server closes, the acknowledged are stored and the refused are not', async (t) => {
  const { person, close, mongodbUri } = await buildTestApp(t);
  const [ann, bob] = await Promise.all([person('Ann'), person('Bob')]);
  const { id: chatId } = await ann.call('chats.open', { userId: bob.id });
  const socket = await ann.socket();
  const acknowledged = new Set<string>();
  const refused = new Map<string, string | undefined>();
  const sends = Array.from({ length: 300 }, async () => {
    const id = randomUUID();
    try {
      await socket.call('messages.send', { id, chatId, text: 'under way' });
      acknowledged.add(id);
    } catch (error) {
      refused.set(id, (error as RpcError).data?.code);
    }
  });
  await sends[0];
  const closing = close();
  assert.equal((await socket.closed).code, serviceRestart);
  await closing;

  const stored = await storedIds(t, mongodbUri);
  assert.deepEqual([...acknowledged].filter((id) => !stored.has(id)), []);
  assert.deepEqual([...refused.keys()].filter((id) => stored.has(id)), []);
  assert.deepEqual([...new Set(refused.values())].filter((code) => code !== 'SHUTTING_DOWN'), []);
  assert.deepEqual([...stored].filter((id) => !acknowledged.has(id)), [], 'whoever is stored is told before the socket closes');
});

test('of the requests under way when the server closes, the acknowledged are stored', async (t) => {
  const { url, person, close, mongodbUri } = await buildTestApp(t);
  const ann = await person('Ann');
  const { id: chatId } = await ann.call('chats.open', { userId: ann.id });
  const acknowledged: string[] = [];
  const sends = Array.from({ length: 50 }, async () => {
    const id = randomUUID();
    const request = { method: 'POST', headers: { authorization: `Bearer ${ann.accessToken}`, 'content-type': 'application/json' }, body: JSON.stringify({ id, chatId, text: 'under way' }) };
    const status = await fetch(`${url}/message`, request).then((response) => response.status, () => 'no connection');
    if (status === 201) acknowledged.push(id);
    else assert.ok(status === 503 || status === 'no connection', String(status));
  });
  await sends[0];
  await close();
  await Promise.all(sends);
  const stored = await storedIds(t, mongodbUri);
  assert.deepEqual(acknowledged.filter((id) => !stored.has(id)), []);
  assert.ok(acknowledged.length > 0);
});

test('a request under way when the server closes is answered, and its kept-alive connection does not keep the server', async (t) => {
  const { url, person, services, close } = await buildTestApp(t);
  const { accessToken } = await person('Ann');
  const authenticate = services.sessions.authenticate.bind(services.auth);
  let closed = false;
  services.sessions.authenticate = async (token, caller) => {
    void close().then(() => (closed = true));
    // The server has looked for idle connections by then, and found this one at work.
    await new Promise((resolve) => setTimeout(resolve, 0));
    return authenticate(token, caller);
  };
  const { status } = await fetch(`${url}/user/me`, { headers: { authorization: `Bearer ${accessToken}`, connection: 'keep-alive' } });
  assert.equal(status, 200);
  await until('the server is closed', () => closed);
});

test('a connection that is being made while the server closes does not keep it', async (t) => {
  const { url, person, services, close } = await buildTestApp(t);
  const ann = await person('Ann');
  const authenticate = services.sessions.authenticate.bind(services.auth);
  const closing = new Promise<void>((resolve) => {
    services.sessions.authenticate = async (token, caller) => {
      const authenticated = await authenticate(token, caller);
      resolve(close());
      await new Promise((next) => setImmediate(next));
      return authenticated;
    };
  });
  const webSocket = new WebSocket(`${url.replace('http', 'ws')}/ws`, { headers: { authorization: `Bearer ${ann.accessToken}` } });
  t.after(() => webSocket.terminate());
  assert.equal(((await once(webSocket, 'close')) as [number])[0], serviceRestart);
  await closing;
});

test('connections whose requests never come, or never end, do not keep a server that closes', async (t) => {
  const { url, close } = await buildTestApp(t);
  const port = Number(new URL(url).port);
  for (const beginning of ['', 'GET /healthz HTTP/1.1\r\nHost: a', 'POST /auth/login HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{"a"']) {
    const connection = connectTo(port, '127.0.0.1');
    t.after(() => connection.destroy());
    connection.on('error', () => undefined);
    await once(connection, 'connect');
    connection.write(beginning);
  }
  // An answer on a connection made later says that the others have been seen.
  await fetch(`${url}/healthz`);
  await close();
});

test('whoever waits for a password to be checked when the server closes is refused', async (t) => {
  const { dispatch, person, close } = await buildTestApp(t, { passwordCost: 10 });
  const { email } = await person('Ann');
  const logins = Array.from({ length: 50 }, () => dispatch.call('auth.login', guest, { email, password: 'not the password' }));
  const outcomes = Promise.allSettled(logins);
  await logins[0]?.catch(() => undefined);
  await close();
  const codes = (await outcomes).map((outcome) => (outcome.status === 'rejected' ? toAppError(outcome.reason).code : 'signed in'));
  assert.ok(codes.includes('SHUTTING_DOWN'));
  // Nobody waits for those that have yet to be counted: their store is gone.
  assert.deepEqual(codes.filter((code) => !['WRONG_CREDENTIALS', 'SHUTTING_DOWN', 'UNAVAILABLE'].includes(code)), []);
});

test('whoever still waits for the store when it is closed is told that it does not answer, and not that we are at fault', async (t) => {
  const { person, close } = await buildTestApp(t);
  const ann = await person('Ann');
  // More than there are connections to the store, so that some wait for one.
  const askers = Array.from({ length: 120 }, async () => {
    for (;;) await ann.call('users.search', { search: 'ann' });
  });
  const refusals = Promise.allSettled(askers);
  await ann.call('users.me');
  await close();
  const codes = new Set((await refusals).map((outcome) => outcome.status === 'rejected' && toAppError(outcome.reason).code));
  assert.deepEqual([...codes], ['UNAVAILABLE']);
});
