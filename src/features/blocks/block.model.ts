/** How it is stored who blocks whom. */
import { Schema, type Connection, type Types } from 'mongoose';
import type { Id } from '../../core/schemas.ts';

export interface BlockDocument {
  /** Both ids, that of who blocks first: one document for each direction. */
  _id: string;
  userId: Types.ObjectId;
  otherId: Types.ObjectId;
  /** False once it was taken back: other processes, and devices that were away, have to hear of that as well. */
  blocked: boolean;
  /** How often it has changed. */
  version: number;
  /** By MongoDB's clock. */
  changedAt: Date;
}

const schema = new Schema<BlockDocument>(
  {
    _id: String,
    userId: { type: Schema.Types.ObjectId, required: true },
    otherId: { type: Schema.Types.ObjectId, required: true },
    blocked: { type: Boolean, required: true },
    version: { type: Number, required: true },
    changedAt: { type: Date, required: true },
  },
  { collection: 'blocks', versionKey: false },
);
schema.index({ userId: 1, blocked: 1, otherId: 1 });
schema.index({ userId: 1, changedAt: 1 });
schema.index({ changedAt: 1 });

export const blockModel = (connection: Connection) => connection.model('Block', schema);
export type BlockModel = ReturnType<typeof blockModel>;

export const blockIdOf = (userId: Id, otherId: Id): string => `${userId}:${otherId}`;
