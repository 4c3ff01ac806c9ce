/** When people were last here, and to whom they tell it. */
import { Types } from 'mongoose';
import { groupBy } from '../../core/grouping.ts';
import type { Id } from '../../core/schemas.ts';
import type { UserModel } from './user.model.ts';
import type { Privacy } from './users.contract.ts';

/** To whom somebody tells when they were here last, and when that was. */
export interface LastSeen {
  toldTo: Privacy['lastSeen'];
  at?: Date;
}

export interface Seen {
  /** Of the people with these ids, by id; those that do not exist are missing. */
  findLastSeen(ids: readonly Id[]): Promise<Map<Id, LastSeen>>;
  /** These people were here then. It never goes back. */
  noteSeen(seen: ReadonlyMap<Id, Date>): Promise<void>;
}

/** What a crash takes with it is a few minutes of these, so nobody waits for the journal. */
const writeConcern = { w: 1, j: false } as const;

export const createSeen = (users: UserModel): Seen => ({
  async findLastSeen(ids) {
    const documents = await users.find({ _id: { $in: ids.map((id) => new Types.ObjectId(id)) } }, { privacy: 1, lastSeenAt: 1 }).lean();
    return new Map(documents.map(({ _id, privacy, lastSeenAt }) => [_id.toHexString(), { toldTo: privacy.lastSeen, ...(lastSeenAt && { at: lastSeenAt }) }]));
  },
  async noteSeen(seen) {
    if (seen.size === 0) return;
    // Those of the same moment are written together.
    const updates = [...groupBy(seen, ([, at]) => at.getTime())].map(([time, people]) => ({
      updateMany: { filter: { _id: { $in: people.map(([id]) => new Types.ObjectId(id)) }, removedAt: { $exists: false } }, update: { $max: { lastSeenAt: new Date(time) } } },
    }));
    await users.collection.bulkWrite(updates, { ordered: false, writeConcern });
  },
});
