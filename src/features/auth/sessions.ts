/** The life of a session: made at sign-in, rotated by one compare-and-set at each refresh, gone when ended. */
import { Types } from 'mongoose';
import type { Guest } from '../../core/contract.ts';
import type { Id } from '../../core/schemas.ts';
import type { SessionDocument, SessionModel } from './session.model.ts';
import { hashRefreshToken, makeRefreshToken, readRefreshToken, sameHash, type AccessClaims } from './tokens.ts';

const day = 24 * 60 * 60 * 1000;
const idleLifetime = 30 * day;
const fullLifetime = 180 * day;

/** How long the token before the present one is still good for an access token: two tabs, or a lost answer. */
const grace = 20_000;

export interface Rotation {
  /** The session that goes on; absent when the token is of no use. */
  session?: AccessClaims;
  /** The next refresh token; absent within the grace, where the first use was given it. */
  refreshToken?: string;
  /** A session of which an earlier token was used after the grace: somebody has a copy of it. */
  stolen?: Id;
}

export interface Sessions {
  create(userId: Id, guest: Guest): Promise<{ sessionId: Id; refreshToken: string }>;
  rotate(refreshToken: string | undefined): Promise<Rotation>;
  remove(sessionId: Id): Promise<void>;
  findOwner(sessionId: Id): Promise<Id | undefined>;
  /** The session that this refresh token, or the one after it, belongs to. */
  findByRefreshToken(refreshToken: string): Promise<Id | undefined>;
}

/** What is known of a refresh token that somebody came with. */
interface Presented {
  hash: string;
  family: string;
}

export function createSessions(sessions: SessionModel): Sessions {
  const findBy = async (refreshToken: string): Promise<{ session: SessionDocument; presented: Presented } | undefined> => {
    const named = readRefreshToken(refreshToken);
    const session = named && (await sessions.findOne({ _id: named.sessionId, expiresAt: { $gt: new Date() } }).lean());
    return session ? { session, presented: { hash: hashRefreshToken(refreshToken), family: named.family } } : undefined;
  };

  return {
    async create(userId, guest) {
      const session = newSession(userId, guest);
      const refresh = makeRefreshToken(session._id.toHexString());
      await sessions.collection.insertOne({ ...session, refreshHash: refresh.hash, familyHash: refresh.familyHash });
      return { sessionId: session._id.toHexString(), refreshToken: refresh.token };
    },

    async rotate(refreshToken) {
      const found = refreshToken === undefined ? undefined : await findBy(refreshToken);
      if (!found) return {};
      return sameHash(found.session.refreshHash, found.presented.hash) ? advance(sessions, found.session, found.presented) : judge(found.session, found.presented);
    },

    async remove(sessionId) {
      await sessions.deleteOne({ _id: sessionId });
    },

    async findOwner(sessionId) {
      const session = await sessions.findOne({ _id: sessionId, expiresAt: { $gt: new Date() } }, { userId: 1 }).lean();
      return session?.userId.toHexString();
    },

    async findByRefreshToken(refreshToken) {
      const found = await findBy(refreshToken);
      if (!found) return undefined;
      const known = [found.session.refreshHash, found.session.previousHash ?? ''];
      return known.some((hash) => sameHash(hash, found.presented.hash)) ? found.session._id.toHexString() : undefined;
    },
  };
}

function newSession(userId: Id, { ip, userAgent }: Guest): Omit<SessionDocument, 'refreshHash' | 'familyHash'> {
  const now = new Date();
  return {
    _id: new Types.ObjectId(),
    userId: new Types.ObjectId(userId),
    userAgent: userAgent.slice(0, 300),
    ip,
    createdAt: now,
    rotatedAt: now,
    lastUsedAt: now,
    expiresAt: new Date(now.getTime() + idleLifetime),
  };
}

const claimsOf = (session: SessionDocument): AccessClaims => ({ userId: session.userId.toHexString(), sessionId: session._id.toHexString() });

/** One compare-and-set: of several uses of the same token at once exactly one gets the next token. */
async function advance(sessions: SessionModel, session: SessionDocument, presented: Presented): Promise<Rotation> {
  const now = new Date();
  const next = makeRefreshToken(session._id.toHexString(), presented.family);
  const expiresAt = new Date(Math.min(now.getTime() + idleLifetime, session.createdAt.getTime() + fullLifetime));
  const { matchedCount } = await sessions.updateOne(
    { _id: session._id, refreshHash: session.refreshHash },
    { $set: { refreshHash: next.hash, previousHash: session.refreshHash, rotatedAt: now, lastUsedAt: now, expiresAt } },
  );
  if (matchedCount === 1) return { session: claimsOf(session), refreshToken: next.token };
  const current = await sessions.findById(session._id).lean();
  return current ? judge(current, presented) : {};
}

/** A token that is not the present one: the one before it within its grace, a copy of an earlier one, or a guess. */
function judge(session: SessionDocument, { hash, family }: Presented): Rotation {
  if (!sameHash(session.familyHash, hashRefreshToken(family))) return {};
  const claims = claimsOf(session);
  if (Date.now() - session.rotatedAt.getTime() > grace) return { stolen: claims.sessionId };
  return session.previousHash !== undefined && sameHash(session.previousHash, hash) ? { session: claims } : {};
}
