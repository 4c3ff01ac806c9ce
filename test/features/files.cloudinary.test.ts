/** Files and photos where Cloudinary keeps them: nothing else knows the difference. */
import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import type { FileInfo } from '../../src/core/file.ts';
import type { DirectUpload } from '../../src/features/files/files.contract.ts';
import { buildTestApp, connect, type TestApp } from '../helpers/app.ts';
import { startCloudinary, type Cloudinary } from '../helpers/cloudinary.ts';
import { picture, toForm, upload } from '../helpers/files.ts';
import type { Person } from '../helpers/people.ts';
import { until } from '../helpers/until.ts';
import { ask, requireError, type Answer } from '../transports/ask.ts';

async function build(t: TestContext): Promise<TestApp & { cloud: Cloudinary }> {
  const cloud = await startCloudinary(t);
  return { ...(await buildTestApp(t, { env: { CLOUDINARY_URL: cloud.url }, fileMilliseconds: { sweep: 20, release: 200 } })), cloud };
}

const get = ({ url }: TestApp, { accessToken }: Person, id: string, headers: Record<string, string> = {}): Promise<Response> =>
  fetch(`${url}/file/${id}/content`, { headers: { authorization: `Bearer ${accessToken}`, ...headers } });

test('a file is sent in, given to a message, had whole and in ranges by whoever sees it, and gone with the message', async (t) => {
  const server = await build(t);
  const [ann, bob, cem] = await Promise.all([server.person('Ann'), server.person('Bob'), server.person('Cem')]);
  const image = await picture(500, 300).png().toBuffer();
  const { id } = await upload(server.url, ann, image);
  assert.deepEqual([...server.cloud.kept.keys()].sort(), [`raw/authenticated/parley/${id}`, `raw/authenticated/parley/${id}-thumbnail`]);
  const message = await ann.call('messages.send', { to: bob.id, fileIds: [id] });
  assert.ok(image.equals(Buffer.from(await (await get(server, bob, id)).arrayBuffer())));
  const part = await get(server, bob, id, { range: 'bytes=5-9' });
  assert.deepEqual([part.status, Buffer.from(await part.arrayBuffer())], [206, image.subarray(5, 10)]);
  assert.equal((await get(server, cem, id)).status, 404);
  await ann.call('messages.remove', { id: message.id });
  await until('it is gone', () => server.cloud.kept.size === 0);
});

test('a photo is delivered by Cloudinary, without a look at this server, and gone when another takes its place', async (t) => {
  const server = await build(t);
  const ann = await server.person('Ann');
  const setPhoto = async () => (await ann.call('users.update', { id: 'me', photo: (await upload(server.url, ann, await picture().png().toBuffer())).id })).photo;
  const first = await setPhoto();
  assert.equal((await fetch(first?.small ?? '')).status, 200);
  assert.equal(new URL(first?.small ?? '').host, new URL(server.cloud.url.replace('cloudinary:', 'http:')).searchParams.get('cname'));
  const second = await setPhoto();
  await until('three are left', () => server.cloud.kept.size === 3);
  assert.deepEqual([(await fetch(first?.url ?? '')).status, (await fetch(second?.url ?? '')).status], [404, 200]);
});

test('while Cloudinary is down files are refused with a time to wait, nothing is held for them, and everything else goes on', async (t) => {
  const server = await build(t);
  const [ann, bob] = await Promise.all([server.person('Ann'), server.person('Bob')]);
  const { id } = await upload(server.url, ann);
  server.cloud.fail(500);
  const refused = await ask(server.url, '/file', { method: 'POST', token: ann.accessToken, ...(await toForm('a text')) });
  requireError(refused, 'MEDIA_UNAVAILABLE');
  assert.equal(refused.headers.get('retry-after'), '1');
  const down = await get(server, ann, id);
  assert.deepEqual([down.status, down.headers.get('retry-after')], [503, '1']);
  assert.equal((await ann.call('files.quota')).used, 6);
  const { id: messageId } = await ann.call('messages.send', { to: bob.id, text: 'with it', fileIds: [id] });
  assert.equal((await bob.call('messages.get', { id: messageId })).files?.length, 1);
  server.cloud.fail();
  assert.equal((await get(server, bob, id)).status, 200);
});

/** Sends it past the server, as a page does. */
async function sendForm({ url, fields = {} }: DirectUpload, content: Buffer | string): Promise<number> {
  const form = new FormData();
  for (const [name, value] of Object.entries(fields)) form.append(name, value);
  form.append('file', new Blob([content]), 'a file');
  return (await fetch(url, { method: 'POST', body: form })).status;
}

const complete = ({ url }: TestApp, { accessToken: token }: Person, id: string): Promise<Answer> => ask(url, `/file/${id}/complete`, { method: 'POST', token });

test('a file goes to Cloudinary past this server, is looked at when it has come, and stays what it was', async (t) => {
  const server = await build(t);
  const ann = await server.person('Ann');
  const image = await picture(500, 300).png().toBuffer();
  const direct = await ann.call('files.create', { name: 'a picture.png', size: image.length });
  assert.equal(direct.protocol, 'form');
  requireError(await complete(server, ann, direct.id), 'UPLOAD_INCOMPLETE');
  assert.equal(await sendForm(direct, image), 200);
  const { status, body } = await complete(server, ann, direct.id);
  const { kind, width, size } = body as FileInfo;
  assert.deepEqual([status, kind, width, size], [200, 'image', 500, image.length]);
  assert.equal(await sendForm(direct, '<script>'), 200);
  assert.ok(image.equals(Buffer.from(await (await get(server, ann, direct.id)).arrayBuffer())));
  assert.deepEqual([...server.cloud.kept.keys()].sort(), [`raw/authenticated/parley/${direct.id}`, `raw/authenticated/parley/${direct.id}-thumbnail`]);
});

test('a form is good for what it was made for alone', async (t) => {
  const server = await build(t);
  const ann = await server.person('Ann');
  const direct = await ann.call('files.create', { name: 'x', size: 5 });
  const fields = direct.fields ?? {};
  for (const other of [{ public_id: 'parley/another' }, { overwrite: 'true' }, { type: 'upload' }]) assert.equal(await sendForm({ ...direct, fields: { ...fields, ...other } }, 'other'), 401);
  assert.equal(await sendForm(direct, 'more than five'), 200);
  requireError(await complete(server, ann, direct.id), 'FILE_TOO_LARGE');
  assert.deepEqual([server.cloud.kept.size, (await ann.call('files.quota')).used], [0, 0]);
});

test('what is sent once more by the form of a file that is gone goes, too', async (t) => {
  const server = await build(t);
  const ann = await server.person('Ann');
  const direct = await ann.call('files.create', { name: 'x', size: 5 });
  await ann.call('files.remove', { id: direct.id });
  assert.equal(await sendForm(direct, 'again'), 200);
  assert.equal(server.cloud.kept.size, 1);
  const { db } = await connect(t, server.mongodbUri);
  await db?.collection('files').updateMany({}, { $set: { createdAt: new Date(0), checkAt: new Date(0) } });
  await until('it is gone', async () => server.cloud.kept.size === 0 && (await db?.collection('files').countDocuments()) === 0);
});
