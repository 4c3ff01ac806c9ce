/** Files that come piece by piece: each lies on the disk as far as it has come. */
import { createReadStream } from 'node:fs';
import { mkdir, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { AppError } from '../../core/errors.ts';
import type { Piece, Pieces } from '../../core/media.ts';
import { createTurns } from '../../core/turns.ts';
import { codeOf, toDiskError } from './disk.ts';
import { requireRoom, write } from './writing.ts';

/** In the folder of the spool, which clears it of what was left there. */
export function createPieces(folder: string): Pieces {
  const placeOf = (key: string): string => join(folder, key);
  const pathOf = (key: string): string => join(folder, key, 'file');
  const turns = createTurns();
  // Whoever comes again has given up the connection before, which may be dead and not know it yet.
  const latest = new Map<string, AbortController>();

  return {
    async open(key) {
      try {
        await mkdir(placeOf(key), { mode: 0o700 });
        await writeFile(pathOf(key), '', { mode: 0o600, flag: 'wx' });
      } catch (error) {
        throw toDiskError(error);
      }
    },
    async offset(key) {
      latest.get(key)?.abort();
      return turns.take(key, () => sizeOf(pathOf(key)));
    },
    async append(key, piece) {
      latest.get(key)?.abort();
      const over = new AbortController();
      latest.set(key, over);
      try {
        return await turns.take(key, () => append(folder, pathOf(key), piece, over.signal));
      } finally {
        if (latest.get(key) === over) latest.delete(key);
      }
    },
    read: (key) => createReadStream(pathOf(key)),
    drop: (key) => rm(placeOf(key), { recursive: true, force: true }),
  };
}

async function sizeOf(path: string): Promise<number | undefined> {
  try {
    return (await stat(path)).size;
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return undefined;
    throw toDiskError(error);
  }
}

async function append(folder: string, path: string, { offset, size, content }: Piece, signal: AbortSignal): Promise<number> {
  const come = await sizeOf(path);
  if (come === undefined) throw new AppError('FILE_NOT_FOUND');
  if (come !== offset) throw new AppError('OFFSET_WRONG', { offset: come });
  const limit = size - come;
  await requireRoom(folder, limit);
  try {
    const written = await write(content, path, { limit, start: come, signal });
    if (written > limit) throw new AppError('FILE_TOO_LARGE', { maximum: size });
    return come + written;
  } catch (error) {
    throw signal.aborted ? new AppError('OFFSET_WRONG', { offset: await sizeOf(path) }) : error;
  }
}
