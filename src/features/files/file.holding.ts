/** Room for files on their way: what is too large is refused before it comes. */
import { Types } from 'mongoose';
import { AppError } from '../../core/errors.ts';
import type { Id } from '../../core/schemas.ts';
import { createTurns } from '../../core/turns.ts';
import type { FileCollection, FileDocument } from './file.model.ts';
import { toFileName } from './file.name.ts';
import { usedBy } from './file.quota.ts';

/** In bytes. */
export interface FileLimits {
  /** Of one file. */
  file: number;
  /** Of all files of a person. */
  person: number;
}

/** Milliseconds for which a file stays that nothing has. */
export const unusedFor = 24 * 60 * 60 * 1000;

/** A file that is about to come. */
export interface Announced {
  /** As whoever sends it calls it. */
  name: string;
  /** Bytes that will come, at least and at most, as far as is known. */
  least: number;
  most: number;
  /** Bytes that it may have, if fewer than others. */
  maximum?: number | undefined;
  isDirect?: true;
}

/** Room that is held for it. */
export interface Room {
  document: FileDocument;
  /** Bytes that may come. */
  limit: number;
  /** What to say if more do. */
  refusal: AppError;
}

/** @throws FILE_TOO_LARGE, QUOTA_EXCEEDED */
export type Hold = (ownerId: Id, file: Announced) => Promise<Room>;

/** The room of several files of one person is held one after another; so two at once never take more than there is. */
export function createHolding(files: FileCollection, limits: FileLimits): Hold {
  const turns = createTurns();
  return (ownerId, { name, least, most, maximum = limits.file, isDirect }) =>
    turns.take(ownerId, async () => {
      const largest = Math.min(limits.file, maximum);
      if (least > largest) throw new AppError('FILE_TOO_LARGE', { maximum: largest });
      const owner = new Types.ObjectId(ownerId);
      const left = Math.max(0, limits.person - (await usedBy(files, owner)));
      if (left === 0 || least > left) throw new AppError('QUOTA_EXCEEDED', { left });
      const limit = Math.min(largest, left, most);
      const now = Date.now();
      const document: FileDocument = { _id: new Types.ObjectId(), ownerId: owner, state: 'coming', size: limit, ...(isDirect && { isDirect }), name: toFileName(name), createdAt: new Date(now), checkAt: new Date(now + unusedFor) };
      await files.insertOne(document);
      return { document, limit, refusal: left < largest ? new AppError('QUOTA_EXCEEDED', { left }) : new AppError('FILE_TOO_LARGE', { maximum: largest }) };
    });
}
