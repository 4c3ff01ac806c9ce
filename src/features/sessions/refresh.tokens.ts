/** Refresh tokens: each good once, known to the store by their hashes alone. */
import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import type { Id } from '../../core/schemas.ts';

/**
 * The first refresh token of a session: `<session id>.<family>.<32 bytes>`. The session's id finds it by one lookup; the
 * family stays the same from one token of a session to the next, so that a copy of any earlier token is told from a guess.
 */
export function makeRefreshToken(sessionId: Id): { token: string; family: string } {
  const family = makeKey(16);
  return { token: `${sessionId}.${family}.${makeKey()}`, family };
}

/**
 * The token that comes after this one. Whoever asks again, because the answer was lost, is given the same; nobody can work
 * it out who has but one of the two, the token or the key.
 */
export function successorOf(token: string, key: string): string {
  const secret = createHmac('sha256', key).update(token).digest('base64url');
  return `${token.slice(0, token.lastIndexOf('.'))}.${secret}`;
}

/** So many random bytes, in base64url. */
export const makeKey = (bytes = 32): string => randomBytes(bytes).toString('base64url');

/** The session and the family a refresh token names; undefined if it cannot be one of ours. */
export function readRefreshToken(token: string): { sessionId: Id; family: string } | undefined {
  const [, sessionId, family] = /^([0-9a-f]{24})\.([\w-]{22})\.[\w-]{43}$/.exec(token) ?? [];
  return sessionId === undefined || family === undefined ? undefined : { sessionId, family };
}

/** Equality of two hashes, in constant time. */
export const sameHash = (a: string, b: string): boolean => a.length === b.length && timingSafeEqual(Buffer.from(a), Buffer.from(b));
