/** Sessions: begun by a sign-in, kept alive by refreshing, ended at once and everywhere. */
import type { Bus } from '../../core/bus.ts';
import type { Caller, Guest, Service } from '../../core/contract.ts';
import { deviceOf } from '../../core/device.ts';
import { AppError } from '../../core/errors.ts';
import type { Id } from '../../core/schemas.ts';
import type { SecurityService } from '../security/security.service.ts';
import type { Account, CredentialsService } from '../users/credentials.service.ts';
import type { AccessClaims, AccessTokens } from './access.tokens.ts';
import { createSessionEndings, type SessionEndingsParts } from './session.endings.ts';
import { createLiveSessions, type LiveSessions } from './live.sessions.ts';
import { createRevocations } from './revocations.ts';
import type { RevocationModel } from './revocation.model.ts';
import { toSession, type Proof, type SessionDocument, type SessionModel } from './session.model.ts';
import { claimsOf, createSessionStore, type Owner, type SessionStore } from './session.store.ts';
import type { sessionsContract } from './sessions.contract.ts';

/** What somebody signed in goes on with. */
export interface Tokens {
  accessToken: string;
  /** Seconds for which the access token is good. */
  expiresIn: number;
  refreshToken?: string;
}

/** A session one of whose earlier refresh tokens was used: somebody has a copy. */
export interface StolenSession {
  sessionId: Id;
  userId: Id;
  /** The device that it was opened from. */
  userAgent: string;
}

export interface SessionsService extends Service<typeof sessionsContract> {
  open(owner: Owner, guest: Guest, provenBy: Proof): Promise<Required<Tokens>>;
  /** The next tokens, or neither; `stolen` when the token shows that the session has to end. */
  refresh(refreshToken: string | undefined, guest: Guest): Promise<{ tokens?: Tokens; stolen?: StolenSession }>;
  /** Whose access token this is. @throws UNAUTHENTICATED if it is not good or its session has ended */
  authenticate(token: string, guest: Guest): Promise<Caller>;
  /** Whether the session of somebody authenticated a moment ago still stands, and their token is still good. */
  stands(caller: Caller): Promise<boolean>;
  /** Ends the session of this refresh token, also if that was replaced a moment ago; `stolen` where an earlier one shows that it has to be ended as such. */
  endByRefreshToken(refreshToken: string): Promise<{ ended?: AccessClaims; stolen?: StolenSession }>;
  /** False if it had ended before. */
  endOne(sessionId: Id): Promise<boolean>;
  /** Ends a session of which somebody has a copy. Of several who do so at once one puts it into the log of its owner. */
  endStolen(stolen: Pick<StolenSession, 'sessionId' | 'userId'>, from: Pick<Guest, 'ip' | 'userAgent'>): Promise<void>;
  endAll(userId: Id): Promise<void>;
  /** Ends the sessions of a person that the change of credentials just made has noted. */
  endNoted(userId: Id): Promise<void>;
  /**
   * The account of a caller, as it was before it was found that the session still stands. A change that names the generation
   * of this account is done for whoever may do it: had all sessions to end meanwhile, it is another.
   * @throws UNAUTHENTICATED if the session is to end, or has ended
   */
  requireAccount(caller: Caller): Promise<Account>;
  /** Asked once more right before a change that took its time to come. @throws UNAUTHENTICATED */
  requireAlive(caller: Caller): Promise<void>;
  /** Notes which address the account is to have, in place of what was wished for in this session before; gives the id of the wish. @throws UNAUTHENTICATED if it has ended */
  wish(sessionId: Id, email: string): Promise<Id>;
  /** The id of the last wish; undefined also once the session has ended. */
  wishOf(sessionId: Id): Promise<string | undefined>;
  /** How the owner has proven within the last five minutes who they are, if they have. @throws UNAUTHENTICATED if it has ended */
  findFreshProof(sessionId: Id): Promise<Proof | undefined>;
  /** @throws FRESH_SIGN_IN_REQUIRED; UNAUTHENTICATED if the session has ended */
  requireFresh(caller: Caller): Promise<void>;
  /** The owner has just proven again who they are. */
  prove(sessionId: Id, provenBy: Proof): Promise<void>;
  /** Looks from now on for ends of sessions that were noted and left behind; the indexes must be there. */
  start(): void;
  /** Looks no more, neither for those nor for what other processes end. */
  stop(): void;
}

export interface SessionsParts {
  sessions: SessionModel;
  revocations: RevocationModel;
  accessTokens: AccessTokens;
  credentials: SessionEndingsParts['credentials'] & Pick<CredentialsService, 'require'>;
  security: Pick<SecurityService, 'record' | 'recordMany'>;
  bus: Bus;
  onError: (error: unknown) => void;
}

/** Milliseconds for which a proof is fresh. */
const freshness = 5 * 60_000;

/** Whoever opens more loses those that were used longest ago: a script that never logs out must not fill the store. */
const maximumSessions = 100;

export function createSessionsService(parts: SessionsParts): SessionsService {
  const store = createSessionStore(parts.sessions);
  const live = createLiveSessions(store);
  const questions = createQuestions(store, live, parts.accessTokens);
  const ending = createEnding(parts, store, live);
  const endings = createSessionEndings({
    ...parts,
    async endBefore({ id, stamp, but, generation }) {
      // By what they were opened with, not by time: the clocks of two processes differ.
      const earlier = (await store.list(id)).filter((session) => session.stamp !== stamp && idOf(session) !== but);
      // Where another note has come since, sessions may be among them that were opened after it.
      const [noted] = await parts.credentials.findEndings(id);
      if (noted?.generation === generation) await ending.endMany(earlier.map(idOf));
    },
  });

  return {
    ...questions,
    ...createEnds(parts, store, ending.endMany),
    ...createTokenPairs(parts, store, ending.endMany),
    start: () => endings.start(),
    endNoted: async (userId) => endings.endNoted(userId),
    async requireAccount(caller) {
      const account = await parts.credentials.require(caller.userId);
      await endings.endNoted(caller.userId);
      await questions.requireAlive(caller);
      return account;
    },
    stop: () => [endings, ending].forEach((one) => one.stop()),
    prove: async (sessionId, provenBy) => store.prove(sessionId, provenBy),
    async wish(sessionId, email) {
      const wish = await store.wish(sessionId, email);
      if (wish === undefined) throw new AppError('UNAUTHENTICATED');
      return wish;
    },
  };
}

const idOf = ({ _id }: SessionDocument): Id => _id.toHexString();
const toStolen = (session: SessionDocument): StolenSession => ({ ...claimsOf(session), userAgent: session.userAgent });

/** Gives those of them that were alive. */
type EndMany = (sessionIds: readonly Id[]) => Promise<SessionDocument[]>;

/** The end of sessions, here and in every other process. */
function createEnding({ revocations, bus, onError }: SessionsParts, store: SessionStore, live: LiveSessions): { stop: () => void; endMany: EndMany } {
  const onEnded = (sessionId: Id): void => {
    live.forget(sessionId);
    bus.endSession(sessionId);
  };
  const ends = createRevocations({ revocations, onEnded, onError });
  return {
    stop: () => ends.stop(),
    async endMany(sessionIds) {
      if (sessionIds.length === 0) return [];
      // Told first: a crash in between must not leave sockets open elsewhere.
      await ends.tell(sessionIds);
      const removed = await store.remove(sessionIds);
      sessionIds.forEach(onEnded);
      // And once more: whoever came in elsewhere after the first telling found the session still there.
      await ends.tell(sessionIds).catch(onError);
      return removed;
    },
  };
}

/** What a session hands out: an access token and the refresh token that gets the next one. */
function createTokenPairs({ accessTokens, security }: SessionsParts, store: SessionStore, endMany: EndMany): Pick<SessionsService, 'open' | 'refresh'> {
  /** No token outlives its session, which has longer to go than any when it has just begun. */
  const sign = async (claims: AccessClaims, end?: Date): Promise<Pick<Tokens, 'accessToken' | 'expiresIn'>> => {
    const expiresIn = end ? Math.min(accessTokens.lifetime, Math.ceil((end.getTime() - Date.now()) / 1000)) : accessTokens.lifetime;
    return { accessToken: await accessTokens.sign(claims, expiresIn), expiresIn };
  };
  return {
    async open(owner, guest, provenBy) {
      const userId = owner.id;
      const { sessionId, refreshToken } = await store.create(owner, guest, provenBy);
      const superfluous = await endMany((await store.list(userId)).map(idOf).slice(maximumSessions));
      await security.recordMany(userId, 'session-ended', guest, superfluous.map(({ userAgent }) => deviceOf(userAgent)));
      return { ...(await sign({ userId, sessionId })), refreshToken };
    },

    async refresh(token, guest) {
      const { next, stolen } = await store.rotate(token, guest);
      if (next) return { tokens: { ...(await sign(next.session, next.expiresAt)), ...(next.refreshToken !== undefined && { refreshToken: next.refreshToken }) } };
      return stolen ? { stolen: toStolen(stolen) } : {};
    },
  };
}

function createEnds({ security }: SessionsParts, store: SessionStore, endMany: EndMany): Pick<SessionsService, 'end' | 'endOthers' | 'endOne' | 'endStolen' | 'endAll' | 'endByRefreshToken'> {
  const endFor = async (caller: Caller, sessions: readonly SessionDocument[]): Promise<void> => {
    const ended = await endMany(sessions.map(idOf));
    await security.recordMany(caller.userId, 'session-ended', caller, ended.map(({ userAgent }) => deviceOf(userAgent)));
  };
  return {
    async endAll(userId) {
      await endMany((await store.list(userId)).map(idOf));
    },
    endOne: async (sessionId) => (await endMany([sessionId])).length > 0,
    async endStolen({ sessionId, userId }, from) {
      if ((await endMany([sessionId])).length > 0) await security.record(userId, 'session-stolen', from);
    },

    async end(caller, { id }) {
      const session = await store.find(id);
      if (session?.userId.toHexString() !== caller.userId) throw new AppError('SESSION_NOT_FOUND');
      await endFor(caller, [session]);
      return null;
    },

    async endOthers(caller) {
      await endFor(caller, (await store.list(caller.userId)).filter((session) => idOf(session) !== caller.sessionId));
      return null;
    },

    async endByRefreshToken(refreshToken) {
      const { session, stolen } = await store.findByRefreshToken(refreshToken);
      const [ended] = session ? await endMany([idOf(session)]) : [];
      return { ...(ended && { ended: claimsOf(ended) }), ...(stolen && { stolen: toStolen(stolen) }) };
    },
  };
}

/** What only reads: who is it, since when, and where else. */
function createQuestions(store: SessionStore, live: LiveSessions, accessTokens: AccessTokens): Pick<SessionsService, 'list' | 'authenticate' | 'stands' | 'requireAlive' | 'wishOf' | 'findFreshProof' | 'requireFresh'> {
  const findFreshProof = async (sessionId: Id): Promise<Proof | undefined> => {
    const session = await store.find(sessionId);
    if (!session) throw new AppError('UNAUTHENTICATED');
    return Date.now() - session.provenAt.getTime() < freshness ? session.provenBy : undefined;
  };
  const isOwner = async ({ userId, sessionId }: AccessClaims): Promise<boolean> => (await live.ownerOf(sessionId)) === userId;
  return {
    findFreshProof,
    stands: async (caller) => caller.expiresAt.getTime() > Date.now() && (await isOwner(caller)),
    wishOf: async (sessionId) => (await store.find(sessionId))?.wish?.id,
    async requireAlive({ sessionId }) {
      if ((await store.find(sessionId)) === undefined) throw new AppError('UNAUTHENTICATED');
    },
    async requireFresh({ sessionId }) {
      if ((await findFreshProof(sessionId)) === undefined) throw new AppError('FRESH_SIGN_IN_REQUIRED');
    },
    async list(caller) {
      const mine = await store.list(caller.userId);
      return { items: mine.map((session) => toSession(session, caller.sessionId)), more: false };
    },
    async authenticate(token, { ip, userAgent, language }) {
      const claims = await accessTokens.verify(token);
      if (!claims || !(await isOwner(claims))) throw new AppError('UNAUTHENTICATED');
      const { userId, sessionId, expiresAt } = claims;
      // Named one by one: a connection keeps it for hours, and V8 keeps what is spread together in twice the space.
      return { ip, userAgent, language, userId, sessionId, expiresAt };
    },
  };
}
