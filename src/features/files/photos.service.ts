/** Photos of people and groups: made of a file that somebody has sent in, and gone when another takes its place. */
import { randomBytes } from 'node:crypto';
import { Types } from 'mongoose';
import { AppError } from '../../core/errors.ts';
import type { Inspector, MediaStore, Spool, Spooled } from '../../core/media.ts';
import { photoKey, photoLimit, photoSides, type StoredPhoto } from '../../core/photo.ts';
import type { Id } from '../../core/schemas.ts';
import { keyOf } from './file.keys.ts';
import type { FileCollection, FileDocument, PhotoOf } from './file.model.ts';
import { unusedFor } from './file.holding.ts';

export interface PhotosService {
  /**
   * Makes a photo of a file that somebody has sent in, or none where that is null, and has it written down where it belongs.
   * Whichever photos are not shown there afterwards go, whatever fails or dies.
   * @throws FILE_NOT_FOUND unless the file is theirs; FILE_TOO_LARGE, IMAGE_EXPECTED, IMAGE_UNFIT, MEDIA_UNAVAILABLE, DISK_FULL, BUSY, and what writing throws
   */
  replace<T>(holder: Holder, made: { by: Id; of: Id | null }, write: (photo: StoredPhoto | null) => Promise<T>): Promise<T>;
  /** Photos that are not shown any more go. */
  release(holder: Holder): Promise<void>;
  /** Whether it is shown where it belongs. */
  isShown(photo: PhotoOf): Promise<boolean>;
}

/** Whose photo it is. */
export type Holder = Pick<PhotoOf, 'kind'> & { id: Id };

export interface PhotosParts {
  files: FileCollection;
  store: MediaStore;
  spool: Spool;
  inspector: Inspector;
  /** Whether a person, or a group, shows the photo with this key. */
  shows: Record<PhotoOf['kind'], (id: Id, key: string) => Promise<boolean>>;
  /** Milliseconds after which it is clear whether a photo is shown. */
  releaseTime: number;
  onError: (error: unknown) => void;
}

export function createPhotosService(parts: PhotosParts): PhotosService {
  const { files, shows, releaseTime, onError } = parts;
  const make = createMaking(parts);
  const release = async ({ kind, id }: Holder): Promise<void> => {
    await files.updateMany({ 'photo.id': new Types.ObjectId(id), 'photo.kind': kind }, { $set: { checkAt: new Date(Date.now() + releaseTime) } });
  };

  return {
    release,
    async replace(holder, { by, of }, write) {
      // Also before: who dies right behind the writing releases nothing.
      await release(holder);
      try {
        return await write(of === null ? null : await make(holder, by, of));
      } finally {
        await release(holder).catch(onError);
      }
    },
    isShown: async ({ kind, id, key }) => shows[kind](id.toHexString(), key),
  };
}

function createMaking({ files, store, spool, inspector }: PhotosParts) {
  const requireImage = async (ownerId: Types.ObjectId, fileId: Id): Promise<FileDocument> => {
    const file = await files.findOne({ _id: new Types.ObjectId(fileId), ownerId, state: 'whole', photo: { $exists: false } });
    if (!file) throw new AppError('FILE_NOT_FOUND');
    if (file.kind !== 'image') throw new AppError('IMAGE_EXPECTED');
    if (file.size > photoLimit) throw new AppError('FILE_TOO_LARGE', { maximum: photoLimit });
    return file;
  };
  const fetch = async (fileId: Id): Promise<Spooled> => {
    const content = await store.read(keyOf(fileId, 'content'));
    const spooled = content && (await spool.take(content, photoLimit));
    if (!spooled) throw new AppError('FILE_NOT_FOUND');
    return spooled;
  };

  return async ({ kind, id }: Holder, by: Id, fileId: Id): Promise<StoredPhoto> => {
    const ownerId = new Types.ObjectId(by);
    const file = await requireImage(ownerId, fileId);
    const spooled = await fetch(fileId);
    try {
      const key = randomBytes(16).toString('hex');
      const squares = photoSides.map((side) => ({ side, path: spooled.beside(String(side)) }));
      const thumbhash = await inspector.square(spooled.path, squares);
      const now = Date.now();
      await files.insertOne({ _id: new Types.ObjectId(), ownerId, state: 'whole', size: 0, name: '', photo: { key, kind, id: new Types.ObjectId(id) }, createdAt: new Date(now), checkAt: new Date(now + unusedFor) });
      for (const { side, path } of squares) await store.keep(photoKey(key, side), path);
      // Most often it was sent in for this alone.
      await files.updateOne({ _id: file._id, checkAt: { $exists: true }, givenAt: { $exists: false } }, { $set: { checkAt: new Date() } });
      return { key, thumbhash };
    } finally {
      await spooled.drop();
    }
  };
}
