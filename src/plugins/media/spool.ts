/** Where files come in: on the disk, piece by piece, and never whole in memory. */
import { randomUUID } from 'node:crypto';
import { mkdir, readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Spool } from '../../core/media.ts';
import { requireRoom, write } from './writing.ts';

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
        const size = await write(content, path, { limit });
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

async function removeAbandoned(folder: string): Promise<void> {
  for (const name of await readdir(folder)) {
    const path = join(folder, name);
    const found = await stat(path).catch(() => undefined);
    if (found && Date.now() - found.mtimeMs > abandoned) await rm(path, { recursive: true, force: true });
  }
}
