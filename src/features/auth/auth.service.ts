/** Signing in and out: accounts by password, sessions with a refresh token that changes at every use. */
import { LRUCache } from 'lru-cache';
import type { Bus } from '../../core/bus.ts';
import type { Caller, Guest, Service } from '../../core/contract.ts';
import { storePatience, withDeadline } from '../../core/deadline.ts';
import { AppError } from '../../core/errors.ts';
import type { Id } from '../../core/schemas.ts';
import type { Me } from '../users/users.contract.ts';
import type { UsersService } from '../users/users.service.ts';
import type { authContract, SignedIn } from './auth.contract.ts';
import type { Passwords } from './passwords.ts';
import { createSessions, type Sessions } from './sessions.ts';
import type { SessionModel } from './session.model.ts';
import { accessTokenLifetime, type AccessTokens } from './tokens.ts';

export interface AuthService extends Service<typeof authContract> {
  /** Whose access token this is. @throws UNAUTHENTICATED if it is not good or its session has ended */
  authenticate(token: string, guest: Guest): Promise<Caller>;
}

export interface AuthParts {
  users: UsersService;
  sessions: SessionModel;
  passwords: Passwords;
  accessTokens: AccessTokens;
  bus: Bus;
}

/** How long another process may go on believing in a session that was ended elsewhere, in milliseconds. */
const sessionCacheTime = 1000;

export function createAuthService({ users, sessions: model, passwords, accessTokens, bus }: AuthParts): AuthService {
  const sessions = createSessions(model);
  const live = createLiveSessions(sessions, bus);

  const signIn = async (user: Me, guest: Guest): Promise<SignedIn> => {
    const { sessionId, refreshToken } = await sessions.create(user.id, guest);
    return { user, accessToken: await accessTokens.sign({ userId: user.id, sessionId }), expiresIn: accessTokenLifetime, refreshToken };
  };

  return {
    async register(guest, { password, refresh: _refresh, ...account }) {
      const user = await users.create({ ...account, passwordHash: await passwords.hash(password) });
      return signIn(user, guest);
    },

    async login(guest, { password, email, username }) {
      const login = requireOneLogin(email, username);
      const found = await users.findCredentials(login);
      const matches = await passwords.matches(password, found?.passwordHash);
      if (!found || !matches) throw new AppError('WRONG_CREDENTIALS');
      return signIn(found.user, guest);
    },

    async refresh(_guest, { refreshToken }) {
      const outcome = await sessions.rotate(refreshToken);
      if (outcome.stolen) await live.end(outcome.stolen);
      if (!outcome.session) throw new AppError('SESSION_ENDED');
      const accessToken = await accessTokens.sign(outcome.session);
      return { accessToken, expiresIn: accessTokenLifetime, ...(outcome.refreshToken !== undefined && { refreshToken: outcome.refreshToken }) };
    },

    async logout(guest, { refreshToken }) {
      const named = refreshToken === undefined ? undefined : await sessions.findByRefreshToken(refreshToken);
      for (const sessionId of new Set([callerSession(guest), named])) {
        if (sessionId !== undefined) await live.end(sessionId);
      }
      return null;
    },

    async authenticate(token, guest) {
      const claims = await accessTokens.verify(token);
      if (!claims || (await live.ownerOf(claims.sessionId)) !== claims.userId) throw new AppError('UNAUTHENTICATED');
      return { ...guest, ...claims };
    },
  };
}

/** Which sessions are alive, asked at every request: remembered for a moment, and forgotten when one ends here. */
function createLiveSessions(sessions: Sessions, bus: Bus) {
  // A look-up that is under way while its session ends gives what it finds; it must not fail, and it is not kept.
  const alive = new LRUCache<Id, { owner: Id | undefined }>({
    max: 50_000,
    ttl: sessionCacheTime,
    ignoreFetchAbort: true,
    fetchMethod: async (sessionId) => ({ owner: await withDeadline(sessions.findOwner(sessionId), storePatience) }),
  });
  return {
    ownerOf: async (sessionId: Id): Promise<Id | undefined> => (await alive.fetch(sessionId))?.owner,
    async end(sessionId: Id): Promise<void> {
      await sessions.remove(sessionId);
      alive.delete(sessionId);
      bus.endSession(sessionId);
    },
  };
}

const callerSession = (guest: Guest | Caller): Id | undefined => ('sessionId' in guest ? guest.sessionId : undefined);

function requireOneLogin(email: string | undefined, username: string | undefined): { email: string } | { username: string } {
  if (email !== undefined && username === undefined) return { email };
  if (username !== undefined && email === undefined) return { username };
  throw new AppError('VALIDATION_FAILED', { fields: [{ field: 'email', problem: 'give either email or username' }] });
}
