/** The life of a session: made at sign-in, rotated by one compare-and-set at each refresh, gone when ended. */
import { Types } from 'mongoose';
import type { Guest } from '../../core/contract.ts';
import { sha256 } from '../../core/hash.ts';
import type { Id } from '../../core/schemas.ts';
import type { AccessClaims } from './access.tokens.ts';
import { makeKey, makeRefreshToken, readRefreshToken, sameHash, successorOf } from './refresh.tokens.ts';
import type { Proof, ReplacedToken, SessionDocument, SessionModel } from './session.model.ts';

const day = 24 * 60 * 60 * 1000;
const idleLifetime = 30 * day;
const fullLifetime = 180 * day;

/** Milliseconds for which a token that was replaced still gives what it gave: to two tabs, or after a lost answer. */
const grace = 20_000;

export interface Rotation {
  /** The session that goes on, and its next refresh token; absent when the one presented is of no use. */
  next?: { session: AccessClaims; refreshToken: string };
  /** A session of which an earlier token was used after the grace: somebody has a copy of it. */
  stolen?: SessionDocument;
}

export interface SessionStore {
  create(userId: Id, guest: Guest, provenBy: Proof): Promise<{ sessionId: Id; refreshToken: string }>;
  rotate(refreshToken: string | undefined): Promise<Rotation>;
  /** Those of them that were still there: whoever removes one learns of it, and nobody after. */
  remove(sessionIds: readonly Id[]): Promise<SessionDocument[]>;
  find(sessionId: Id): Promise<SessionDocument | undefined>;
  /** The session of this refresh token, or of one that it has just replaced. */
  findByRefreshToken(refreshToken: string): Promise<SessionDocument | undefined>;
  /** Those of a person, the most recently used first. */
  list(userId: Id): Promise<SessionDocument[]>;
  /** Its owner has just proven again who they are. */
  prove(sessionId: Id, provenBy: Proof): Promise<void>;
}

/** What is known of a refresh token that somebody came with. */
interface Presented {
  token: string;
  hash: string;
  family: string;
}

export function createSessionStore(sessions: SessionModel): SessionStore {
  const findBy = async (refreshToken: string): Promise<{ session: SessionDocument; presented: Presented } | undefined> => {
    const named = readRefreshToken(refreshToken);
    const session = named && (await sessions.findOne({ _id: named.sessionId, expiresAt: { $gt: new Date() } }).lean());
    return session ? { session, presented: { token: refreshToken, hash: sha256(refreshToken), family: named.family } } : undefined;
  };

  return {
    async create(userId, guest, provenBy) {
      const session = newSession(userId, guest, provenBy);
      const sessionId = session._id.toHexString();
      const { token, family } = makeRefreshToken(sessionId);
      await sessions.collection.insertOne({ ...session, refreshHash: sha256(token), familyHash: sha256(family) });
      return { sessionId, refreshToken: token };
    },

    async rotate(refreshToken) {
      const found = refreshToken === undefined ? undefined : await findBy(refreshToken);
      if (!found) return {};
      return sameHash(found.session.refreshHash, found.presented.hash) ? advance(sessions, found.session, found.presented) : judge(found.session, found.presented);
    },

    async remove(sessionIds) {
      // Of many that are removed in one step MongoDB does not say which were there.
      const removed = await Promise.all(sessionIds.map(async (_id) => sessions.findOneAndDelete({ _id }).lean()));
      return removed.filter((session) => session !== null);
    },

    async find(sessionId) {
      return (await sessions.findOne({ _id: sessionId, expiresAt: { $gt: new Date() } }).lean()) ?? undefined;
    },

    async findByRefreshToken(refreshToken) {
      const found = await findBy(refreshToken);
      if (!found) return undefined;
      const { refreshHash, replaced } = found.session;
      return [{ hash: refreshHash }, ...replaced].some(({ hash }) => sameHash(hash, found.presented.hash)) ? found.session : undefined;
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
    userAgent,
    ip,
    successorKey: makeKey(),
    replaced: [],
    createdAt: now,
    provenAt: now,
    provenBy,
    lastUsedAt: now,
    expiresAt: new Date(now.getTime() + idleLifetime),
  };
}

const claimsOf = (session: SessionDocument): AccessClaims => ({ userId: session.userId.toHexString(), sessionId: session._id.toHexString() });

/** One compare-and-set: of several uses of the same token at once exactly one replaces it. */
async function advance(sessions: SessionModel, session: SessionDocument, presented: Presented): Promise<Rotation> {
  const now = new Date();
  const refreshToken = successorOf(presented.token, session.successorKey);
  const replaced = [...session.replaced.filter((token) => isRecent(token)), { hash: session.refreshHash, at: now }];
  const expiresAt = new Date(Math.min(now.getTime() + idleLifetime, session.createdAt.getTime() + fullLifetime));
  const { matchedCount } = await sessions.updateOne(
    { _id: session._id, refreshHash: session.refreshHash },
    { $set: { refreshHash: sha256(refreshToken), replaced, lastUsedAt: now, expiresAt } },
  );
  if (matchedCount === 1) return { next: { session: claimsOf(session), refreshToken } };
  const current = await sessions.findById(session._id).lean();
  return current ? judge(current, presented) : {};
}

const isRecent = ({ at }: ReplacedToken): boolean => Date.now() - at.getTime() <= grace;

/** A token that is not the present one: a replaced one within its grace, a copy of an earlier one, or a guess. */
function judge(session: SessionDocument, { token, hash, family }: Presented): Rotation {
  if (!sameHash(session.familyHash, sha256(family))) return {};
  const isExcused = session.replaced.some((one) => isRecent(one) && sameHash(one.hash, hash));
  return isExcused ? { next: { session: claimsOf(session), refreshToken: presentAfter(token, session) } } : { stolen: session };
}

/** The token that is good now, from one that has been replaced a moment ago. */
function presentAfter(token: string, session: SessionDocument): string {
  const next = successorOf(token, session.successorKey);
  const hash = sha256(next);
  return session.replaced.some((one) => sameHash(one.hash, hash)) ? presentAfter(next, session) : next;
}
