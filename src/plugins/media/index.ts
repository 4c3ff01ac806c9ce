/** Where files are kept: as they come in, and for good. */
import { join } from 'node:path';
import type { MediaStore, Spool } from '../../core/media.ts';
import { createCloudinaryStore } from './cloudinary.ts';
import { createDiskStore } from './disk.ts';
import { createSpool } from './spool.ts';

export interface Media {
  store: MediaStore;
  spool: Spool;
}

export interface MediaOptions {
  dataDir: string;
  publicUrl: string;
  /** Without it files are kept in DATA_DIR. */
  cloudinaryUrl: string | undefined;
}

/** @throws Error if the folder cannot be made */
export async function createMedia({ dataDir, publicUrl, cloudinaryUrl }: MediaOptions): Promise<Media> {
  const folder = join(dataDir, 'files');
  return {
    // In it, for the folder may be a disk of its own.
    spool: await createSpool(join(folder, 'incoming')),
    store: cloudinaryUrl === undefined ? createDiskStore(folder, publicUrl) : await createCloudinaryStore(cloudinaryUrl),
  };
}
