/** What every store of files does, whichever it is; and what Cloudinary is asked. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { test, type TestContext } from 'node:test';
import type { MediaStore } from '../../src/core/media.ts';
import { createCloudinaryStore } from '../../src/plugins/media/cloudinary.ts';
import { createDiskStore } from '../../src/plugins/media/disk.ts';
import { startCloudinary, type Cloudinary } from '../helpers/cloudinary.ts';

async function folder(t: TestContext): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), 'parley-media-'));
  t.after(() => rm(path, { recursive: true }));
  return path;
}

async function cloudinary(t: TestContext): Promise<{ store: MediaStore; cloud: Cloudinary }> {
  const cloud = await startCloudinary(t);
  return { store: await createCloudinaryStore(cloud.url), cloud };
}

const stores: Record<string, (t: TestContext) => Promise<MediaStore>> = {
  disk: async (t) => createDiskStore(join(await folder(t), 'files'), 'http://127.0.0.1:3000'),
  Cloudinary: async (t) => (await cloudinary(t)).store,
};

const fileKey = '0123456789abcdef01234567';
const photoKey = `${'0123456789abcdef'.repeat(2)}-64`;

for (const [name, create] of Object.entries(stores)) {
  test(`${name} keeps what it is given, gives it whole and in ranges, and forgets what is removed`, async (t) => {
    const store = await create(t);
    const content = randomBytes(200_000);
    const path = join(await folder(t), 'file');
    await writeFile(path, content);
    for (const key of [fileKey, `${fileKey}-thumbnail`, photoKey]) {
      assert.equal(await store.read(key), undefined);
      for (let time = 0; time < 2; time++) await store.keep(key, path);
      assert.ok(content.equals(await buffer((await store.read(key)) ?? assert.fail())), key);
      assert.ok(content.subarray(10, 21).equals(await buffer((await store.read(key, { start: 10, end: 20 })) ?? assert.fail())), key);
      for (let time = 0; time < 2; time++) await store.remove(key);
      assert.equal(await store.read(key), undefined);
    }
  });
}

test('at Cloudinary a photo is for everybody at its address, and a file for nobody without a signature', async (t) => {
  const { store, cloud } = await cloudinary(t);
  const path = join(await folder(t), 'file');
  await writeFile(path, 'some bytes');
  for (const key of [fileKey, photoKey]) await store.keep(key, path);
  assert.deepEqual([...cloud.kept.keys()].sort(), [`image/upload/parley/${photoKey}`, `raw/authenticated/parley/${fileKey}`]);
  const statuses = await Promise.all([photoKey, fileKey].map(async (key) => (await fetch(store.addressOf(key))).status));
  assert.deepEqual(statuses, [200, 401]);
});

test('with another secret Cloudinary takes nothing, gives nothing and removes nothing; nor while it is down', async (t) => {
  const { store, cloud } = await cloudinary(t);
  const path = join(await folder(t), 'file');
  await writeFile(path, 'some bytes');
  await store.keep(fileKey, path);
  const requireDown = async (one: MediaStore): Promise<void> => {
    for (const work of [() => one.keep(photoKey, path), () => one.read(fileKey), () => one.remove(fileKey)]) await assert.rejects(work(), { code: 'MEDIA_UNAVAILABLE' });
  };
  await requireDown(await createCloudinaryStore(cloud.url.replace('only-good-for-tests', 'another')));
  cloud.fail(500);
  await requireDown(store);
  cloud.fail();
  assert.deepEqual([...cloud.kept.keys()], [`raw/authenticated/parley/${fileKey}`]);
});
