/** How much room the files of a person take: added up each time, and so never wrong. */
import type { Types } from 'mongoose';
import type { FileCollection } from './file.model.ts';

/** In bytes, with the room that is held for those on their way. */
export async function usedBy(files: FileCollection, ownerId: Types.ObjectId): Promise<number> {
  const [sum] = await files.aggregate<{ used: number }>([{ $match: { ownerId } }, { $group: { _id: null, used: { $sum: '$size' } } }], { hint: { ownerId: 1, size: 1 } }).toArray();
  return sum?.used ?? 0;
}
