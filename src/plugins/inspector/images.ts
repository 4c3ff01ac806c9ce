/** Images: how large they are, a small one of each, and what stands in until that has come. */
import sharp from 'sharp';
import { rgbaToThumbHash } from 'thumbhash';
import type { Square } from '../../core/media.ts';
import { most } from './limits.ts';
import { Unfit } from './unfit.ts';

/** The longer side of a small image, in pixels. */
const thumbnailSide = 400;

/** The longer side of what a ThumbHash is made of; it takes no more than 100. */
const hashedSide = 100;

// Nothing is looked at twice. One thread for each image: several at once would take as much memory more.
sharp.cache(false);
sharp.concurrency(1);
// An image is what it begins as: no other way into the library is open.
sharp.block({ operation: ['VipsForeignLoad'] });
sharp.unblock({ operation: ['VipsForeignLoadJpegFile', 'VipsForeignLoadPngFile', 'VipsForeignLoadWebpFile', 'VipsForeignLoadNsgifFile', 'VipsForeignLoadHeifFile'] });

export interface Picture {
  width: number;
  height: number;
  thumbhash: string;
}

/** What an image is; a small one of it is made at the other path. @throws Unfit */
export async function depict(path: string, thumbnailPath: string): Promise<Picture> {
  const { width, height } = await measure(path);
  try {
    const upright = read(path).autoOrient();
    const small = upright.clone().resize({ width: thumbnailSide, height: thumbnailSide, fit: 'inside', withoutEnlargement: true });
    await small.webp({ quality: 75 }).toFile(thumbnailPath);
    return { width, height, thumbhash: await hashOf(thumbnailPath) };
  } catch (error) {
    throw new Unfit('it is broken, or cut off', error);
  }
}

/** Squares out of the middle of an image, without anything that a camera has written into it. @throws Unfit */
export async function square(path: string, squares: readonly Square[]): Promise<string> {
  await measure(path);
  try {
    const upright = read(path).autoOrient();
    for (const { side, path: made } of squares) await upright.clone().resize({ width: side, height: side, fit: 'cover' }).webp({ quality: 80 }).toFile(made);
    return await hashOf(squares[0]?.path ?? path);
  } catch (error) {
    throw new Unfit('it is broken, or cut off', error);
  }
}

/** In pixels, as it is to be seen, found without unpacking it. @throws Unfit */
async function measure(path: string): Promise<{ width: number; height: number }> {
  const { width, pageHeight, height, pages = 1, autoOrient } = await read(path, { pages: -1 }).metadata().catch((error: unknown) => {
    throw new Unfit('it is broken, or no image at all', error);
  });
  const tall = pageHeight ?? height;
  if (width * tall > most.pixels) throw new Unfit(`it has more than ${most.pixels / 1_000_000} million pixels`);
  if (pages > most.frames || width * tall * pages > most.movingPixels) throw new Unfit('it moves for too long');
  return pages > 1 ? { width, height: tall } : autoOrient;
}

// The limit is looked at before, where the reason can be told.
const read = (path: string, { pages = 1 } = {}) => sharp(path, { pages, limitInputPixels: false, failOn: 'error', sequentialRead: true });

async function hashOf(path: string): Promise<string> {
  const small = sharp(path).resize({ width: hashedSide, height: hashedSide, fit: 'inside' }).ensureAlpha().raw();
  const { data, info } = await small.toBuffer({ resolveWithObject: true });
  return Buffer.from(rgbaToThumbHash(info.width, info.height, data)).toString('base64');
}
