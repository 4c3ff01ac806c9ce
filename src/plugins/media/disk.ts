/** Files in a folder of this machine. */
import { createReadStream } from 'node:fs';
import { access, link, mkdir, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { AppError } from '../../core/errors.ts';
import type { MediaStore } from '../../core/media.ts';

/** What takes over has to be on the same disk: a file is there at once, or not at all. */
export function createDiskStore(folder: string, publicUrl: string): MediaStore {
  // Many files in one folder are slow to look up on some systems. The last digits of an id count up.
  const placeOf = (key: string): string => join(folder, key.slice(22, 24), key);

  return {
    async keep(key, path) {
      try {
        await mkdir(dirname(placeOf(key)), { recursive: true, mode: 0o700 });
        await link(path, placeOf(key));
      } catch (error) {
        if (codeOf(error) !== 'EEXIST') throw toDiskError(error);
      }
    },
    async read(key, range) {
      try {
        await access(placeOf(key));
      } catch (error) {
        if (codeOf(error) === 'ENOENT') return undefined;
        throw toDiskError(error);
      }
      return createReadStream(placeOf(key), range);
    },
    remove: (key) => rm(placeOf(key), { force: true }),
    addressOf: (key) => `${publicUrl}/photo/${key}`,
  };
}

/** The code of an error of the system. */
export const codeOf = (error: unknown): unknown => (error instanceof Error && 'code' in error ? error.code : undefined);

/** A disk, or a share of it, that is full. */
const full = new Set<unknown>(['ENOSPC', 'EDQUOT', 'EFBIG']);

/** What is wrong with a disk, in our words. */
export const toDiskError = (error: unknown): AppError => new AppError(full.has(codeOf(error)) ? 'DISK_FULL' : 'MEDIA_UNAVAILABLE', undefined, { cause: error });
