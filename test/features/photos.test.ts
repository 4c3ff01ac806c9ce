/** Photos of people and groups: made square, in three sizes, for everybody; and gone when another takes their place. */
import assert from 'node:assert/strict';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import sharp from 'sharp';
import type { Photo } from '../../src/core/photo.ts';
import { buildTestApp, type TestApp } from '../helpers/app.ts';
import { picture, toForm, upload } from '../helpers/files.ts';
import type { Output } from '../helpers/people.ts';
import { until } from '../helpers/until.ts';
import { ask, requireError } from '../transports/ask.ts';

const quick = { fileMilliseconds: { sweep: 20, release: 200 } };

const pathOf = (url = ''): string => new URL(url).pathname;

/** What is at each of its addresses, without a token. */
const fetchAll = async ({ url }: TestApp, photo: Photo | undefined): Promise<Response[]> =>
  Promise.all([photo?.small, photo?.medium, photo?.url].map((address) => fetch(url + pathOf(address))));

const kept = async ({ dataDir }: TestApp): Promise<string[]> =>
  (await readdir(join(dataDir, 'files'), { recursive: true, withFileTypes: true })).filter((entry) => entry.isFile()).map(({ name }) => name);

test('a photo is square, in three sizes, and says nothing of where it was taken', async (t) => {
  const server = await buildTestApp(t);
  const ann = await server.person('Ann');
  const exif = { IFD0: { Copyright: 'somebody' }, IFD3: { GPSLatitudeRef: 'N', GPSLatitude: '51/1 30/1 0/1' } };
  const { id } = await upload(server.url, ann, await picture(900, 600).withExif(exif).withMetadata({ orientation: 6 }).jpeg().toBuffer());
  const { photo } = await ann.call('users.update', { id: 'me', photo: id });
  assert.match(photo?.thumbhash ?? '', /^[A-Za-z0-9+/]{20,}=*$/);
  for (const [index, response] of (await fetchAll(server, photo)).entries()) {
    assert.deepEqual([response.status, response.headers.get('content-type'), response.headers.get('cache-control')], [200, 'image/webp', 'public, max-age=31536000, immutable']);
    const { width, height, exif: left, orientation } = await sharp(Buffer.from(await response.arrayBuffer())).metadata();
    const side = [64, 256, 640][index];
    assert.deepEqual([width, height, left, orientation], [side, side, undefined, undefined]);
  }
});

test('everybody sees the photo of a person, those who share a chat hear of it, and it is hers alone to change', async (t) => {
  const server = await buildTestApp(t);
  const [ann, bob] = await Promise.all([server.person('Ann'), server.person('Bob')]);
  await ann.call('messages.send', { to: bob.id, text: 'hello' });
  const socket = await bob.socket();
  const { id } = await upload(server.url, ann, await picture().png().toBuffer());
  await assert.rejects(bob.call('users.update', { id: 'me', photo: id }), { code: 'FILE_NOT_FOUND' });
  await assert.rejects(bob.call('users.update', { id: ann.id, photo: null }), { code: 'NOT_YOURSELF' });
  const { photo } = await ann.call('users.update', { id: 'me', photo: id });
  assert.deepEqual((await bob.call('users.get', { id: ann.id })).photo, photo);
  assert.deepEqual(((await socket.next('member.updated')).params['user'] as { photo: Photo }).photo, photo);
});

test('a photo comes with a form as well, beside other fields, in the field `photo` alone', async (t) => {
  const server = await buildTestApp(t);
  const ann = await server.person('Ann');
  const form = new FormData();
  form.append('firstName', 'Anna');
  form.append('photo', new Blob([await picture().webp().toBuffer()]), 'me.webp');
  const response = await fetch(`${server.url}/user/me`, { method: 'PATCH', body: form, headers: { authorization: `Bearer ${ann.accessToken}` } });
  const { firstName, photo } = (await response.json()) as Output<'users.me'>;
  assert.deepEqual([response.status, firstName, (await fetchAll(server, photo)).map(({ status }) => status)], [200, 'Anna', [200, 200, 200]]);
  const image = await picture().png().toBuffer();
  requireError(await ask(server.url, '/user/me', { method: 'POST', token: ann.accessToken, ...(await toForm(image, { field: 'picture' })) }), 'FILE_MISSING');
});

test('what fails leaves nothing behind: no image, one that is broken, one that is too large, and a field that is wrong', async (t) => {
  const server = await buildTestApp(t);
  const ann = await server.person('Ann');
  const send = async (content: Buffer | string, path = '/user/me/photo') => ask(server.url, path, { method: 'POST', token: ann.accessToken, ...(await toForm(content, { field: 'photo' })) });
  requireError(await send('<svg xmlns="http://www.w3.org/2000/svg"/>'), 'IMAGE_EXPECTED');
  requireError(await send((await picture(300, 300).png().toBuffer()).subarray(0, 200)), 'IMAGE_UNFIT');
  requireError(await send(Buffer.alloc(11 * 1024 * 1024)), 'FILE_TOO_LARGE');
  requireError(await send(await picture().png().toBuffer(), `/user/${'0'.repeat(24)}/photo`), 'NOT_YOURSELF');
  const form = new FormData();
  form.append('photo', new Blob([await picture().png().toBuffer()]), 'me.png');
  form.append('role', 'admin');
  const response = await fetch(`${server.url}/user/me`, { method: 'POST', body: form, headers: { authorization: `Bearer ${ann.accessToken}` } });
  assert.equal(((await response.json()) as { code: string }).code, 'VALIDATION_FAILED');
  assert.deepEqual(await kept(server), []);
  assert.equal((await ann.call('files.quota')).used, 0);
});

test('of a file that a message has a photo is made, and the file stays', async (t) => {
  const server = await buildTestApp(t, quick);
  const ann = await server.person('Ann');
  const { id } = await upload(server.url, ann, await picture().png().toBuffer());
  await ann.call('messages.send', { to: ann.id, fileIds: [id] });
  await ann.call('users.update', { id: 'me', photo: id });
  await until('three of the photo, two of the file', async () => (await kept(server)).length === 5);
  await ann.call('users.update', { id: 'me', photo: null });
  await until('the photo is gone', async () => (await kept(server)).length === 2);
});

test('a photo that another replaces is gone, and so is one that is taken away; each has addresses of its own', async (t) => {
  const server = await buildTestApp(t, quick);
  const ann = await server.person('Ann');
  const image = await picture().png().toBuffer();
  const setPhoto = async () => (await ann.call('users.update', { id: 'me', photo: (await upload(server.url, ann, image)).id })).photo;
  const first = await setPhoto();
  const second = await setPhoto();
  assert.notEqual(first?.url, second?.url);
  await until('the first is gone, and what both were made of', async () => (await kept(server)).length === 3);
  const statuses = async (photo: Photo | undefined) => (await fetchAll(server, photo)).map(({ status }) => status);
  assert.deepEqual([await statuses(first), await statuses(second)], [[404, 404, 404], [200, 200, 200]]);
  assert.equal((await fetchAll(server, first))[0]?.headers.get('cache-control')?.includes('immutable') ?? false, false);
  assert.equal((await ann.call('users.update', { id: 'me', photo: null })).photo, undefined);
  await until('nothing is left', async () => (await kept(server)).length === 0);
  assert.equal((await ann.call('files.quota')).used, 0);
});

test('with an account goes its photo', async (t) => {
  const server = await buildTestApp(t, quick);
  const ann = await server.person('Ann');
  await ann.call('users.update', { id: 'me', photo: (await upload(server.url, ann, await picture().png().toBuffer())).id });
  await ann.call('account.remove', { password: ann.password, messages: 'keep' });
  await until('nothing is left', async () => (await kept(server)).length === 0);
});

test('a group has a photo, which a notice tells of; who may not change the group changes none', async (t) => {
  const server = await buildTestApp(t, quick);
  const [ann, bob] = await Promise.all([server.person('Ann'), server.person('Bob')]);
  const { id } = await ann.call('groups.create', { title: 'Group', userIds: [bob.id] });
  const socket = await bob.socket();
  const image = await picture().png().toBuffer();
  await assert.rejects(bob.call('groups.update', { id, photo: (await upload(server.url, bob, image)).id }), { code: 'NOT_ALLOWED' });
  const { photo } = await ann.call('groups.update', { id, photo: (await upload(server.url, ann, image)).id });
  const { params } = await socket.next('notice.created');
  assert.deepEqual((params['chat'] as { photo: Photo }).photo, photo);
  assert.equal((params['message'] as { notice: { photo: string } }).notice.photo, 'set');
  assert.deepEqual((await bob.call('chats.get', { id })).photo, photo);
  assert.deepEqual((await fetchAll(server, photo)).map(({ status }) => status), [200, 200, 200]);
  assert.equal((await ann.call('groups.update', { id, photo: null })).photo, undefined);
  assert.equal(((await socket.next('notice.created')).params['message'] as { notice: { photo: string } }).notice.photo, 'removed');
  await ann.call('groups.update', { id, photo: null });
  assert.equal((await bob.call('chats.get', { id })).head.seq, 3, 'what is not there is not taken away again');
  await until('what is left is what Bob has sent in', async () => (await kept(server)).length === 2);
});
