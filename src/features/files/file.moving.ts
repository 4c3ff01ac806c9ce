/** Brings all files from one store to another. What was moved is not there any more; so it can be broken off, and done again. */
import type { MediaStore, Spool } from '../../core/media.ts';
import { photoLimit } from '../../core/photo.ts';
import { keysOf } from './file.keys.ts';
import type { FileCollection, FileDocument } from './file.model.ts';

export interface MovingParts {
  files: FileCollection;
  from: MediaStore;
  to: MediaStore;
  spool: Spool;
  /** Hears after each how many have been looked at. */
  onProgress: (done: number) => void;
}

/** Gives how many have been moved, photos included. @throws DISK_FULL, MEDIA_UNAVAILABLE */
export async function moveFiles({ files, onProgress, ...parts }: MovingParts): Promise<number> {
  let done = 0;
  let moved = 0;
  for await (const file of files.find({ state: 'whole' }).sort({ _id: 1 })) {
    if (await moveFile(parts, file)) moved += 1;
    onProgress((done += 1));
  }
  return moved;
}

async function moveFile({ from, to, spool }: Pick<MovingParts, 'from' | 'to' | 'spool'>, file: FileDocument): Promise<boolean> {
  let isMoved = false;
  for (const key of keysOf(file)) {
    const content = await from.read(key);
    const spooled = content && (await spool.take(content, Math.max(file.size, photoLimit)));
    if (!spooled) continue;
    try {
      await to.keep(key, spooled.path);
    } finally {
      await spooled.drop();
    }
    await from.remove(key);
    isMoved = true;
  }
  return isMoved;
}
