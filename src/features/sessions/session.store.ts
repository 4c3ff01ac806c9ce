/** The life of a session: made at sign-in, rotated by one compare-and-set at each refresh, gone when ended. */
import { Types } from 'mongoose';
import type { Guest } from '../../core/contract.ts';
import type { Id } from '../../core/schemas.ts';
import type { AccessClaims } from './access.tokens.ts';
import { hashRefreshToken, makeRefreshToken, readRefreshToken, sameHash } from './refresh.tokens.ts';
import type { Proof, SessionDocument, SessionModel } from './session.model.ts';

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
  stolen?: SessionDocument;
}

export interface SessionStore {
  create(userId: Id, guest: Guest, provenBy: Proof): Promise<{ sessionId: Id; refreshToken: string }>;
  rotate(refreshToken: string | undefined): Promise<Rotation>;
  remove(sessionIds: readonly Id[]): Promise<void>;
  find(sessionId: Id): Promise<SessionDocument | undefined>;
  /** The session that this refresh token, or the one after it, belongs to. */
  findByRefreshToken(refreshToken: string): Promise<SessionDocument | undefined>;
  /** Those of a person, the most recently used first. */
  list(userId: Id): Promise<SessionDocument[]>;
  /** Its owner has just proven again who they are. */
  prove(sessionId: Id, provenBy: Proof): Promise<void>;
}

/** What is known of a refresh token that somebody came with. */
interface Presented {
  hash: string;
  family: string;
}

export function createSessionStore(sessions: SessionModel): SessionStore {
  const findBy = async (refreshToken: string): Promise<{ session: SessionDocument; presented: Presented } | undefined> => {
    const named = readRefreshToken(refreshToken);
    const session = named && (await sessions.findOne({ _id: named.sessionId, expiresAt: { $gt: new Date() } }).lean());
    return session ? { session, presented: { hash: hashRefreshToken(refreshToken), family: named.family } } : undefined;
  };

  return {
    async create(userId, guest, provenBy) {
      const session = newSession(userId, guest, provenBy);
      const refresh = makeRefreshToken(session._id.toHexString());
      await sessions.collection.insertOne({ ...session, refreshHash: refresh.hash, familyHash: refresh.familyHash });
      return { sessionId: session._id.toHexString(), refreshToken: refresh.token };
    },

    async rotate(refreshToken) {
      const found = refreshToken === undefined ? undefined : await findBy(refreshToken);
      if (!found) return {};
      return sameHash(found.session.refreshHash, found.presented.hash) ? advance(sessions, found.session, found.presented) : judge(found.session, found.presented);
    },

    async remove(sessionIds) {
      await sessions.deleteMany({ _id: { $in: sessionIds } });
    },

    async find(sessionId) {
      return (await sessions.findOne({ _id: sessionId, expiresAt: { $gt: new Date() } }).lean()) ?? undefined;
    },

    async findByRefreshToken(refreshToken) {
      const found = await findBy(refreshToken);
      if (!found) return undefined;
      const known = [found.session.refreshHash, found.session.previousHash ?? ''];
      return known.some((hash) => sameHash(hash, found.presented.hash)) ? found.session : undefined;
    },

    list: async (userId) => sessions.find({ userId, expiresAt: { $gt: new Date() } }).sort({ lastUsedAt: -1, _id: -1 }).lean(),

    async prove(sessionId, provenBy) {
      await sessions.updateOne({ _id: sessionId }, { $set: { provenAt: new Date(), provenBy } });
    },
  };
}

function newSession(userId: Id, { ip, userAgent }: Guest, provenBy: Proof): Omit<SessionDocument, 'refreshHash' | 'familyHash'> {
  const now = new Date();
  return {
    _id: new Types.ObjectId(),
    userId: new Types.ObjectId(userId),
    userAgent: userAgent.slice(0, 300),
    ip,
    createdAt: now,
    rotatedAt: now,
    provenAt: now,
    provenBy,
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
  if (Date.now() - session.rotatedAt.getTime() > grace) return { stolen: session };
  return session.previousHash !== undefined && sameHash(session.previousHash, hash) ? { session: claims } : {};
}
