/** Access tokens (JWT, RFC 7519) and refresh tokens (random, known to the store by their hash alone). */
import { createHash, randomBytes, timingSafeEqual, webcrypto } from 'node:crypto';
import { jwtVerify, SignJWT } from 'jose';
import type { Id } from '../../core/schemas.ts';

/** Seconds for which an access token is good. */
export const accessTokenLifetime = 15 * 60;

const issuer = 'parley';
const audience = 'parley';

export interface AccessClaims {
  userId: Id;
  sessionId: Id;
}

export interface AccessTokens {
  sign(claims: AccessClaims): Promise<string>;
  /** The claims of a token of ours that is still good, otherwise undefined. */
  verify(token: string): Promise<AccessClaims | undefined>;
}

export function createAccessTokens(secret: string): AccessTokens {
  // Imported once: from bytes it would be imported anew for every token.
  const importedKey = webcrypto.subtle.importKey('raw', new TextEncoder().encode(secret), { name: 'HMAC', hash: 'SHA-256' }, false, ['sign', 'verify']);
  const kid = createHash('sha256').update(secret).digest('hex').slice(0, 16);
  return {
    sign: async ({ userId, sessionId }) =>
      new SignJWT({ sid: sessionId })
        .setProtectedHeader({ alg: 'HS256', kid })
        .setSubject(userId)
        .setIssuer(issuer)
        .setAudience(audience)
        .setIssuedAt()
        .setExpirationTime(`${accessTokenLifetime}s`)
        .sign(await importedKey),

    async verify(token) {
      try {
        const { payload, protectedHeader } = await jwtVerify(token, await importedKey, { algorithms: ['HS256'], issuer, audience, requiredClaims: ['sub', 'sid', 'exp'] });
        if (protectedHeader.kid !== kid || typeof payload['sid'] !== 'string' || payload.sub === undefined) return undefined;
        return { userId: payload.sub, sessionId: payload['sid'] };
      } catch {
        return undefined;
      }
    },
  };
}

/**
 * `<session id>.<family>.<32 random bytes>`. The session's id finds it by one lookup; the family stays the same from one
 * token of a session to the next, so that a copy of any earlier token is told from a guess.
 */
export function makeRefreshToken(sessionId: Id, family: string = randomBytes(16).toString('base64url')): { token: string; hash: string; familyHash: string } {
  const token = `${sessionId}.${family}.${randomBytes(32).toString('base64url')}`;
  return { token, hash: hashRefreshToken(token), familyHash: hashRefreshToken(family) };
}

export const hashRefreshToken = (token: string): string => createHash('sha256').update(token).digest('base64url');

/** The session and the family a refresh token names; undefined if it cannot be one of ours. */
export function readRefreshToken(token: string): { sessionId: Id; family: string } | undefined {
  const [, sessionId, family] = /^([0-9a-f]{24})\.([\w-]{22})\.[\w-]{43}$/.exec(token) ?? [];
  return sessionId === undefined || family === undefined ? undefined : { sessionId, family };
}

/** Equality of two hashes, in constant time. */
export const sameHash = (a: string, b: string): boolean => a.length === b.length && timingSafeEqual(Buffer.from(a), Buffer.from(b));
