/** Where files come in: on the disk, piece by piece, and never whole in memory. */
import { randomUUID } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { mkdir, readdir, rm, stat, statfs } from 'node:fs/promises';
import { join } from 'node:path';
import { Transform, type Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { AppError } from '../../core/errors.ts';
import type { Spool } from '../../core/media.ts';
import { toDiskError } from './disk.ts';

/** Bytes that stay free: the database of a small server is on the same disk. */
const reserve = 256 * 1024 * 1024;

/** Milliseconds after which what lies here has been left by a process that was killed. */
const abandoned = 24 * 60 * 60 * 1000;

/** Makes the folder, and clears it of what was left there. @throws Error if it cannot be made */
export async function createSpool(folder: string): Promise<Spool> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  await removeAbandoned(folder);
  return {
    async take(content, limit) {
      const place = join(folder, randomUUID());
      const beside = (name: string): string => join(place, name);
      const path = beside('file');
      const drop = (): Promise<void> => rm(place, { recursive: true, force: true }).catch(() => undefined);
      try {
        await requireRoom(folder, limit);
        await mkdir(place, { mode: 0o700 });
        const size = await write(content, path, limit);
        if (size <= limit) return { path, beside, size, drop };
        await drop();
        return undefined;
      } catch (error) {
        await drop();
        throw error;
      }
    },
  };
}

async function requireRoom(folder: string, size: number): Promise<void> {
  const { bavail, bsize } = await statfs(folder);
  if (bavail * bsize - size < reserve) throw new AppError('DISK_FULL');
}

/** It is on the disk itself when this ends. @returns how many bytes have come; more than the limit, where it has left off reading */
async function write(content: Readable, path: string, limit: number): Promise<number> {
  let size = 0;
  const over = new AbortController();
  const counting = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      size += chunk.length;
      if (size > limit) over.abort();
      done(null, chunk);
    },
  });
  const file = createWriteStream(path, { mode: 0o600, flags: 'wx', flush: true });
  let fault: unknown;
  file.once('error', (error) => (fault = error));
  try {
    await pipeline(content, counting, file, { signal: over.signal });
  } catch (error) {
    if (size <= limit) throw error === fault ? toDiskError(error) : error;
  }
  return size;
}

async function removeAbandoned(folder: string): Promise<void> {
  for (const name of await readdir(folder)) {
    const path = join(folder, name);
    const found = await stat(path).catch(() => undefined);
    if (found && Date.now() - found.mtimeMs > abandoned) await rm(path, { recursive: true, force: true });
  }
}
