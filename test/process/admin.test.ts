/** `npm run admin`: on the data of a server that runs, and of one that does not. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { placesOf } from '../../src/plugins/mongod/places.ts';
import { register, request } from '../helpers/accounts.ts';
import { buildTestApp, connect, type TestApp } from '../helpers/app.ts';
import { startCloudinary } from '../helpers/cloudinary.ts';
import { codeFile, loader } from '../helpers/code.ts';
import { picture, upload } from '../helpers/files.ts';
import { serverHome } from '../helpers/process.ts';
import { until } from '../helpers/until.ts';

async function admin(args: readonly string[], env: Record<string, string>): Promise<{ code: number | null; said: string }> {
  const child = spawn(process.execPath, [...loader, codeFile('scripts/admin.ts'), ...args], { env: { ...process.env, ...env }, stdio: ['ignore', 'pipe', 'pipe'] });
  let said = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (said += chunk.toString()));
  const [code] = (await once(child, 'exit')) as [number | null];
  return { code, said };
}

test('a command that there is not, or a word too many, is answered with how it is used', async () => {
  for (const args of [[], ['constructor'], ['reindex', 'all'], ['move-files'], ['move-files', 'away'], ['move-files', 'disk', 'cloudinary']]) {
    const { code, said } = await admin(args, {});
    assert.equal(code, 2);
    assert.match(said, /^Usage: npm run admin -- <command>\n {2}reindex {2}\S/);
  }
});

test('a store that does not answer is named, and the command fails', async () => {
  const { code, said } = await admin(['reindex'], { MONGODB_URI: 'mongodb://127.0.0.1:1/parley' });
  assert.equal(code, 1);
  assert.match(said, /^The MongoDB at mongodb:\/\/127\.0\.0\.1:1\/parley does not answer .*\n$/);
});

test('reindex builds the index anew, while the server runs and while it does not', async (t) => {
  const home = await serverHome(t);
  const env = { DATA_DIR: home.dataDir };
  const server = await home.start();
  const ann = await register(home, 'ann');
  const found = async (search: string): Promise<string[]> => ((await request(home, `/search?search=${search}`, ann.token))['items'] as { text: string }[]).map(({ text }) => text);
  const say = (text: string) => request(home, '/message', ann.token, { to: ann.id, text });
  await say('early tea');
  await until('it is found', async () => (await found('tea')).length === 1);

  const store = await connect(t, `${placesOf(home.dataDir).uri}/parley`);
  await store.collection('searchTerms').drop();
  assert.deepEqual(await admin(['reindex'], env), { code: 0, said: 'chats done: 1\nreindex is done.\n' });
  assert.deepEqual(await found('tea'), ['early tea']);
  assert.deepEqual((await store.collection('searchTerms').indexes()).map(({ name }) => name), ['_id_', 'words_1_chatId_1', 'chatId_1_at_-1']);
  await say('late tea');
  await until('the server goes on with it', async () => (await found('tea')).length === 2);

  await store.collection('searchTerms').deleteMany({});
  await store.close();
  await server.kill('SIGTERM');
  const { code, said } = await admin(['reindex'], env);
  assert.deepEqual([code, said], [0, 'chats done: 1\nreindex is done.\n']);
  await home.start();
  assert.deepEqual(await found('tea'), ['late tea', 'early tea']);
});

test('move-files brings files and photos to Cloudinary and back, and once they are there does nothing', async (t) => {
  const cloud = await startCloudinary(t);
  const server = await buildTestApp(t);
  const env = { MONGODB_URI: server.mongodbUri, DATA_DIR: server.dataDir, CLOUDINARY_URL: cloud.url };
  const ann = await server.person('Ann');
  const image = await picture(500, 300).png().toBuffer();
  const { id } = await upload(server.url, ann, image);
  await ann.call('users.update', { id: 'me', photo: id });
  const onDisk = async (): Promise<number> => (await readdir(join(server.dataDir, 'files'), { recursive: true, withFileTypes: true })).filter((entry) => entry.isFile()).length;
  const contentFrom = async ({ url }: TestApp): Promise<Buffer> => Buffer.from(await (await fetch(`${url}/file/${id}/content`, { headers: { authorization: `Bearer ${ann.accessToken}` } })).arrayBuffer());
  await ann.call('messages.send', { to: ann.id, fileIds: [id] });
  assert.equal(await onDisk(), 5);

  assert.deepEqual(await admin(['move-files', 'cloudinary'], env), { code: 0, said: 'files moved: 2\nmove-files is done.\n' });
  assert.deepEqual([await onDisk(), cloud.kept.size], [0, 5]);
  const there = await buildTestApp(t, { mongodbUri: server.mongodbUri, env: { CLOUDINARY_URL: cloud.url } });
  assert.ok(image.equals(await contentFrom(there)));

  cloud.fail(500);
  const { code, said } = await admin(['move-files', 'disk'], env);
  assert.equal(code, 1);
  assert.match(said, /It can be repeated at any time/);
  cloud.fail();
  assert.deepEqual(await admin(['move-files', 'disk'], env), { code: 0, said: 'files moved: 2\nmove-files is done.\n' });
  assert.deepEqual([await onDisk(), cloud.kept.size], [5, 0]);
  assert.ok(image.equals(await contentFrom(server)));
  assert.deepEqual(await admin(['move-files', 'disk'], env), { code: 0, said: 'files moved: 0\nmove-files is done.\n' });
});
