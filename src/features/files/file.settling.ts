/** The end of a file's way: it is looked at and kept, or nothing of it is. */
import type { Types } from 'mongoose';
import { AppError } from '../../core/errors.ts';
import type { FileInfo } from '../../core/file.ts';
import type { Inspector, MediaStore, Pieces, Spooled } from '../../core/media.ts';
import { keyOf } from './file.keys.ts';
import { toFileInfo, type FileCollection, type FileDocument } from './file.model.ts';
import { claim, remove } from './file.sweeping.ts';

export interface SettlingParts {
  files: FileCollection;
  store: MediaStore;
  pieces: Pick<Pieces, 'drop'>;
  inspector: Inspector;
}

/** `isKept`: what has come lies where it is to be already. @throws FILE_EMPTY, IMAGE_UNFIT, FILE_NOT_FOUND, DISK_FULL, MEDIA_UNAVAILABLE, BUSY */
export async function settle({ files, store, inspector }: SettlingParts, { _id }: FileDocument, { path, beside, size }: Spooled, { isKept = false } = {}): Promise<FileInfo> {
  if (size === 0) throw new AppError('FILE_EMPTY');
  const thumbnailPath = beside('thumbnail');
  const found = await inspector.inspect(path, thumbnailPath);
  const id = _id.toHexString();
  if (!isKept) await store.keep(keyOf(id, 'content'), path);
  if (found.thumbhash !== undefined) await store.keep(keyOf(id, 'thumbnail'), thumbnailPath);
  await files.updateOne({ _id, state: 'coming' }, { $set: { ...found, size, state: 'whole' } });
  const whole = await files.findOne({ _id, state: 'whole' });
  // Its owner has gone meanwhile.
  if (!whole) throw new AppError('FILE_NOT_FOUND');
  return toFileInfo(whole);
}

/** Of a file that has not come whole nothing stays. */
export async function letGo(parts: SettlingParts, _id: Types.ObjectId): Promise<void> {
  const file = await claim(parts.files, { _id, state: 'coming' });
  if (file) await remove(parts, file);
}
