/** The life of a session: made at sign-in, rotated by one compare-and-set at each refresh, gone when ended. */
import { Types } from 'mongoose';
import type { Guest } from '../../core/contract.ts';
import { sha256 } from '../../core/hash.ts';
import { networkOf } from '../../core/network.ts';
import type { Id } from '../../core/schemas.ts';
import { idleLifetime } from '../../core/session.lifetime.ts';
import type { AccessClaims } from './access.tokens.ts';
import { makeKey, makeRefreshToken, readRefreshToken, sameHash, successorOf } from './refresh.tokens.ts';
import type { Proof, ReplacedToken, SessionDocument, SessionModel } from './session.model.ts';

/** Milliseconds for which a session lives, however it is used. */
const fullLifetime = 180 * 24 * 60 * 60 * 1000;

/** Milliseconds for which a token that was replaced is still of use: to two tabs, or after a lost answer. */
const grace = 20_000;

export interface Rotation {
  /**
   * The session that goes on, absent when the token presented is of no use; and its next refresh token, absent where
   * somebody from elsewhere comes with one that has been replaced a moment ago.
   */
  next?: { session: AccessClaims; expiresAt: Date; refreshToken?: string };
  /** A session of which an earlier token was used after the grace: somebody has a copy of it. */
  stolen?: SessionDocument;
}

/** Whose session it is, as they signed in. */
export interface Owner {
  id: Id;
  /** Is another once anything has changed that signs in. */
  stamp: string;
}

export interface SessionStore {
  create(owner: Owner, guest: Guest, provenBy: Proof): Promise<{ sessionId: Id; refreshToken: string }>;
  rotate(refreshToken: string | undefined, guest: Guest): Promise<Rotation>;
  /** Those of them that were still there: whoever removes one learns of it, and nobody after. */
  remove(sessionIds: readonly Id[]): Promise<SessionDocument[]>;
  find(sessionId: Id): Promise<SessionDocument | undefined>;
  /** The session of this refresh token, also if that was replaced within the grace; `stolen` where it is an earlier one. */
  findByRefreshToken(refreshToken: string): Promise<{ session?: SessionDocument; stolen?: SessionDocument }>;
  /** Those of a person, the most recently used first. */
  list(userId: Id): Promise<SessionDocument[]>;
  /** Its owner has just proven again who they are. */
  prove(sessionId: Id, provenBy: Proof): Promise<void>;
  /** The id of the wish; undefined if the session has ended. */
  wish(sessionId: Id, email: string): Promise<Id | undefined>;
}

/** What is known of a refresh token that somebody came with. */
interface Presented {
  token: string;
  hash: string;
  family: string;
  guest: Guest;
}

export function createSessionStore(sessions: SessionModel): SessionStore {
  const findBy = async (refreshToken: string): Promise<{ session: SessionDocument; presented: Omit<Presented, 'guest'> } | undefined> => {
    const named = readRefreshToken(refreshToken);
    const session = named && (await sessions.findOne({ _id: named.sessionId, expiresAt: { $gt: new Date() } }).lean());
    return session ? { session, presented: { token: refreshToken, hash: sha256(refreshToken), family: named.family } } : undefined;
  };

  return {
    ...createUpkeep(sessions),

    async create(owner, guest, provenBy) {
      const session = newSession(owner, guest, provenBy);
      const sessionId = session._id.toHexString();
      const { token, family } = makeRefreshToken(sessionId);
      await sessions.collection.insertOne({ ...session, refreshHash: sha256(token), familyHash: sha256(family) });
      return { sessionId, refreshToken: token };
    },

    async rotate(refreshToken, guest) {
      const found = refreshToken === undefined ? undefined : await findBy(refreshToken);
      if (!found) return {};
      const presented = { ...found.presented, guest };
      return sameHash(found.session.refreshHash, presented.hash) ? advance(sessions, found.session, presented) : judge(found.session, presented);
    },

    async findByRefreshToken(refreshToken) {
      const found = await findBy(refreshToken);
      if (!found || !isOfFamily(found.session, found.presented)) return {};
      const { session, presented: { hash } } = found;
      return sameHash(session.refreshHash, hash) || findReplaced(session, hash) ? { session } : { stolen: session };
    },
  };
}

function createUpkeep(sessions: SessionModel): Pick<SessionStore, 'remove' | 'find' | 'list' | 'prove' | 'wish'> {
  return {
    async remove(sessionIds) {
      // Of many that are removed in one step MongoDB does not say which were there.
      const removed = await Promise.all(sessionIds.map(async (_id) => sessions.findOneAndDelete({ _id }).lean()));
      return removed.filter((session) => session !== null);
    },

    async find(sessionId) {
      return (await sessions.findOne({ _id: sessionId, expiresAt: { $gt: new Date() } }).lean()) ?? undefined;
    },

    list: async (userId) => sessions.find({ userId, expiresAt: { $gt: new Date() } }).sort({ lastUsedAt: -1, _id: -1 }).lean(),

    async prove(sessionId, provenBy) {
      await sessions.updateOne({ _id: sessionId }, { $set: { provenAt: new Date(), provenBy } });
    },

    async wish(sessionId, email) {
      const wish = { id: new Types.ObjectId().toHexString(), email: email.toLowerCase() };
      const isSame = { $eq: ['$wish.email', { $literal: wish.email }] };
      const session = await sessions.findOneAndUpdate({ _id: sessionId }, [{ $set: { wish: { $cond: [isSame, '$wish', { $literal: wish }] } } }], { returnDocument: 'after', updatePipeline: true }).lean();
      return session?.wish?.id;
    },
  };
}

function newSession({ id, stamp }: Owner, { ip, userAgent }: Guest, provenBy: Proof): Omit<SessionDocument, 'refreshHash' | 'familyHash'> {
  const now = new Date();
  return {
    _id: new Types.ObjectId(),
    userId: new Types.ObjectId(id),
    stamp,
    userAgent,
    ip,
    successorKey: makeKey(),
    replaced: [],
    createdAt: now,
    provenAt: now,
    provenBy,
    lastUsedAt: now,
    expiresAt: new Date(now.getTime() + idleLifetime * 1000),
  };
}

export const claimsOf = (session: SessionDocument): AccessClaims => ({ userId: session.userId.toHexString(), sessionId: session._id.toHexString() });

/** One compare-and-set: of several uses of the same token at once exactly one replaces it. */
async function advance(sessions: SessionModel, session: SessionDocument, presented: Presented): Promise<Rotation> {
  const now = new Date();
  const refreshToken = successorOf(presented.token, session.successorKey);
  const replaced = [...session.replaced.filter((token) => isRecent(token)), { hash: session.refreshHash, at: now, origin: originOf(presented.guest) }];
  const expiresAt = new Date(Math.min(now.getTime() + idleLifetime * 1000, session.createdAt.getTime() + fullLifetime));
  const { matchedCount } = await sessions.updateOne(
    { _id: session._id, refreshHash: session.refreshHash },
    { $set: { refreshHash: sha256(refreshToken), replaced, lastUsedAt: now, expiresAt, ip: presented.guest.ip } },
  );
  if (matchedCount === 1) return { next: { session: claimsOf(session), expiresAt, refreshToken } };
  const current = await sessions.findById(session._id).lean();
  return current ? judge(current, presented) : {};
}

/** Where somebody comes from, as far as can be told: their network and their device. */
const originOf = ({ ip, userAgent }: Guest): string => sha256(JSON.stringify([networkOf(ip), userAgent]));

const isRecent = ({ at }: ReplacedToken): boolean => Date.now() - at.getTime() <= grace;

/** Whether it is or was a token of this session, and no guess. */
const isOfFamily = ({ familyHash }: SessionDocument, { family }: Pick<Presented, 'family'>): boolean => sameHash(familyHash, sha256(family));

/** What is known of a token that was replaced, and is within its grace. */
const findReplaced = ({ replaced }: SessionDocument, hash: string): ReplacedToken | undefined => replaced.find((one) => isRecent(one) && sameHash(one.hash, hash));

/** A token that is not the present one: a replaced one within its grace, a copy of an earlier one, or a guess. */
function judge(session: SessionDocument, presented: Presented): Rotation {
  if (!isOfFamily(session, presented)) return {};
  const replaced = findReplaced(session, presented.hash);
  if (!replaced) return { stolen: session };
  // From elsewhere it may be a copy: were it given each next token, too, it would never come to light.
  const isSame = replaced.origin === originOf(presented.guest);
  return { next: { session: claimsOf(session), expiresAt: session.expiresAt, ...(isSame && { refreshToken: presentAfter(presented.token, session) }) } };
}

/** The token that is good now, from one that has been replaced a moment ago. */
function presentAfter(token: string, session: SessionDocument): string {
  const replaced = new Set(session.replaced.map(({ hash }) => hash));
  let next = successorOf(token, session.successorKey);
  while (replaced.delete(sha256(next))) next = successorOf(next, session.successorKey);
  return next;
}
