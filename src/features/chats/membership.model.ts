/** How it is stored who is in which chat, and how far they have read. */
import { Schema, type Connection, type Types } from 'mongoose';

export interface MembershipDocument {
  _id: Types.ObjectId;
  chatId: Types.ObjectId;
  userId: Types.ObjectId;
  /** Only ever raised. */
  readSeq: number;
}

const schema = new Schema<MembershipDocument>(
  {
    chatId: { type: Schema.Types.ObjectId, required: true },
    userId: { type: Schema.Types.ObjectId, required: true },
    readSeq: { type: Number, required: true },
  },
  { collection: 'memberships', versionKey: false },
);
schema.index({ chatId: 1, userId: 1 }, { unique: true });
schema.index({ userId: 1 });

export const membershipModel = (connection: Connection) => connection.model('Membership', schema);
export type MembershipModel = ReturnType<typeof membershipModel>;
