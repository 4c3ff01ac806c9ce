/** Where files are kept: as they come in, and for good. */
import { join } from 'node:path';
import type { MediaStore, Spool } from '../../core/media.ts';
import { createDiskStore } from './disk.ts';
import { createSpool } from './spool.ts';

export interface Media {
  store: MediaStore;
  spool: Spool;
}

/** @throws Error if the folder cannot be made */
export async function createMedia(dataDir: string, publicUrl: string): Promise<Media> {
  const folder = join(dataDir, 'files');
  // In it, for the folder may be a disk of its own.
  return { spool: await createSpool(join(folder, 'incoming')), store: createDiskStore(folder, publicUrl) };
}
