/** Files over HTTP: how they come in, whole or not at all, and how they go out, to be shown or downloaded and nothing else. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { readdir } from 'node:fs/promises';
import { connect, type Socket } from 'node:net';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { addressLifetime, createFileAddresses } from '../../src/features/files/file.addresses.ts';
import { buildTestApp, type TestApp } from '../helpers/app.ts';
import { picture, toForm, upload } from '../helpers/files.ts';
import type { Person } from '../helpers/people.ts';
import { until } from '../helpers/until.ts';
import { ask, requireError, type Answer } from './ask.ts';

const get = (url: string, { accessToken }: Person, id: string, headers: Record<string, string> = {}, method = 'GET'): Promise<Response> =>
  fetch(`${url}/file/${id}/content`, { method, headers: { authorization: `Bearer ${accessToken}`, ...headers } });

async function post({ url }: TestApp, { accessToken: token }: Person, asking: { raw: Buffer; headers: Record<string, string> }): Promise<Answer> {
  return ask(url, '/file', { method: 'POST', token, ...asking });
}

/** Nothing has come of it: no file is known, and none is kept. */
async function requireNothingLeft({ dataDir }: TestApp, person: Person): Promise<void> {
  await until('nothing is left', async () => {
    const kept = (await readdir(join(dataDir, 'files'), { recursive: true, withFileTypes: true })).filter((entry) => entry.isFile());
    return kept.length === 0 && (await person.call('files.quota')).used === 0;
  });
}

/** The beginning of a request that brings a file, over a socket of its own. */
async function beginUpload(t: TestContext, { url }: TestApp, { accessToken }: Person, content: Buffer): Promise<Socket> {
  const { raw, headers } = await toForm(content);
  const socket = connect(Number(new URL(url).port), '127.0.0.1');
  t.after(() => socket.destroy());
  socket.on('error', () => undefined);
  const head = ['POST /file HTTP/1.1', 'Host: x', `Authorization: Bearer ${accessToken}`, `Content-Type: ${headers['content-type']}`, `Content-Length: ${raw.length}`, '', ''];
  socket.write(head.join('\r\n'));
  socket.write(raw.subarray(0, raw.length / 2));
  return socket;
}

const hasBegun = ({ dataDir }: TestApp): Promise<boolean> => until('it comes in', async () => (await readdir(join(dataDir, 'files', 'incoming'))).length > 0);

test('what goes in comes out, whole and in ranges', async (t) => {
  const { url, person } = await buildTestApp(t);
  const ann = await person('Ann');
  const content = randomBytes(300_000);
  const { id, size } = await upload(url, ann, content);
  assert.equal(size, content.length);
  const whole = await get(url, ann, id);
  assert.deepEqual([whole.status, whole.headers.get('accept-ranges'), whole.headers.get('content-length')], [200, 'bytes', '300000']);
  assert.ok(content.equals(Buffer.from(await whole.arrayBuffer())));
  const ranges: [range: string, start: number, end: number][] = [['bytes=0-0', 0, 0], ['bytes=100-199', 100, 199], ['bytes=299990-', 299_990, 299_999], ['bytes=-5', 299_995, 299_999], ['bytes=299999-999999', 299_999, 299_999]];
  for (const [range, start, end] of ranges) {
    const part = await get(url, ann, id, { range });
    assert.deepEqual([part.status, part.headers.get('content-range'), part.headers.get('content-length')], [206, `bytes ${start}-${end}/300000`, String(end - start + 1)], range);
    assert.ok(content.subarray(start, end + 1).equals(Buffer.from(await part.arrayBuffer())), range);
  }
  for (const range of ['bytes=0-1,5-9', 'lines=0-1', 'bytes=x', '']) assert.equal((await get(url, ann, id, { range })).status, 200, range);
  const none = await get(url, ann, id, { range: 'bytes=300000-' });
  assert.deepEqual([none.status, none.headers.get('content-range'), (await none.arrayBuffer()).byteLength], [416, 'bytes */300000', 0]);
});

test('whoever has it is told that it is the same, and a range of another is all of this one', async (t) => {
  const { url, person } = await buildTestApp(t);
  const ann = await person('Ann');
  const { id } = await upload(url, ann, 'some words');
  const tag = (await get(url, ann, id)).headers.get('etag') ?? '';
  for (const known of [tag, `"other", ${tag}`, `W/${tag}`, '*']) assert.equal((await get(url, ann, id, { 'if-none-match': known })).status, 304, known);
  assert.equal((await get(url, ann, id, { 'if-none-match': '"other"' })).status, 200);
  assert.equal((await get(url, ann, id, { range: 'bytes=0-3', 'if-range': tag })).status, 206);
  assert.equal((await get(url, ann, id, { range: 'bytes=0-3', 'if-range': '"other"' })).status, 200);
});

test('HEAD tells what GET would, without the bytes', async (t) => {
  const { url, person } = await buildTestApp(t);
  const ann = await person('Ann');
  const { id } = await upload(url, ann, 'some words');
  const [head, whole] = [await get(url, ann, id, {}, 'HEAD'), await get(url, ann, id)];
  const told = ({ status, headers }: Response) => [status, ...['content-length', 'content-type', 'content-disposition', 'etag', 'accept-ranges'].map((name) => headers.get(name))];
  assert.deepEqual(told(head), told(whole));
  assert.equal((await head.arrayBuffer()).byteLength, 0);
});

test('an image is shown, and whatever a browser might run is downloaded, by its own name', async (t) => {
  const { url, person } = await buildTestApp(t);
  const ann = await person('Ann');
  const cases: [content: Buffer | string, name: string, type: string, disposition: string][] = [
    [await picture().png().toBuffer(), 'a.html', 'image/png', 'inline; filename=a.html'],
    ['<script>alert(1)</script>', 'a.png', 'application/octet-stream', 'attachment; filename=a.png'],
    ['<svg xmlns="http://www.w3.org/2000/svg"/>', 'a; b=.svg', 'application/octet-stream', 'attachment; filename="a; b=.svg"'],
    ['<?xml version="1.0"?><a/>', 'фото €.xml', 'application/octet-stream', "attachment; filename=\"???? ?.xml\"; filename*=utf-8''%D1%84%D0%BE%D1%82%D0%BE%20%E2%82%AC.xml"],
  ];
  for (const [content, name, type, disposition] of cases) {
    const { id } = await upload(url, ann, content, name);
    const { headers } = await get(url, ann, id);
    assert.deepEqual([headers.get('content-type'), headers.get('content-disposition')?.replace('UTF-8', 'utf-8')], [type, disposition], name);
    assert.equal(headers.get('x-content-type-options'), 'nosniff');
    assert.equal(headers.get('content-security-policy'), "default-src 'none'; sandbox");
    assert.equal(headers.get('cache-control'), 'private, no-cache');
  }
});

test('an address of a file is good without a token, for itself alone and for five minutes', async (t) => {
  const { url, person } = await buildTestApp(t);
  const ann = await person('Ann');
  const [one, other] = await Promise.all([upload(url, ann, await picture().png().toBuffer()), upload(url, ann)]);
  const { url: address, thumbnailUrl = '', expiresAt = '' } = await ann.call('files.get', { id: one.id });
  const path = (of: string): string => new URL(of).pathname + new URL(of).search;
  for (const [of, type] of [[address, 'image/png'], [thumbnailUrl, 'image/webp']] as const) {
    const answer = await fetch(url + path(of));
    assert.deepEqual([answer.status, answer.headers.get('content-type')], [200, type]);
  }
  assert.ok(Math.abs(Date.parse(expiresAt) - Date.now() - addressLifetime) < 60_000);
  const addresses = createFileAddresses('', ['a secret that is only good for tests']);
  const expired = addresses.of(one.id, 'content', new Date(Date.now() - 1000));
  const later = path(address).replace(/expires=(\d+)/, (_, seconds: string) => `expires=${Number(seconds) + 1}`);
  const forged = createFileAddresses('', ['another secret of the same length']).of(one.id, 'content', new Date(Date.now() + 1000));
  for (const bad of [expired, later, forged, path(address).replace(one.id, other.id), path(address).replace('/content', '/thumbnail'), path(address).replace(/signature=.*/, 'signature=x')]) {
    requireError(await ask(url, bad), 'ADDRESS_EXPIRED');
  }
  requireError(await ask(url, path(address).replace(/&signature=.*/, '')), 'UNAUTHENTICATED');
});

test('what is no form with one file in its field is refused, and nothing is left of it', async (t) => {
  const server = await buildTestApp(t);
  const ann = await server.person('Ann');
  const form = await toForm('some words');
  const [type, raw] = [form.headers['content-type'], form.raw.toString()];
  const boundary = /boundary=(.*)$/.exec(type)?.[1] ?? '';
  const withType = (contentType: string, text = raw) => post(server, ann, { raw: Buffer.from(text), headers: { 'content-type': contentType } });
  requireError(await withType('application/json', '{}'), 'UNSUPPORTED_MEDIA_TYPE');
  requireError(await withType('text/plain'), 'UNSUPPORTED_MEDIA_TYPE');
  requireError(await post(server, ann, await toForm('some words', { field: 'photo' })), 'FILE_MISSING');
  requireError(await withType(type, raw.replace(/; filename="[^"]*"/, '').replace(/content-type: .*\r\n/i, '')), 'FILE_MISSING');
  requireError(await withType(type, `--${boundary}--\r\n`), 'FILE_MISSING', 'BAD_REQUEST');
  requireError(await post(server, ann, await toForm('')), 'FILE_EMPTY');
  requireError(await withType('multipart/form-data'), 'BAD_REQUEST');
  requireError(await withType('multipart/form-data; boundary=other'), 'BAD_REQUEST', 'FILE_MISSING');
  requireError(await withType(type, raw.replace(`--${boundary}--`, '')), 'BAD_REQUEST');
  requireError(await post(server, ann, await toForm(Buffer.concat([Buffer.from('GIF89a'), Buffer.alloc(100)]))), 'IMAGE_UNFIT');
  await requireNothingLeft(server, ann);
  requireError(await ask(server.url, '/file', { method: 'POST', ...form }), 'UNAUTHENTICATED');
  requireError(await ask(server.url, '/file?name=x', { method: 'POST', token: ann.accessToken, ...form }), 'VALIDATION_FAILED');
});

test('of an upload that breaks off nothing is left', async (t) => {
  const server = await buildTestApp(t);
  const ann = await server.person('Ann');
  const socket = await beginUpload(t, server, ann, randomBytes(2_000_000));
  await hasBegun(server);
  socket.destroy();
  await requireNothingLeft(server, ann);
});

test('an upload whose session ends before it has come is refused, and nothing is left of it', async (t) => {
  const server = await buildTestApp(t);
  const ann = await server.person('Ann');
  const { raw, headers } = await toForm(randomBytes(2_000_000));
  const body = new ReadableStream<Uint8Array>({
    async start(controller) {
      controller.enqueue(raw.subarray(0, 1_000_000));
      await hasBegun(server);
      await ann.call('auth.logout');
      controller.enqueue(raw.subarray(1_000_000));
      controller.close();
    },
  });
  const response = await fetch(`${server.url}/file`, { method: 'POST', body, duplex: 'half', headers: { ...headers, authorization: `Bearer ${ann.accessToken}` } });
  assert.deepEqual([response.status, ((await response.json()) as { code: string }).code], [401, 'UNAUTHENTICATED']);
  const again = await server.dispatch.call('files.quota', ann.caller, {});
  assert.equal((again as { used: number }).used, 0);
});

test('a server that closes while a file comes in is gone soon, and the next finds nothing of it', async (t) => {
  const server = await buildTestApp(t);
  const ann = await server.person('Ann');
  const socket = await beginUpload(t, server, ann, randomBytes(2_000_000));
  await hasBegun(server);
  const closed = once(socket, 'close');
  await server.close();
  await closed;
  assert.deepEqual(await readdir(join(server.dataDir, 'files', 'incoming')), []);
});
