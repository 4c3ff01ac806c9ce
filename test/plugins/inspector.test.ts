/** What looks into files: by their bytes alone, and whatever is in them. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { deflateSync, gzipSync } from 'node:zlib';
import sharp from 'sharp';
import { createInspector } from '../../src/plugins/inspector/index.ts';
import { most } from '../../src/plugins/inspector/limits.ts';
import { chunk, pngHeader, sound } from '../helpers/media.ts';
import { picture } from '../helpers/files.ts';
import { until } from '../helpers/until.ts';

async function inspecting(t: TestContext) {
  const folder = await mkdtemp(join(tmpdir(), 'parley-inspector-'));
  const faults: unknown[] = [];
  const inspector = createInspector((error) => faults.push(error));
  t.after(async () => {
    await inspector.close();
    await rm(folder, { recursive: true });
  });
  const [path, thumbnailPath] = [join(folder, 'file'), join(folder, 'thumbnail')];
  const inspect = async (content: Buffer | string) => {
    await writeFile(path, content);
    return inspector.inspect(path, thumbnailPath);
  };
  const refuses = async (content: Buffer, reason: RegExp): Promise<void> => {
    await assert.rejects(inspect(content), (error: { code?: string; details?: { reason: string } }) => error.code === 'IMAGE_UNFIT' && reason.test(error.details?.reason ?? ''));
  };
  return { inspect, refuses, thumbnailPath, faults };
}

/** The process that looks into files, of this one. */
const childOf = (): string => execFileSync('ps', ['--ppid', String(process.pid), '-o', 'pid=,rss=,args='], { encoding: 'utf8' }).split('\n').find((line) => line.includes('inspector/process')) ?? '';

const formats = ['jpeg', 'png', 'webp', 'gif', 'avif'] as const;

test('of an image it says how large it is, and makes a small one', async (t) => {
  const { inspect, thumbnailPath } = await inspecting(t);
  for (const format of formats) {
    const { thumbhash = '', ...found } = await inspect(await picture(900, 450).toFormat(format).toBuffer());
    assert.deepEqual(found, { kind: 'image', mime: `image/${format}`, width: 900, height: 450 });
    assert.match(thumbhash, /^[A-Za-z0-9+/]{20,}=*$/);
    const { width, height, format: made } = await sharp(thumbnailPath).metadata();
    assert.deepEqual([width, height, made], [400, 200, 'webp']);
  }
});

test('an image that lies on its side is measured as it is to be seen, and the small one says nothing of where it was taken', async (t) => {
  const { inspect, thumbnailPath } = await inspecting(t);
  const exif = { IFD0: { Copyright: 'somebody' }, IFD3: { GPSLatitudeRef: 'N', GPSLatitude: '51/1 30/1 0/1' } };
  const photo = await picture(80, 40).withExif(exif).withMetadata({ orientation: 6 }).jpeg().toBuffer();
  assert.notEqual((await sharp(photo).metadata()).exif, undefined);
  const { width, height } = await inspect(photo);
  const small = await sharp(thumbnailPath).metadata();
  assert.deepEqual([width, height, small.width, small.height, small.exif, small.orientation], [40, 80, 40, 80, undefined, undefined]);
});

test('of an image that moves the first picture is the small one', async (t) => {
  const { inspect } = await inspecting(t);
  const frames = await Promise.all([1, 2, 3].map(() => picture(30, 20).png().toBuffer()));
  const gif = await sharp(frames, { join: { animated: true } }).gif().toBuffer();
  const { kind, width, height } = await inspect(gif);
  assert.deepEqual({ kind, width, height }, { kind: 'image', width: 30, height: 20 });
});

const asIs: [what: string, content: Buffer | string, mime: string][] = [
  ['a text', 'some words', 'text/plain'],
  ['a page', '<!doctype html><script>alert(1)</script>', 'text/plain'],
  ['a drawing with a script', '<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>', 'text/plain'],
  ['XML', '<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg"/>', 'application/xml'],
  ['a drawing, packed', gzipSync('<svg xmlns="http://www.w3.org/2000/svg"/>'), 'application/gzip'],
  ['bytes of nothing known', Buffer.from([1, 2, 3, 0, 255]), 'application/octet-stream'],
  ['a PDF', '%PDF-1.7\n', 'application/pdf'],
];
test('what a browser might run, and whatever else is no image, is a file that nothing shows', async (t) => {
  const { inspect } = await inspecting(t);
  for (const [what, content, mime] of asIs) assert.deepEqual(await inspect(content), { kind: 'file', mime }, what);
});

test('what is an image and a page or a program as well is an image, and no more', async (t) => {
  const { inspect } = await inspecting(t);
  const gif = Buffer.from('GIF89a/*', 'latin1');
  const program = Buffer.concat([await picture(1, 1).gif().toBuffer(), Buffer.from('*/=1;alert(1)//')]);
  assert.equal((await inspect(program)).mime, 'image/gif');
  const page = Buffer.concat([await picture().jpeg().toBuffer(), Buffer.from('<script>alert(1)</script>')]);
  assert.equal((await inspect(page)).mime, 'image/jpeg');
  await assert.rejects(inspect(Buffer.concat([gif, Buffer.from('*/=1;alert(1)')])), { code: 'IMAGE_UNFIT' });
});

test('what is no image but begins like one is refused, and so is one that is cut off', async (t) => {
  const { refuses } = await inspecting(t);
  const noise = Buffer.alloc(2000, 'x');
  for (const format of formats) {
    const image = await sharp({ create: { width: 200, height: 200, channels: 3, background: 'black', noise: { type: 'gaussian', mean: 128, sigma: 60 } } }).toFormat(format).toBuffer();
    await refuses(Buffer.concat([image.subarray(0, 40), noise]), /broken/);
    await refuses(image.subarray(0, image.length / 2), /broken/);
  }
});

test('an image with too many pixels is refused before it is unpacked, in no time and no room', async (t) => {
  const { refuses, inspect } = await inspecting(t);
  await inspect(await picture().png().toBuffer());
  const [, before = 0] = childOf().trim().split(/\s+/).map(Number);
  const bomb = Buffer.concat([pngHeader(30_000, 30_000), chunk('IDAT', deflateSync(Buffer.alloc(20_000_000))), chunk('IEND', Buffer.alloc(0))]);
  await refuses(bomb, /million pixels/);
  const [, after = 0] = childOf().trim().split(/\s+/).map(Number);
  assert.ok(after - before < 50_000, `it took ${after - before} kB`);
});

test('an image that moves for too long is refused before it is unpacked', async (t) => {
  const { refuses } = await inspecting(t);
  const one = await picture(8, 8).gif().toBuffer();
  // Between the header with its colours and the end lies the one frame.
  const start = one.indexOf(Buffer.from([0x21, 0xf9, 4]));
  const frame = one.subarray(start < 0 ? one.indexOf(0x2c) : start, -1);
  const bomb = Buffer.concat([one.subarray(0, -1), ...Array.from({ length: most.frames }, () => frame), one.subarray(-1)]);
  await refuses(bomb, /moves for too long/);
});

test('of sound it says how long it takes', async (t) => {
  const { inspect } = await inspecting(t);
  assert.deepEqual(await inspect(sound(1.5)), { kind: 'audio', mime: 'audio/wav', duration: 1.5 });
});

test('many are looked at one after another, in one process', async (t) => {
  const { inspect, thumbnailPath } = await inspecting(t);
  const image = await picture().png().toBuffer();
  await inspect(image);
  const first = childOf();
  assert.ok(first);
  await Promise.all(Array.from({ length: 20 }, () => inspect(image)));
  assert.ok(existsSync(thumbnailPath));
  assert.equal(childOf().split(' ')[0], first.split(' ')[0]);
});

test('a process that ends while it looks takes nothing along: the file is one that nothing shows, and the next is looked at', async (t) => {
  const { inspect, faults } = await inspecting(t);
  const image = await picture(4000, 4000).png().toBuffer();
  const looking = inspect(image);
  const line = await until('the process', childOf);
  process.kill(Number.parseInt(line, 10), 'SIGKILL');
  assert.deepEqual(await looking, { kind: 'file', mime: 'application/octet-stream' });
  assert.equal(faults.length, 1);
  assert.equal((await inspect(image)).kind, 'image');
});
