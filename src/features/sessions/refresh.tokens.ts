/** Refresh tokens: random, each good once, known to the store by their hashes alone. */
import { randomBytes, timingSafeEqual } from 'node:crypto';
import { sha256 } from '../../core/hash.ts';
import type { Id } from '../../core/schemas.ts';

/**
 * `<session id>.<family>.<32 random bytes>`. The session's id finds it by one lookup; the family stays the same from one
 * token of a session to the next, so that a copy of any earlier token is told from a guess.
 */
export function makeRefreshToken(sessionId: Id, family: string = randomBytes(16).toString('base64url')): { token: string; hash: string; familyHash: string } {
  const token = `${sessionId}.${family}.${randomBytes(32).toString('base64url')}`;
  return { token, hash: sha256(token), familyHash: sha256(family) };
}

/** The session and the family a refresh token names; undefined if it cannot be one of ours. */
export function readRefreshToken(token: string): { sessionId: Id; family: string } | undefined {
  const [, sessionId, family] = /^([0-9a-f]{24})\.([\w-]{22})\.[\w-]{43}$/.exec(token) ?? [];
  return sessionId === undefined || family === undefined ? undefined : { sessionId, family };
}

/** Equality of two hashes, in constant time. */
export const sameHash = (a: string, b: string): boolean => a.length === b.length && timingSafeEqual(Buffer.from(a), Buffer.from(b));
