/** Files in pieces: whatever breaks off on the way goes on from where it was, by the client of tus itself. */
import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { readdir, stat } from 'node:fs/promises';
import { connect, type Socket } from 'node:net';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { Upload } from 'tus-js-client';
import type { FileInfo } from '../../src/core/file.ts';
import type { DirectUpload } from '../../src/features/files/files.contract.ts';
import { buildTestApp, type TestApp } from '../helpers/app.ts';
import { picture, toPiece, tus } from '../helpers/files.ts';
import type { Person } from '../helpers/people.ts';
import { until } from '../helpers/until.ts';
import { ask, exchange, requireError, type Answer } from './ask.ts';

const megabyte = 1024 * 1024;

const begin = (person: Person, content: Buffer, name = 'a file.bin'): Promise<DirectUpload> => person.call('files.create', { name, size: content.length });

const complete = async ({ url }: TestApp, { accessToken: token }: Person, id: string): Promise<Answer> => ask(url, `/file/${id}/complete`, { method: 'POST', token });

async function requireWhole(server: TestApp, person: Person, id: string): Promise<FileInfo> {
  const { status, body } = await complete(server, person, id);
  assert.equal(status, 200, JSON.stringify(body));
  return body as FileInfo;
}

/** Sends it by the client of tus, until it has come, or `stop` says that so many bytes are enough. */
const send = ({ url }: TestApp, { accessToken }: Person, { url: address }: DirectUpload, content: Buffer, { chunkSize = Infinity, stop }: { chunkSize?: number; stop?: (sent: number) => unknown } = {}): Promise<'sent' | 'stopped'> =>
  new Promise((resolve, reject) => {
    const upload = new Upload(content, {
      uploadUrl: url + new URL(address).pathname,
      chunkSize,
      retryDelays: null,
      headers: { authorization: `Bearer ${accessToken}` },
      onError: reject,
      onSuccess: () => resolve('sent'),
      onProgress: (sent) => {
        if (stop?.(sent)) void upload.abort().then(() => resolve('stopped'), reject);
      },
    });
    upload.start();
  });

const patch = ({ url }: TestApp, { accessToken: token }: Person, id: string, offset: number | string, content: Buffer | string, headers: Record<string, string> = {}): Promise<Answer> => {
  const piece = toPiece(content, offset);
  return ask(url, `/file/${id}/upload`, { method: 'PATCH', token, ...piece, headers: { ...piece.headers, ...headers } });
};

const progress = async ({ url }: TestApp, { accessToken: token }: Person, id: string): Promise<[status: number, offset: string | null, length: string | null]> => {
  const { status, headers } = await ask(url, `/file/${id}/upload`, { method: 'HEAD', token, headers: tus });
  return [status, headers.get('upload-offset'), headers.get('upload-length')];
};

/** How much of it lies on the disk. */
const sizeOf = async ({ dataDir }: TestApp, id: string): Promise<number> => (await stat(join(dataDir, 'files', 'incoming', id, 'file'))).size;

/** A piece that comes to a stop half-way, over a socket of its own. */
function beginPiece(t: TestContext, { url }: TestApp, { accessToken }: Person, id: string, content: Buffer): Socket {
  const socket = connect(Number(new URL(url).port), '127.0.0.1');
  t.after(() => socket.destroy());
  socket.on('error', () => undefined);
  const head = [`PATCH /file/${id}/upload HTTP/1.1`, 'Host: x', `Authorization: Bearer ${accessToken}`, 'Tus-Resumable: 1.0.0', 'Upload-Offset: 0', 'Content-Type: application/offset+octet-stream', `Content-Length: ${content.length}`, '', ''];
  socket.write(head.join('\r\n'));
  socket.write(content.subarray(0, content.length / 2));
  return socket;
}

const hash = (content: Buffer): string => createHash('sha256').update(content).digest('hex');

async function contentOf({ url }: TestApp, { accessToken }: Person, id: string): Promise<Buffer> {
  return Buffer.from(await (await fetch(`${url}/file/${id}/content`, { headers: { authorization: `Bearer ${accessToken}` } })).arrayBuffer());
}

test('a file comes in pieces, is completed, given to a message, and had as it was', async (t) => {
  const server = await buildTestApp(t);
  const [ann, bob] = await Promise.all([server.person('Ann'), server.person('Bob')]);
  const image = await picture(800, 600).png({ compressionLevel: 0 }).toBuffer();
  const direct = await begin(ann, image, '../photo of us.png');
  assert.deepEqual([direct.protocol, direct.url], ['tus', `http://127.0.0.1:3000/file/${direct.id}/upload`]);
  assert.equal((await ann.call('files.quota')).used, image.length);
  assert.equal(await send(server, ann, direct, image, { chunkSize: 200_000 }), 'sent');
  const file = await requireWhole(server, ann, direct.id);
  assert.deepEqual([file.id, file.name, file.kind, file.mime, file.width, file.size], [direct.id, 'photo of us.png', 'image', 'image/png', 800, image.length]);
  const { files } = await ann.call('messages.send', { to: bob.id, fileIds: [file.id] });
  assert.deepEqual(files, [file]);
  assert.equal(hash(await contentOf(server, bob, file.id)), hash(image));
  assert.deepEqual(await readdir(join(server.dataDir, 'files', 'incoming')), []);
});

test('an upload that was broken off goes on from where it was', async (t) => {
  const server = await buildTestApp(t);
  const ann = await server.person('Ann');
  const content = randomBytes(20 * megabyte);
  const direct = await begin(ann, content);
  assert.equal(await send(server, ann, direct, content, { stop: (sent) => sent > 5 * megabyte }), 'stopped');
  const come = Number((await progress(server, ann, direct.id))[1]);
  assert.ok(come > 0 && come < content.length);
  requireError(await complete(server, ann, direct.id), 'UPLOAD_INCOMPLETE');
  let first: number | undefined;
  await send(server, ann, direct, content, { stop: (sent) => void (first ??= sent) });
  assert.ok((first ?? 0) >= come, 'nothing is sent twice');
  const { id } = await requireWhole(server, ann, direct.id);
  assert.equal(hash(await contentOf(server, ann, id)), hash(content));
});

test('whoever comes again takes the place of a connection that is dead without knowing it', async (t) => {
  const server = await buildTestApp(t);
  const ann = await server.person('Ann');
  const content = randomBytes(2 * megabyte);
  const { id } = await begin(ann, content);
  beginPiece(t, server, ann, id, content);
  await until('half of it has come', async () => (await sizeOf(server, id)) === megabyte);
  assert.equal((await patch(server, ann, id, megabyte, content.subarray(megabyte))).status, 204);
  await requireWhole(server, ann, id);
  assert.equal(hash(await contentOf(server, ann, id)), hash(content));
});

test('of a piece whose connection breaks stays what has come', async (t) => {
  const server = await buildTestApp(t);
  const ann = await server.person('Ann');
  const content = randomBytes(megabyte);
  const { id } = await begin(ann, content);
  const socket = beginPiece(t, server, ann, id, content);
  await until('half of it has come', async () => (await sizeOf(server, id)) === megabyte / 2);
  socket.destroy();
  assert.equal((await patch(server, ann, id, megabyte / 2, content.subarray(megabyte / 2))).status, 204);
  await requireWhole(server, ann, id);
});

test('two who say at once that it has come are told the same, and so is whoever says it later', async (t) => {
  const server = await buildTestApp(t);
  const ann = await server.person('Ann');
  const { id } = await begin(ann, Buffer.from('a text'));
  await patch(server, ann, id, 0, 'a text');
  const both = await Promise.all([requireWhole(server, ann, id), requireWhole(server, ann, id)]);
  assert.deepEqual([both[1], await requireWhole(server, ann, id)], [both[0], both[0]]);
  assert.deepEqual(await progress(server, ann, id), [200, '6', '6']);
  requireError(await patch(server, ann, id, 0, 'another'), 'OFFSET_WRONG');
  assert.equal(String(await contentOf(server, ann, id)), 'a text');
});

test('what is no piece of this file is refused, and changes nothing', async (t) => {
  const server = await buildTestApp(t);
  const [ann, eve] = await Promise.all([server.person('Ann'), server.person('Eve')]);
  const { id } = await begin(ann, Buffer.from('a text'));
  requireError(await patch(server, eve, id, 0, 'a text'), 'FILE_NOT_FOUND');
  requireError(await complete(server, eve, id), 'FILE_NOT_FOUND');
  assert.equal((await progress(server, eve, id))[0], 404);
  requireError(await patch(server, ann, '0123456789abcdef01234567', 0, 'a text'), 'FILE_NOT_FOUND');
  requireError(await patch(server, ann, 'nothing', 0, 'a text'), 'VALIDATION_FAILED');
  requireError(await patch(server, ann, id, 3, 'ext'), 'OFFSET_WRONG');
  for (const offset of ['-1', '1.5', 'x', '']) requireError(await patch(server, ann, id, offset, 'a text'), 'VALIDATION_FAILED');
  requireError(await patch(server, ann, id, 0, 'a text', { 'tus-resumable': '0.2.2' }), 'TUS_VERSION');
  requireError(await patch(server, ann, id, 0, '{}', { 'content-type': 'application/json' }), 'UNSUPPORTED_MEDIA_TYPE');
  requireError(await ask(server.url, `/file/${id}/upload`, { method: 'PATCH', ...toPiece('a text') }), 'UNAUTHENTICATED');
  assert.deepEqual(await progress(server, ann, id), [200, '0', '6']);
});

test('more bytes than were announced are not taken', async (t) => {
  const server = await buildTestApp(t);
  const ann = await server.person('Ann');
  const { id } = await begin(ann, Buffer.from('a text'));
  requireError(await patch(server, ann, id, 0, 'a text and more'), 'FILE_TOO_LARGE');
  assert.deepEqual(await progress(server, ann, id), [200, '0', '6']);
  // Not announced, they may come; then no more are read than fit.
  await exchange(server.url, [`PATCH /file/${id}/upload HTTP/1.1`, 'Host: x', `Authorization: Bearer ${ann.accessToken}`, 'Tus-Resumable: 1.0.0', 'Upload-Offset: 0', 'Content-Type: application/offset+octet-stream', 'Transfer-Encoding: chunked', 'Connection: close', '', '9', 'a text an', '6', 'd more', '0', '', ''].join('\r\n'));
  const [, come] = await progress(server, ann, id);
  await patch(server, ann, id, come ?? 0, 'a text'.slice(Number(come)));
  assert.equal((await requireWhole(server, ann, id)).size, 6);
});

test('what is too large, or has no room, is refused before it comes; what is lying is gone once it has', async (t) => {
  const server = await buildTestApp(t, { env: { FILE_LIMIT_MB: '2', FILE_QUOTA_MB: '3' } });
  const ann = await server.person('Ann');
  await assert.rejects(ann.call('files.create', { name: 'x', size: 2 * megabyte + 1 }), { code: 'FILE_TOO_LARGE', details: { maximum: 2 * megabyte } });
  await ann.call('files.create', { name: 'x', size: 2 * megabyte });
  await assert.rejects(ann.call('files.create', { name: 'x', size: megabyte + 1 }), { code: 'QUOTA_EXCEEDED', details: { left: megabyte } });
  for (const size of [0, -1, 1.5, '1']) await assert.rejects(ann.call('files.create', { name: 'x', size }), { code: 'VALIDATION_FAILED' });
  const broken = (await picture().png().toBuffer()).subarray(0, 60);
  const { id } = await begin(ann, broken);
  await patch(server, ann, id, 0, broken);
  requireError(await complete(server, ann, id), 'IMAGE_UNFIT');
  requireError(await complete(server, ann, id), 'FILE_NOT_FOUND');
  assert.equal((await ann.call('files.quota')).used, 2 * megabyte);
});

test('a file on its way can be removed, and nothing of it is left', async (t) => {
  const server = await buildTestApp(t);
  const ann = await server.person('Ann');
  const { id } = await begin(ann, Buffer.from('a text'));
  await patch(server, ann, id, 0, 'a te');
  await ann.call('files.remove', { id });
  assert.deepEqual([await readdir(join(server.dataDir, 'files', 'incoming')), (await ann.call('files.quota')).used], [[], 0]);
  requireError(await patch(server, ann, id, 4, 'xt'), 'FILE_NOT_FOUND');
  assert.equal((await progress(server, ann, id))[0], 404);
});

test('a page of the app may send pieces, and read how far they have come', async (t) => {
  const server = await buildTestApp(t, { env: { APP_URL: 'https://app.example.org' } });
  const ann = await server.person('Ann');
  const { id } = await begin(ann, Buffer.from('a text'));
  const origin = 'https://app.example.org';
  const asked = await fetch(`${server.url}/file/${id}/upload`, { method: 'OPTIONS', headers: { origin, 'access-control-request-method': 'PATCH', 'access-control-request-headers': 'authorization,content-type,tus-resumable,upload-offset' } });
  assert.match(asked.headers.get('access-control-allow-methods') ?? '', /PATCH/);
  assert.match(asked.headers.get('access-control-allow-headers') ?? '', /upload-offset/);
  const { headers } = await patch(server, ann, id, 0, 'a text', { origin });
  assert.match(headers.get('access-control-expose-headers') ?? '', /upload-offset/);
});
