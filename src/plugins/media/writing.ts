/** Writing to a disk what comes, and no more than may. */
import { createWriteStream } from 'node:fs';
import { statfs } from 'node:fs/promises';
import { Transform, type Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { AppError } from '../../core/errors.ts';
import { toDiskError } from './disk.ts';

/** Bytes that stay free: the database of a small server is on the same disk. */
const reserve = 256 * 1024 * 1024;

/** @throws DISK_FULL if not so many bytes can come into the folder */
export async function requireRoom(folder: string, size: number): Promise<void> {
  const { bavail, bsize } = await statfs(folder);
  if (bavail * bsize - size < reserve) throw new AppError('DISK_FULL');
}

export interface Writing {
  /** Bytes that may come. */
  limit: number;
  /** Where to go on in a file that is there; without it there must be none. */
  start?: number;
  signal?: AbortSignal;
}

/**
 * What has come whole is on the disk itself when this ends.
 * @returns how many bytes have come; more than the limit, where it has left off reading
 * @throws DISK_FULL, MEDIA_UNAVAILABLE, and what the content fails with
 */
export async function write(content: Readable, path: string, { limit, start, signal }: Writing): Promise<number> {
  let size = 0;
  const over = new AbortController();
  const counting = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      const room = Math.max(0, limit - size);
      size += chunk.length;
      if (size > limit) over.abort();
      done(null, chunk.subarray(0, room));
    },
  });
  const file = createWriteStream(path, { mode: 0o600, flush: true, ...(start === undefined ? { flags: 'wx' } : { flags: 'r+', start }) });
  let fault: unknown;
  file.once('error', (error) => (fault = error));
  try {
    await pipeline(content, counting, file, { signal: signal ? AbortSignal.any([over.signal, signal]) : over.signal });
  } catch (error) {
    if (size <= limit) throw error === fault ? toDiskError(error) : error;
  }
  return size;
}
