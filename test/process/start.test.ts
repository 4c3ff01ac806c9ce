/** Starting and ending the process: every fault is one clear sentence and exit code 1, every end is orderly. */
import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { access, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { connect, createServer } from 'node:net';
import { constants, tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { test, type TestContext } from 'node:test';
import { mongo } from 'mongoose';
import { WebSocket } from 'ws';
import { placesOf } from '../../src/plugins/mongod/places.ts';
import { register, request, requireWhole } from '../helpers/accounts.ts';
import { freshDatabase } from '../helpers/app.ts';
import { codeFile, loader } from '../helpers/code.ts';
import { freePort, serverHome, startServer, type ServerHome } from '../helpers/process.ts';
import { openSocket, wrap, type RpcError } from '../helpers/socket.ts';
import { startSpeaking } from '../helpers/speaker.ts';
import { until } from '../helpers/until.ts';

async function folder(t: TestContext): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), 'parley-start-'));
  t.after(() => rm(path, { recursive: true, force: true }));
  return path;
}

/** The command lines of the mongods on the folder. */
function mongodsOn(dataDir: string): string[] {
  const lines = execFileSync('ps', ['-A', '-ww', '-o', 'args='], { encoding: 'utf8' }).split('\n');
  return lines.filter((line) => line.includes(`--dbpath ${dataDir}`));
}

/** What the store itself holds, whatever the server knows of it. */
async function withStore<T>({ dataDir }: ServerHome, look: (db: mongo.Db) => Promise<T>): Promise<T> {
  const client = await mongo.MongoClient.connect(placesOf(dataDir).uri);
  try {
    return await look(client.db('parley'));
  } finally {
    await client.close();
  }
}

/** Starts a server that must not start; gives the one line it leaves behind. */
async function fault(dataDir: string, port: number, env: Record<string, string>): Promise<string> {
  const server = await startServer(dataDir, port, env);
  assert.equal(await server.exited, 1, server.output());
  const lines = server.output().trim().split('\n');
  assert.equal(lines.length, 1, server.output());
  return lines[0] ?? '';
}

test('it says where it listens, where its documents, its mails and its data are, and keeps the data to itself', async (t) => {
  const home = await serverHome(t);
  const server = await home.start();
  assert.deepEqual(server.output().trim().split('\n'), [`Parley listens on ${home.url}`, `Its documents are at ${home.url}/docs`, `Its mails are put into ${home.dataDir}/outbox, for there is no SMTP_URL`, `Its data is in ${home.dataDir}`]);
  assert.equal((await stat(home.dataDir)).mode & 0o777, 0o700);
  assert.equal((await stat(join(home.dataDir, 'jwt-secret'))).mode & 0o777, 0o600);
  for (const path of ['/healthz', '/readyz', '/docs', '/openapi.json', '/asyncapi.json']) assert.equal((await fetch(home.url + path)).status, 200, path);
});

test('a thousand who connect at once while it has no time for them wait, and are not turned away', async (t) => {
  const home = await serverHome(t);
  const { child } = await home.start();
  child.kill('SIGSTOP');
  const sockets = Array.from({ length: 1000 }, () => connect(home.port, '127.0.0.1'));
  try {
    // Beyond what the system lets wait, it does not take the connection up, however often it is asked to.
    await Promise.all(sockets.map((socket) => once(socket, 'connect', { signal: AbortSignal.timeout(10_000) })));
  } finally {
    child.kill('SIGCONT');
    for (const socket of sockets) socket.destroy();
  }
});

test('three mistakes in the configuration are named at once', async (t) => {
  const line = await fault(await folder(t), 0, { PORT: 'eighty', LOG_LEVEL: 'loud', JWT_SECRET: 'short' });
  for (const key of ['PORT', 'LOG_LEVEL', 'JWT_SECRET']) assert.match(line, new RegExp(`\\b${key}\\b`));
});

test('a taken port is named', async (t) => {
  const other = createServer().listen(0, '127.0.0.1');
  await once(other, 'listening');
  t.after(() => other.close());
  const { port } = other.address() as { port: number };
  assert.match(await fault(await folder(t), port, { MONGODB_URI: freshDatabase(t) }), new RegExp(`port ${port} .* is taken`));
});

test('a DATA_DIR that cannot be written to is named', async (t) => {
  const file = join(await folder(t), 'file');
  await writeFile(file, '');
  for (const path of [join(file, 'data'), file, ...(process.platform === 'linux' ? ['/proc/parley/data'] : [])]) {
    assert.match(await fault(path, await freePort(), {}), new RegExp(`DATA_DIR ${path} is not writable`));
  }
});

test('a MONGODB_URI that does not answer is named, without its password', async (t) => {
  const line = await fault(await folder(t), await freePort(), { MONGODB_URI: `mongodb://me:secret@127.0.0.1:${await freePort()}/parley` });
  assert.match(line, /The MongoDB at mongodb:\/\/127\.0\.0\.1:\d+\/parley does not answer/);
  assert.doesNotMatch(line, /secret/);
});

test('a key cut off by a crash is named, and no MongoDB is left', async (t) => {
  const dataDir = await folder(t);
  await writeFile(join(dataDir, 'jwt-secret'), '');
  assert.match(await fault(dataDir, await freePort(), {}), new RegExp(`A key in ${dataDir}/jwt-secret is too short`));
  assert.deepEqual(mongodsOn(dataDir), []);
});

test('data that does not allow an index is named', async (t) => {
  const uri = freshDatabase(t);
  const client = await mongo.MongoClient.connect(uri);
  await client.db().collection('users').insertMany([{ username: 'ann' }, { username: 'ann' }]);
  await client.close();
  assert.match(await fault(await folder(t), await freePort(), { MONGODB_URI: uri }), /^The indexes cannot be made in the MongoDB at .*username: "ann".*remove duplicate values/);
});

test('a MONGOD_BINARY that is none is named', async (t) => {
  assert.match(await fault(await folder(t), await freePort(), { MONGOD_BINARY: '/nowhere/mongod' }), /MONGOD_BINARY.*\/nowhere\/mongod/);
});

test('a second server on the same DATA_DIR is refused, and the first goes on', async (t) => {
  const home = await serverHome(t);
  const first = await home.start();
  assert.match(await fault(home.dataDir, await freePort(), {}), new RegExp(`${home.dataDir}.*${first.child.pid}`));
  assert.equal((await fetch(`${home.url}/readyz`)).status, 200);
});

test('a MongoDB left by a killed server is taken over', async (t) => {
  const home = await serverHome(t);
  const first = await home.start();
  const mongod = await home.mongodPid();
  await first.kill('SIGKILL');
  await home.start();
  assert.equal(await home.mongodPid(), mongod);
  assert.equal((await fetch(`${home.url}/readyz`)).status, 200);
});

for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) {
  test(`${signal} ends it in good order: sockets are closed with 1012, MongoDB is stopped, the exit code is 0`, async (t) => {
    const home = await serverHome(t);
    const server = await home.start();
    const ann = await register(home, 'ann');
    const socket = wrap(new WebSocket(`${home.url.replace('http', 'ws')}/ws`, ['parley', ann.token]));
    await socket.next('connection.ready');
    // npm hands a signal of the terminal on, so the process gets it twice.
    server.child.kill(signal);
    assert.equal(await server.kill(signal), 0, server.output());
    assert.equal((await socket.closed).code, 1012);
    await assert.rejects(access(join(home.dataDir, 'mongod.sock')));
    assert.deepEqual(mongodsOn(home.dataDir), []);
  });
}

test('a signal while it starts ends it without a word of complaint, and no MongoDB is left', async (t) => {
  const dataDir = await folder(t);
  const env = { ...process.env, PORT: String(await freePort()), DATA_DIR: dataDir };
  const child = spawn(process.execPath, [...loader, codeFile('src/server.ts')], { env, stdio: ['ignore', 'ignore', 'pipe'] });
  const complaint = text(child.stderr);
  const exited = once(child, 'exit');
  await until('a mongod', () => existsSync(join(dataDir, 'mongod.pid')));
  child.kill('SIGTERM');
  assert.deepEqual(await exited, [0, null]);
  assert.equal(await complaint, '');
  assert.deepEqual(mongodsOn(dataDir), []);
});

test('a MongoDB that does not answer is ended all the same, within ten seconds, and nothing acknowledged is missing', async (t) => {
  const home = await serverHome(t);
  const server = await home.start();
  const [ann, bob] = await Promise.all([register(home, 'ann'), register(home, 'bob')]);
  const { id: chatId } = (await request(home, '/chat', ann.token, { userId: bob.id })) as { id: string };
  const speaker = startSpeaking(t, home.url, ann.token, chatId);
  await speaker.acknowledges(20);
  process.kill(await home.mongodPid(), 'SIGSTOP');
  const began = Date.now();
  await server.kill('SIGTERM');
  assert.ok(Date.now() - began < 10_000, server.output());
  assert.deepEqual(mongodsOn(home.dataDir), []);
  await home.start();
  await speaker.finish();
  await requireWhole(home, chatId, ann, [speaker]);
});

test('messages of which nobody knows whether they are written make the exit code 1', async (t) => {
  const home = await serverHome(t);
  const server = await home.start();
  const ann = await register(home, 'ann');
  const { id: chatId } = (await request(home, '/chat/group', ann.token, { title: 'Group' })) as { id: string };
  const { seq } = await request(home, '/message', ann.token, { chatId, text: 'hello' });
  const socket = await openSocket(t, home.url, ann.token);
  // Nothing else is left to be written.
  await withStore(home, (db) => until('the head', () => db.collection('chats').findOne({ 'head.seq': seq })));
  process.kill(await home.mongodPid(), 'SIGSTOP');
  const answered = assert.rejects(socket.call('messages.send', { chatId, text: 'who knows' }), ({ data }: RpcError) => data?.code === 'UNAVAILABLE');
  // Once that is refused, what was sent before it has arrived.
  await assert.rejects(socket.call('no.such.method'));
  assert.equal(await server.kill('SIGTERM'), 1, server.output());
  await answered;
});

test('heads of chats that could not be written make the exit code 1, too', async (t) => {
  const home = await serverHome(t);
  const server = await home.start();
  const ann = await register(home, 'ann');
  // They are written few at a time: long before the last the store is silent.
  for (let count = 1; count <= 20; count++) await request(home, '/chat/group', ann.token, { title: `Group ${count}` });
  process.kill(await home.mongodPid(), 'SIGSTOP');
  assert.equal(await server.kill('SIGTERM'), 1, server.output());
});

test('a second signal ends a server that takes its time', async (t) => {
  const home = await serverHome(t);
  const server = await home.start();
  const mongod = await home.mongodPid();
  process.kill(mongod, 'SIGSTOP');
  // Again and again: what comes right after the first is taken for the same.
  const signals = setInterval(() => server.child.kill('SIGTERM'), 100);
  try {
    assert.equal(await server.exited, 128 + constants.signals.SIGTERM);
  } finally {
    clearInterval(signals);
    process.kill(mongod, 'SIGCONT');
  }
});

test('the key that signs tokens is made once, and so tokens outlive a restart', async (t) => {
  const home = await serverHome(t);
  const first = await home.start();
  const { token } = await register(home, 'ann');
  const key = await readFile(join(home.dataDir, 'jwt-secret'), 'utf8');
  await first.kill('SIGTERM');
  await home.start();
  assert.equal(await readFile(join(home.dataDir, 'jwt-secret'), 'utf8'), key);
  assert.deepEqual((await readdir(home.dataDir)).filter((name) => name.startsWith('jwt-')), ['jwt-secret']);
  await request(home, '/user/me', token);
});
