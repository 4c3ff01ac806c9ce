/** The security log of each account: added to by whatever concerns its safety, read by its owner alone. */
import { Types } from 'mongoose';
import type { Guest, Service } from '../../core/contract.ts';
import { networkOf } from '../../core/network.ts';
import type { Id } from '../../core/schemas.ts';
import type { SecurityKind, securityContract } from './security.contract.ts';
import { toSecurityEntry, type SecurityDocument, type SecurityModel } from './security.model.ts';

export interface SecurityService extends Service<typeof securityContract> {
  record(userId: Id, kind: SecurityKind, guest: Pick<Guest, 'ip' | 'userAgent'>, detail?: string): Promise<void>;
  /** The same for as many at once as there are details. */
  recordMany(userId: Id, kind: SecurityKind, guest: Pick<Guest, 'ip' | 'userAgent'>, details: readonly string[]): Promise<void>;
  /** The owner has undone the changes since an instant, with a link that was sent to this address. */
  recordUndoing(userId: Id, guest: Pick<Guest, 'ip' | 'userAgent'>, undone: { email: string; since: Date }): Promise<void>;
  /** True if what was changed at this instant has been undone after it. */
  isUndone(userId: Id, at: Date): Promise<boolean>;
  /** True if somebody has signed in to this account from this network before. */
  hasSignedInFrom(userId: Id, ip: string): Promise<boolean>;
  /** The account is gone, and its log with it. */
  forget(userId: Id): Promise<void>;
}

export function createSecurityService(entries: SecurityModel): SecurityService {
  return {
    async record(userId, kind, guest, detail) {
      await entries.collection.insertOne(toDocument(userId, kind, guest, detail));
    },
    async recordMany(userId, kind, guest, details) {
      if (details.length > 0) await entries.collection.insertMany(details.map((detail) => toDocument(userId, kind, guest, detail)));
    },
    async recordUndoing(userId, guest, { email, since }) {
      await entries.collection.insertOne({ ...toDocument(userId, 'changes-undone', guest, email), undoneSince: since });
    },
    isUndone: async (userId, at) => (await entries.exists({ userId, _id: { $gte: firstIdOf(at) }, kind: 'changes-undone', at: { $gt: at }, undoneSince: { $lte: at } })) !== null,
    async list(caller, { before, limit }) {
      const found = await entries
        .find({ userId: caller.userId, ...(before !== undefined && { _id: { $lt: before } }) })
        .sort({ _id: -1 })
        .limit(limit + 1)
        .lean();
      return { items: found.slice(0, limit).map(toSecurityEntry), more: found.length > limit };
    },
    hasSignedInFrom: async (userId, ip) => (await entries.exists({ userId, kind: { $in: ['registered', 'signed-in'] }, network: networkOf(ip) })) !== null,
    async forget(userId) {
      await entries.deleteMany({ userId });
    },
  };
}

/** The least id of those made in this second or later. */
const firstIdOf = (time: Date): Types.ObjectId => Types.ObjectId.createFromTime(Math.floor(time.getTime() / 1000));

const toDocument = (userId: Id, kind: SecurityKind, { ip, userAgent }: Pick<Guest, 'ip' | 'userAgent'>, detail?: string): SecurityDocument => ({
  _id: new Types.ObjectId(),
  userId: new Types.ObjectId(userId),
  kind,
  at: new Date(),
  ip,
  network: networkOf(ip),
  userAgent,
  ...(detail !== undefined && { detail }),
});
