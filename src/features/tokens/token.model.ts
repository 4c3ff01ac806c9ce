/** How single-use tokens are stored: by their hashes alone; MongoDB removes those that ran out. */
import { Schema, type Connection, type Types } from 'mongoose';
import { orderOf } from '../../core/order.ts';

export interface TokenDocument {
  /** What the token is for, and whom: where only the newest may be good there is one document, replaced by each new token. */
  _id: string;
  /** SHA-256 of the token, as base64url. */
  hash: string;
  userId?: Types.ObjectId;
  data: Record<string, string>;
  expiresAt: Date;
}

const schema = new Schema<TokenDocument>(
  {
    _id: { type: String, required: true },
    hash: { type: String, required: true },
    userId: Schema.Types.ObjectId,
    data: { type: Schema.Types.Mixed, required: true },
    expiresAt: { type: Date, required: true },
  },
  { collection: 'tokens', versionKey: false, minimize: false },
);
schema.index({ hash: 1 }, { unique: true });
schema.index({ userId: 1 });
schema.index({ expiresAt: 1 }, { expireAfterSeconds: 0 });

export const tokenModel = (connection: Connection) => connection.model('Token', schema);
export type TokenModel = ReturnType<typeof tokenModel>;

/** Links of older versions are dated by the clock of the process that sent them. */
export async function orderTokens(tokens: TokenModel): Promise<void> {
  const dated = { 'data.since': { $regex: 'Z$' } };
  for await (const { _id, data } of tokens.find(dated).lean()) {
    await tokens.updateOne({ _id, ...dated }, { $set: { 'data.since': orderOf(new Date(data['since'] ?? 0)) } });
  }
}
