/** The security log of each account: added to by whatever concerns its safety, read by its owner alone. */
import { mongo, Types } from 'mongoose';
import type { Guest, Service } from '../../core/contract.ts';
import { unlessDuplicate } from '../../core/errors.ts';
import { networkOf } from '../../core/network.ts';
import { fromOrder, type Order } from '../../core/order.ts';
import { cutPage, rowsFor } from '../../core/page.ts';
import type { Id } from '../../core/schemas.ts';
import type { SecurityKind, securityContract } from './security.contract.ts';
import { toSecurityEntry, type SecurityDocument, type SecurityModel } from './security.model.ts';

export interface SecurityService extends Service<typeof securityContract> {
  /** What is given an id is recorded once, however often it is said. */
  record(userId: Id, kind: SecurityKind, guest: Pick<Guest, 'ip' | 'userAgent'>, detail?: string, given?: { id: Id; at: Date }): Promise<void>;
  /** True if there is an entry with this id. */
  isRecorded(id: Id): Promise<boolean>;
  /** Takes as long as `record`, for an account that does not exist: what is written is gone within minutes. */
  recordOfNobody(kind: SecurityKind): Promise<void>;
  /** As `record`, for as many at once as there are details. */
  recordMany(userId: Id, kind: SecurityKind, guest: Pick<Guest, 'ip' | 'userAgent'>, details: readonly string[]): Promise<void>;
  /** The owner undoes the changes since the one that a mail told of, with the link in it, which was sent to this address. Said again of the same link, it counts from then on. */
  recordUndoing(userId: Id, guest: Pick<Guest, 'ip' | 'userAgent'>, undone: { id: string; email: string; since: Order }): Promise<void>;
  /** True if what a mail tells of has been undone since that was stored. */
  isUndone(userId: Id, mail: Order): Promise<boolean>;
  /** True if somebody has signed in to this account from this network before. Without an account it is asked, and false. */
  hasSignedInFrom(userId: Id | undefined, ip: string): Promise<boolean>;
  /** The account is gone, and its log with it. */
  forget(userId: Id): Promise<void>;
}

/** The id of no account. */
const nobody = '0'.repeat(24);

export function createSecurityService(entries: SecurityModel): SecurityService {
  return {
    async record(userId, kind, guest, detail, given) {
      const document = toDocument(userId, kind, guest, detail);
      if (given) await unlessDuplicate(entries.collection.insertOne({ ...document, _id: new Types.ObjectId(given.id), at: given.at }));
      else await entries.collection.insertOne(document);
    },
    isRecorded: async (id) => (await entries.exists({ _id: id })) !== null,
    async recordOfNobody(kind) {
      await entries.collection.insertOne({ ...toDocument(nobody, kind, { ip: '0.0.0.0', userAgent: '' }), at: new Date(0) });
    },
    async recordMany(userId, kind, guest, details) {
      if (details.length > 0) await entries.collection.insertMany(details.map((detail) => toDocument(userId, kind, guest, detail)));
    },
    async recordUndoing(userId, guest, { id, email, since }) {
      const { userId: owner, ...entry } = toDocument(userId, 'changes-undone', guest, email);
      await entries.collection.updateOne({ userId: owner, undoing: id }, { $setOnInsert: { ...entry, undoneSince: since }, $currentDate: { order: { $type: 'timestamp' } } }, { upsert: true });
    },
    async isUndone(userId, mail) {
      const found = await entries.exists({ userId, undoing: { $exists: true }, undoneSince: { $lte: mail }, order: { $gt: new mongo.Timestamp(fromOrder(mail)) } });
      return found !== null;
    },
    async list(caller, { before, limit }) {
      const last = before === undefined ? undefined : await entries.findOne({ _id: before, userId: caller.userId }, { at: 1 }).lean();
      // What is gone by now was among the oldest.
      if (last === null) return { items: [], more: false };
      const found = await entries
        .find({ userId: caller.userId, ...(last && { $or: [{ at: { $lt: last.at } }, { at: last.at, _id: { $lt: last._id } }] }) })
        .sort({ at: -1, _id: -1 })
        .limit(rowsFor(limit))
        .lean();
      const { rows, more } = cutPage(found, limit);
      return { items: rows.map(toSecurityEntry), more };
    },
    hasSignedInFrom: async (userId = nobody, ip) => (await entries.exists({ userId, kind: { $in: ['registered', 'signed-in'] }, network: networkOf(ip) })) !== null,
    async forget(userId) {
      await entries.deleteMany({ userId });
    },
  };
}

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
