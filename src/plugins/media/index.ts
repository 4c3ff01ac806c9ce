/** Where files are kept: as they come in, and for good. */
import { join } from 'node:path';
import type { MediaStore, Pieces, Spool } from '../../core/media.ts';
import { createCloudinaryStore } from './cloudinary.ts';
import { createDiskStore } from './disk.ts';
import { createPieces } from './pieces.ts';
import { createSpool } from './spool.ts';

export interface Media {
  store: MediaStore;
  spool: Spool;
  pieces: Pieces;
}

export interface MediaOptions {
  dataDir: string;
  publicUrl: string;
  /** Without it files are kept in DATA_DIR. */
  cloudinaryUrl: string | undefined;
}

/** Both stores, to move files from one to the other. @throws Error if the folder cannot be made */
export async function createStores({ cloudinaryUrl, ...options }: MediaOptions & { cloudinaryUrl: string }): Promise<Record<'disk' | 'cloudinary', MediaStore>> {
  return { disk: (await createMedia({ ...options, cloudinaryUrl: undefined })).store, cloudinary: await createCloudinaryStore(cloudinaryUrl) };
}

/** @throws Error if the folder cannot be made */
export async function createMedia({ dataDir, publicUrl, cloudinaryUrl }: MediaOptions): Promise<Media> {
  const folder = join(dataDir, 'files');
  // In it, for the folder may be a disk of its own.
  const incoming = join(folder, 'incoming');
  return {
    spool: await createSpool(incoming),
    pieces: createPieces(incoming),
    store: cloudinaryUrl === undefined ? createDiskStore(folder, publicUrl) : await createCloudinaryStore(cloudinaryUrl),
  };
}
