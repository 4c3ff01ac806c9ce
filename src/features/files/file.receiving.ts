/** How a file comes to be kept: room is held for it, it comes in, it is looked at, and then it is there, or nothing of it is. */
import { Types } from 'mongoose';
import { withDeadline } from '../../core/deadline.ts';
import { AppError } from '../../core/errors.ts';
import type { FileInfo } from '../../core/file.ts';
import type { Incoming, Inspector, MediaStore, Spool, Spooled } from '../../core/media.ts';
import type { Id } from '../../core/schemas.ts';
import { createTurns } from '../../core/turns.ts';
import { keyOf } from './file.keys.ts';
import { toFileInfo, type FileCollection, type FileDocument } from './file.model.ts';
import { toFileName } from './file.name.ts';
import { usedBy } from './file.quota.ts';
import { claim, remove } from './file.sweeping.ts';

export interface ReceivingParts {
  files: FileCollection;
  store: MediaStore;
  spool: Spool;
  inspector: Inspector;
  limits: FileLimits;
  onError: (error: unknown) => void;
}

/** In bytes. */
export interface FileLimits {
  /** Of one file. */
  file: number;
  /** Of all files of a person. */
  person: number;
}

/** Milliseconds for which a file stays that nothing has. */
export const unusedFor = 24 * 60 * 60 * 1000;

/** Bytes that a request takes besides the file it brings. */
const wrapping = 64 * 1024;

/** Milliseconds for files that are on their way when the server stops. */
const closing = 1500;

/** @throws FILE_TOO_LARGE, FILE_EMPTY, IMAGE_UNFIT, QUOTA_EXCEEDED, DISK_FULL, MEDIA_UNAVAILABLE, BUSY, and what the content fails with */
export type Receive = (ownerId: Id, file: Incoming) => Promise<FileInfo>;

export interface Receiving {
  receive: Receive;
  /** Waits until nothing is left of what was broken off; its connections are closed by then. */
  stop(): Promise<void>;
}

export function createReceiving(parts: ReceivingParts): Receiving {
  const receive = createReceive(parts);
  const underWay = new Set<Promise<unknown>>();
  return {
    async receive(ownerId, file) {
      const work = receive(ownerId, file);
      underWay.add(work);
      try {
        return await work;
      } finally {
        underWay.delete(work);
      }
    },
    stop: async () => withDeadline(Promise.allSettled(underWay), closing).then(() => undefined, () => undefined),
  };
}

function createReceive(parts: ReceivingParts): Receive {
  const { spool } = parts;
  const hold = createHolding(parts);

  return async (ownerId, incoming) => {
    const room = await hold(ownerId, incoming);
    try {
      const spooled = await spool.take(incoming.content, room.limit);
      if (!spooled) throw room.refusal;
      try {
        return await settle(parts, room.document, spooled);
      } finally {
        await spooled.drop();
      }
    } catch (error) {
      await letGo(parts, room.document._id).catch(parts.onError);
      throw error;
    }
  };
}

/** Room that is held for a file on its way. */
interface Room {
  document: FileDocument;
  /** Bytes that may come. */
  limit: number;
  /** What to say if more do. */
  refusal: AppError;
}

/**
 * The room of several files of one person is held one after another; so two at once never take more than there is.
 * @throws FILE_TOO_LARGE, QUOTA_EXCEEDED: what is announced is refused before it comes
 */
function createHolding({ files, limits }: ReceivingParts): (ownerId: Id, file: Incoming) => Promise<Room> {
  const turns = createTurns();
  return (ownerId, { name, announced, maximum = limits.file }) =>
    turns.take(ownerId, async () => {
      const most = Math.min(limits.file, maximum);
      if (announced !== undefined && announced - wrapping > most) throw new AppError('FILE_TOO_LARGE', { maximum: most });
      const owner = new Types.ObjectId(ownerId);
      const left = Math.max(0, limits.person - (await usedBy(files, owner)));
      if (left === 0 || (announced !== undefined && announced - wrapping > left)) throw new AppError('QUOTA_EXCEEDED', { left });
      const limit = Math.min(most, left, announced ?? most);
      const now = Date.now();
      const document: FileDocument = { _id: new Types.ObjectId(), ownerId: owner, state: 'coming', size: limit, name: toFileName(name), createdAt: new Date(now), checkAt: new Date(now + unusedFor) };
      await files.insertOne(document);
      return { document, limit, refusal: left < most ? new AppError('QUOTA_EXCEEDED', { left }) : new AppError('FILE_TOO_LARGE', { maximum: most }) };
    });
}

async function settle({ files, store, inspector }: ReceivingParts, document: FileDocument, { path, beside, size }: Spooled): Promise<FileInfo> {
  if (size === 0) throw new AppError('FILE_EMPTY');
  const thumbnailPath = beside('thumbnail');
  const found = await inspector.inspect(path, thumbnailPath);
  const id = document._id.toHexString();
  await store.keep(keyOf(id, 'content'), path);
  if (found.thumbhash !== undefined) await store.keep(keyOf(id, 'thumbnail'), thumbnailPath);
  const whole = await files.findOneAndUpdate({ _id: document._id, state: 'coming' }, { $set: { ...found, size, state: 'whole' } }, { returnDocument: 'after' });
  // Its owner has gone meanwhile.
  if (!whole) throw new AppError('FILE_NOT_FOUND');
  return toFileInfo(whole);
}

async function letGo({ files, store }: ReceivingParts, _id: Types.ObjectId): Promise<void> {
  const file = await claim(files, { _id });
  if (file) await remove({ files, store }, file);
}
