/** The security log of each account: added to by whatever concerns its safety, read by its owner alone. */
import { Types } from 'mongoose';
import type { Guest, Service } from '../../core/contract.ts';
import { networkOf } from '../../core/network.ts';
import type { Id } from '../../core/schemas.ts';
import type { SecurityKind, securityContract } from './security.contract.ts';
import { toSecurityEntry, type SecurityModel } from './security.model.ts';

export interface SecurityService extends Service<typeof securityContract> {
  record(userId: Id, kind: SecurityKind, guest: Pick<Guest, 'ip' | 'userAgent'>, detail?: string): Promise<void>;
  /** How often any of these has happened to an account since then. */
  count(userId: Id, kinds: readonly SecurityKind[], since: Date): Promise<number>;
  /** True if somebody has signed in to this account from this network before. */
  hasSignedInFrom(userId: Id, ip: string): Promise<boolean>;
  /** The account is gone, and its log with it. */
  forget(userId: Id): Promise<void>;
}

const longestUserAgent = 300;

export function createSecurityService(entries: SecurityModel): SecurityService {
  return {
    async record(userId, kind, { ip, userAgent }, detail) {
      await entries.collection.insertOne({
        _id: new Types.ObjectId(),
        userId: new Types.ObjectId(userId),
        kind,
        at: new Date(),
        ip,
        network: networkOf(ip),
        userAgent: userAgent.slice(0, longestUserAgent),
        ...(detail !== undefined && { detail }),
      });
    },
    async list(caller, { before, limit }) {
      const found = await entries
        .find({ userId: caller.userId, ...(before !== undefined && { _id: { $lt: before } }) })
        .sort({ _id: -1 })
        .limit(limit + 1)
        .lean();
      return { items: found.slice(0, limit).map(toSecurityEntry), more: found.length > limit };
    },
    count: async (userId, kinds, since) => entries.countDocuments({ userId, kind: { $in: kinds }, at: { $gt: since } }),
    hasSignedInFrom: async (userId, ip) => (await entries.exists({ userId, kind: { $in: ['registered', 'signed-in'] }, network: networkOf(ip) })) !== null,
    async forget(userId) {
      await entries.deleteMany({ userId });
    },
  };
}
