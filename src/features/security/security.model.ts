/** How the security log is stored: entries are only ever added, and MongoDB removes them after 180 days. */
import { Schema, type Connection, type mongo, type Types } from 'mongoose';
import { deviceOf } from '../../core/device.ts';
import type { Order } from '../../core/order.ts';
import type { SecurityEntry, SecurityKind } from './security.contract.ts';

export interface SecurityDocument {
  _id: Types.ObjectId;
  userId: Types.ObjectId;
  kind: SecurityKind;
  at: Date;
  ip: string;
  /** What of the address stays the same from day to day. */
  network: string;
  userAgent: string;
  detail?: string;
  /** What was undone begins with the change that was told of by this mail. */
  undoneSince?: Order;
  /** Of an undoing: the link that was followed. */
  undoing?: string;
  /** Of an undoing: by the clock of the store, as that of mails is. */
  order?: mongo.Timestamp;
}

const keptFor = 180 * 24 * 60 * 60;

const schema = new Schema<SecurityDocument>(
  {
    userId: { type: Schema.Types.ObjectId, required: true },
    kind: { type: String, required: true },
    at: { type: Date, required: true },
    ip: String,
    network: String,
    userAgent: String,
    detail: String,
    undoneSince: String,
    undoing: String,
    order: Schema.Types.Mixed,
  },
  { collection: 'security', versionKey: false },
);
schema.index({ userId: 1, at: -1, _id: -1 });
// Whether an address is familiar takes the same time, however much has failed at an account.
schema.index({ userId: 1, network: 1, kind: 1 });
// An undoing is told of once, however often its link is followed in the same moment.
schema.index({ userId: 1, undoing: 1 }, { unique: true, partialFilterExpression: { undoing: { $exists: true } } });
schema.index({ at: 1 }, { expireAfterSeconds: keptFor });

export const securityModel = (connection: Connection) => connection.model('SecurityEntry', schema);
export type SecurityModel = ReturnType<typeof securityModel>;

/** Older versions looked entries up by their ids. */
export async function dropOldIndex(entries: SecurityModel): Promise<void> {
  const indexes = await entries.collection.indexes();
  if (indexes.some(({ name }) => name === oldIndex)) await entries.collection.dropIndex(oldIndex);
}

const oldIndex = 'userId_1__id_-1';

export const toSecurityEntry = ({ _id, kind, at, ip, userAgent, detail }: SecurityDocument): SecurityEntry => ({
  id: _id.toHexString(),
  kind,
  at: at.toISOString(),
  ip,
  device: deviceOf(userAgent),
  ...(detail !== undefined && { detail }),
});
