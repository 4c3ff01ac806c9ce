/** How sessions are stored. A session that was ended is gone; MongoDB removes the expired ones. */
import { Schema, type Connection, type Types } from 'mongoose';
import { deviceOf } from '../../core/device.ts';
import type { Id } from '../../core/schemas.ts';
import type { Session } from './sessions.contract.ts';

/** By what somebody has proven who they are. */
export type Proof = 'password' | 'google';

export interface ReplacedToken {
  hash: string;
  at: Date;
  /** SHA-256 of where the use came from that replaced it: network and device. */
  origin: string;
}

export interface SessionDocument {
  _id: Types.ObjectId;
  userId: Types.ObjectId;
  /** SHA-256 of the refresh token that is good now. */
  refreshHash: string;
  /** Those before it, each with the time of its replacement: the last one always, others within their grace. */
  replaced: ReplacedToken[];
  /** SHA-256 of what all refresh tokens of the session have in common. */
  familyHash: string;
  /** With it and a refresh token the next one is worked out, with neither alone. */
  successorKey: string;
  /** What its owner signed in with: of the account, when the session was opened. */
  stamp: string;
  /** When and how its owner last proved who they are. */
  provenAt: Date;
  provenBy: Proof;
  /** The address that its owner wishes the account to have. With each that differs from the one before the wish is another. */
  wish?: { id: string; email: string };
  /** Of the sign-in. */
  userAgent: string;
  /** Of the last use. */
  ip: string;
  createdAt: Date;
  lastUsedAt: Date;
  expiresAt: Date;
}

const schema = new Schema<SessionDocument>(
  {
    userId: { type: Schema.Types.ObjectId, required: true },
    refreshHash: { type: String, required: true },
    replaced: [{ _id: false, hash: String, at: Date, origin: String }],
    familyHash: { type: String, required: true },
    successorKey: { type: String, required: true },
    stamp: { type: String, required: true },
    provenAt: { type: Date, required: true },
    provenBy: { type: String, required: true },
    wish: { type: Schema.Types.Mixed },
    userAgent: String,
    ip: String,
    createdAt: { type: Date, required: true },
    lastUsedAt: { type: Date, required: true },
    expiresAt: { type: Date, required: true },
  },
  { collection: 'sessions', versionKey: false },
);
schema.index({ userId: 1 });
schema.index({ expiresAt: 1 }, { expireAfterSeconds: 0 });

export const sessionModel = (connection: Connection) => connection.model('Session', schema);
export type SessionModel = ReturnType<typeof sessionModel>;

/** Ends the sessions of older versions, whose refresh tokens are kept in another way: their people sign in anew. */
export async function dropOldSessions(sessions: SessionModel): Promise<void> {
  await sessions.deleteMany({ successorKey: { $exists: false } });
}

export const toSession = ({ _id, userAgent, ip, createdAt, lastUsedAt }: SessionDocument, current: Id): Session => ({
  id: _id.toHexString(),
  device: deviceOf(userAgent),
  ip,
  createdAt: createdAt.toISOString(),
  lastUsedAt: lastUsedAt.toISOString(),
  current: _id.toHexString() === current,
});
