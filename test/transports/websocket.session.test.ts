/** A connection lives in a session: how it begins, and how it ends with it. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { test } from 'node:test';
import { WebSocket, type RawData } from 'ws';
import { buildTestApp, connect } from '../helpers/app.ts';
import { guest, type Output } from '../helpers/people.ts';
import { openSocket, wrap } from '../helpers/socket.ts';

const sessionEnded = 4401;

test('connection.ready is the first frame, however much is going on', async (t) => {
  const { url, person } = await buildTestApp(t);
  const [ann, bob] = await Promise.all([person('Ann'), person('Bob')]);
  const sending = Array.from({ length: 200 }, (_, index) => bob.call('messages.send', { to: ann.id, text: String(index) }));
  const firstFrames = Array.from({ length: 20 }, async () => {
    const webSocket = new WebSocket(`${url.replace('http', 'ws')}/ws`, { headers: { authorization: `Bearer ${ann.accessToken}` } });
    t.after(() => webSocket.terminate());
    const [data] = (await once(webSocket, 'message')) as [RawData];
    return JSON.parse((data as Buffer).toString()) as unknown;
  });
  for (const frame of await Promise.all(firstFrames)) {
    assert.deepEqual(frame, { jsonrpc: '2.0', method: 'connection.ready', params: { userId: ann.id, sessionId: ann.caller.sessionId, expiresAt: ann.caller.expiresAt.toISOString() } });
  }
  await Promise.all(sending);
});

test('logging out closes all sockets of the session with 4401, and no others', async (t) => {
  const { url, person, dispatch } = await buildTestApp(t);
  const [ann, bob] = await Promise.all([person('Ann'), person('Bob')]);
  const otherSession = (await dispatch.call('auth.login', guest, { email: ann.email, password: ann.password })) as Output<'auth.login'>;
  const [first, second, other, bobs] = await Promise.all([ann.socket(), ann.socket(), openSocket(t, url, otherSession.accessToken), bob.socket()]);
  await ann.call('auth.logout');
  assert.equal((await first.closed).code, sessionEnded);
  assert.equal((await second.closed).code, sessionEnded);
  await bob.call('messages.send', { to: ann.id, text: 'still there?' });
  await Promise.all([other.next('message.created'), bobs.next('message.created')]);
});

test('a session can be ended through its own socket', async (t) => {
  const { person } = await buildTestApp(t);
  const socket = await (await person('Ann')).socket();
  socket.webSocket.send(JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'auth.logout' }));
  assert.equal((await socket.closed).code, sessionEnded);
});

test('a session that ends while its socket is being opened closes that socket too, ungreeted, though nobody tells of it any more', async (t) => {
  const { url, person, services, mongodbUri } = await buildTestApp(t);
  const ann = await person('Ann');
  const revocations = (await connect(t, mongodbUri)).collection('revocations');
  const authenticate = services.sessions.authenticate.bind(services.sessions);
  services.sessions.authenticate = async (token, caller) => {
    const authenticated = await authenticate(token, caller);
    services.sessions.authenticate = authenticate;
    await services.sessions.endOne(ann.caller.sessionId);
    // Or else the next look at what has ended would close the socket.
    await revocations.deleteMany();
    return authenticated;
  };
  const socket = wrap(new WebSocket(`${url.replace('http', 'ws')}/ws`, { headers: { authorization: `Bearer ${ann.accessToken}` } }));
  t.after(() => socket.webSocket.terminate());
  assert.equal((await socket.closed).code, sessionEnded);
  assert.deepEqual(socket.events, [], 'it was never greeted');
});

test('what a peer still asks for after its session has ended is not done', async (t) => {
  const { person } = await buildTestApp(t);
  const [ann, bob] = await Promise.all([person('Ann'), person('Bob')]);
  const { id: chatId } = await ann.call('chats.open', { userId: bob.id });
  const { webSocket, closed } = await ann.socket();
  // A client that does not look at the close frame.
  webSocket.pause();
  await ann.call('auth.logout');
  webSocket.send(JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'messages.send', params: { chatId, text: 'from nobody' } }));
  webSocket.resume();
  assert.equal((await closed).code, sessionEnded);
  await bob.call('messages.send', { chatId, text: 'the first' });
  const { items } = await bob.call('messages.list', { chatId });
  assert.deepEqual(items.map(({ text }) => text), ['the first']);
});

test('a store that never answers while a socket is being opened closes it with 1013', async (t) => {
  const { url, person, services } = await buildTestApp(t);
  const ann = await person('Ann');
  services.chats.topicsOf = () => new Promise(() => undefined);
  const socket = wrap(new WebSocket(`${url.replace('http', 'ws')}/ws`, { headers: { authorization: `Bearer ${ann.accessToken}` } }));
  const { code } = await socket.closed;
  assert.equal(code, 1013);
  assert.deepEqual(socket.events, [], 'it was never greeted');
});
