/** The embedded MongoDB, tried on real mongod processes. */
import assert from 'node:assert/strict';
import { execFileSync, spawn, type ChildProcessByStdio } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, readdirSync, readlinkSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface, type Interface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';
import { afterEach, before, test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { mongo } from 'mongoose';
import { claimDataDir, findMongod, startMongod, type MongodOptions } from '../../src/plugins/mongod/index.ts';
import { codeFile, loader } from '../helpers/code.ts';
import { until } from '../helpers/until.ts';

const LIBRARY = pathToFileURL(codeFile('src/plugins/mongod/index.ts')).href;
/** Undone in reverse order after each test. */
const cleanups: (() => void | Promise<void>)[] = [];
afterEach(async () => {
  for (let undo = cleanups.pop(); undo; undo = cleanups.pop()) await undo();
});

let binary = '';
before(async () => (binary = await findMongod({ report: console.error })));

test('it listens on a Unix socket alone and answers', { skip: process.platform !== 'linux' }, async () => {
  const dataDir = folder();
  const { uri } = await start(dataDir);
  assert.equal(await ping(uri), 1);
  const pid = pidOf(dataDir);
  const inodes = readdirSync(`/proc/${pid}/fd`)
    .map((fd) => /^socket:\[(\d+)\]$/.exec(linkAt(`/proc/${pid}/fd/${fd}`))?.[1])
    .filter((inode) => inode !== undefined);
  const table = (name: string) => readFileSync(`/proc/net/${name}`, 'utf8').split('\n').map((line) => line.trim().split(/\s+/));
  const tcp = [...table('tcp'), ...table('tcp6')].filter((row) => inodes.includes(row[9] ?? ''));
  const named = table('unix').filter((row) => inodes.includes(row[6] ?? '') && row[7]);
  assert.deepEqual(tcp, []);
  assert.deepEqual([...new Set(named.map((row) => row[7]))], [join(dataDir, 'mongod.sock')]);
});

test('stop leaves no process, no socket and no pid file', async () => {
  const dataDir = folder();
  const mongod = await start(dataDir);
  assert.equal(processesOn(dataDir).length, 1);
  await mongod.stop();
  assert.deepEqual(processesOn(dataDir), []);
  assert.deepEqual(readdirSync(dataDir).sort(), ['mongod.log', 'mongodb']);
});

test('a mongod left behind by a killed server is taken over, and stopped in the end', async () => {
  const dataDir = folder();
  const server = serverOn(dataDir);
  assert.equal(await server.nextLine(), 'up');
  await server.kill();
  const left = pidOf(dataDir);
  const mongod = await start(dataDir, { binary: '/not/needed' });
  assert.equal(await ping(mongod.uri), 1);
  assert.equal(pidOf(dataDir), left);
  await mongod.stop();
  assert.deepEqual(processesOn(dataDir), []);
});

test('a mongod that is still starting is waited for', async () => {
  const dataDir = folder();
  const server = serverOn(dataDir);
  const left = await until('a pid file', () => existsSync(join(dataDir, 'mongod.pid')) && pidOf(dataDir));
  await server.kill();
  const mongod = await start(dataDir);
  assert.equal(await ping(mongod.uri), 1);
  assert.equal(pidOf(dataDir), left);
});

test('a start that is broken off leaves no mongod, not even one left behind that does not answer', async () => {
  const dataDir = folder();
  const server = serverOn(dataDir);
  assert.equal(await server.nextLine(), 'up');
  await server.kill();
  process.kill(pidOf(dataDir), 'SIGSTOP');
  await assert.rejects(start(dataDir, { signal: AbortSignal.abort() }), { name: 'AbortError' });
  assert.deepEqual(processesOn(dataDir), []);
});

test('a mongod that is shutting down is outlived', async () => {
  const dataDir = folder();
  const server = serverOn(dataDir);
  assert.equal(await server.nextLine(), 'up');
  await server.kill();
  process.kill(pidOf(dataDir), 'SIGTERM');
  const { uri } = await start(dataDir);
  await until('an answer', () => ping(uri).catch(() => undefined));
});

for (const origin of ['its own', 'a taken over'] as const) {
  test(`${origin} mongod is started again when it is killed`, async () => {
    const dataDir = folder();
    if (origin === 'a taken over') {
      const server = serverOn(dataDir);
      assert.equal(await server.nextLine(), 'up');
      await server.kill();
    }
    const mongod = await start(dataDir);
    const client = await new mongo.MongoClient(mongod.uri, { serverSelectionTimeoutMS: 10_000 }).connect();
    cleanups.push(() => client.close());
    await client.db('t').collection('kept').insertOne({ a: 1 }, { writeConcern: { w: 'majority', journal: true } });
    const killed = pidOf(dataDir);
    process.kill(killed, 'SIGKILL');
    await until('another process', () => existsSync(join(dataDir, 'mongod.pid')) && pidOf(dataDir) !== killed);
    assert.equal(await until('the document', () => client.db('t').collection('kept').countDocuments().catch(() => 0)), 1);
  });
}

test('a mongod that dies and cannot be started again is given up', async () => {
  const dataDir = folder();
  let lost: Error | undefined;
  await start(dataDir, { onLost: (error) => (lost = error) });
  const database = join(dataDir, 'mongodb');
  renameSync(database, `${database}.away`);
  writeFileSync(database, 'not a folder');
  process.kill(pidOf(dataDir), 'SIGKILL');
  const error = await until('the report', () => lost);
  assert.match(error.message, /could not be started again/);
});

test('stop works while mongod is being started again', async () => {
  const dataDir = folder();
  let onRestart: () => void;
  const restarting = new Promise<void>((resolve) => (onRestart = resolve));
  const report = (line: string) => {
    if (line.includes('again')) onRestart();
  };
  const mongod = await start(dataDir, { report });
  process.kill(pidOf(dataDir), 'SIGKILL');
  await restarting;
  await mongod.stop();
  assert.deepEqual(processesOn(dataDir), []);
});

test('data of a newer and of an older MongoDB is named as such', async () => {
  for (const [version, age] of [['99.0', 'newer'], ['3.6', 'older']] as const) {
    const dataDir = folder();
    const mongod = await start(dataDir);
    await pretendWrittenBy(version, mongod.uri);
    await mongod.stop();
    await assert.rejects(start(dataDir), (error: Error) => {
      assert.equal(error.name, 'StartupError');
      assert.match(error.message, new RegExp(`was written by an? ${age} MongoDB \\(${version}\\).*version \\d+\\.\\d+\\.\\d+.*MONGOD_BINARY`));
      return true;
    });
    assert.deepEqual(processesOn(dataDir), []);
  }
});

test('damaged data is reported with the exit, the first error and the log', async () => {
  const dataDir = folder();
  await (await start(dataDir)).stop();
  writeFileSync(join(dataDir, 'mongodb', 'WiredTiger.turtle'), 'damaged');
  await assert.rejects(start(dataDir), {
    name: 'StartupError',
    message: /^MongoDB did not start \(.*SIGABRT.*\): .*turtle.*mongod\.log/,
  });
});

test('a binary that is no mongod is refused', async () => {
  const report = () => undefined;
  const cases = { '/nowhere/mongod': /no such file/, [import.meta.filename]: /not executable/, [process.execPath]: /as mongod does/ };
  for (const [wrong, reason] of Object.entries(cases)) {
    await assert.rejects(findMongod({ binary: wrong, report }), { name: 'StartupError', message: reason });
    await assert.rejects(start(folder(), { binary: wrong }), { name: 'StartupError', message: /MONGOD_BINARY/ });
  }
});

test('a DATA_DIR that cannot hold it is refused', async () => {
  const parent = folder();
  writeFileSync(join(parent, 'file'), '');
  const cases = { ['x'.repeat(100)]: /too long.*at most \d+ bytes/, 'a,b': /comma/, 'file': /cannot be written to/ };
  for (const [name, message] of Object.entries(cases)) {
    await assert.rejects(claimDataDir(join(parent, name)), { name: 'StartupError', message });
    await assert.rejects(start(join(parent, name)), { name: 'StartupError', message });
  }
});

test('a second claim on a folder is refused and names the first; a released one is free', async () => {
  const dataDir = folder();
  const first = await claimDataDir(dataDir);
  await assert.rejects(claimDataDir(dataDir), {
    name: 'StartupError',
    message: new RegExp(`${dataDir}.*pid ${process.pid}`),
  });
  await first.release();
  const second = await claimDataDir(dataDir);
  await second.release();
});

test('of many claims at the same instant exactly one wins, and the claim of a killed server is void', async () => {
  const dataDir = folder();
  let rivals = Array.from({ length: 8 }, () => rivalOn(dataDir));
  for (const rival of rivals) assert.equal(await rival.nextLine(), 'ready');
  for (let round = 1; round <= 5; round++) {
    for (const rival of rivals) rival.say('claim');
    const answers = await Promise.all(rivals.map((rival) => rival.nextLine()));
    const winners = rivals.filter((_, index) => answers[index] === 'held');
    assert.equal(winners.length, 1, answers.join('\n'));
    for (const answer of answers) assert.match(answer, new RegExp(`^held$|pid ${winners[0]?.pid ?? ''}\\)`));
    await winners[0]?.kill();
    rivals = rivals.filter((rival) => rival !== winners[0]);
  }
  await (await claimDataDir(dataDir)).release();
});

function folder(): string {
  const path = mkdtempSync(join(tmpdir(), 'parley-mongod-'));
  cleanups.push(() => {
    for (const pid of processesOn(path)) process.kill(pid, 'SIGKILL');
    rmSync(path, { recursive: true, force: true });
  });
  return path;
}

async function start(dataDir: string, options: Partial<MongodOptions> = {}) {
  const onLost = (error: Error) => assert.fail(error);
  const mongod = await startMongod({ dataDir, binary, report: () => undefined, onLost, ...options });
  cleanups.push(() => mongod.stop());
  return mongod;
}

const pidOf = (dataDir: string) => Number(readFileSync(join(dataDir, 'mongod.pid'), 'utf8'));

/** The mongod processes on the folder that live. */
function processesOn(dataDir: string): number[] {
  const lines = execFileSync('ps', ['-A', '-ww', '-o', 'pid=,args='], { encoding: 'utf8' }).split('\n');
  return lines.filter((line) => line.includes(`--dbpath ${dataDir}`)).map((line) => parseInt(line, 10));
}

function linkAt(path: string): string {
  try {
    return readlinkSync(path);
  } catch {
    return '';
  }
}

async function withAdmin<T>(uri: string, use: (admin: mongo.Db) => Promise<T>): Promise<T> {
  const client = new mongo.MongoClient(uri, { serverSelectionTimeoutMS: 2000 });
  try {
    return await use(client.db('admin'));
  } finally {
    await client.close();
  }
}

const ping = (uri: string) => withAdmin(uri, async (admin) => Number((await admin.command({ ping: 1 }))['ok']));

/** Gives the data another featureCompatibilityVersion, past mongod's own check of single writes. */
async function pretendWrittenBy(version: string, uri: string): Promise<void> {
  await withAdmin(uri, async (admin) => {
    await admin.collection<{ _id: string; version: string }>('other').insertOne({ _id: 'featureCompatibilityVersion', version });
    const rename = { renameCollection: 'admin.other', to: 'admin.system.version', dropTarget: true };
    await admin.command({ applyOps: [{ op: 'c', ns: 'admin.$cmd', o: rename }] });
  });
}

/** Another server on the folder, in a process of its own; says "up" when its MongoDB answers. */
const serverOn = (dataDir: string) =>
  runScript(`
    const { startMongod } = await import('${LIBRARY}');
    await startMongod({ dataDir: '${dataDir}', binary: '${binary}', report() {}, onLost() {} });
    console.log('up');
    process.stdin.resume();
  `);

/** A process that claims the folder whenever told to, and says what came of it. */
const rivalOn = (dataDir: string) =>
  runScript(`
    const { claimDataDir } = await import('${LIBRARY}');
    process.stdin.on('data', () => claimDataDir('${dataDir}').then(() => console.log('held'), (e) => console.log(e.message)));
    console.log('ready');
  `);

function runScript(script: string) {
  const child: ChildProcessByStdio<Writable, Readable, null> = spawn(process.execPath, [...loader, '--input-type=module', '--eval', script], { stdio: ['pipe', 'pipe', 'inherit'] });
  const lines = createInterface({ input: child.stdout });
  const kill = async () => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    child.kill('SIGKILL');
    await once(child, 'exit');
  };
  cleanups.push(kill);
  return { pid: child.pid, nextLine: lineReader(lines), say: (line: string) => child.stdin.write(`${line}\n`), kill };
}

function lineReader(lines: Interface): () => Promise<string> {
  const iterator: AsyncIterator<string, undefined> = lines[Symbol.asyncIterator]();
  return async () => {
    const next = await iterator.next();
    return next.done ? 'ended' : next.value;
  };
}
