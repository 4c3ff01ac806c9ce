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
  verify(token: string): Promise<(AccessClaims & { expiresAt: Date }) | undefined>;
}

/** A key with the name that its tokens carry. */
interface Key {
  kid: string;
  key: webcrypto.CryptoKey;
}

/** HS256 under the first of the secrets; tokens under any of them are good, so that a key is changed with nobody logged out. */
export function createAccessTokens(secrets: readonly string[]): AccessTokens {
  // Imported once: from bytes they would be imported anew for every token.
  const imported = Promise.all(secrets.map(importKey));
  return {
    async sign({ userId, sessionId }) {
      const { kid, key } = (await imported)[0] as Key;
      return new SignJWT({ sid: sessionId })
        .setProtectedHeader({ alg: 'HS256', kid })
        .setSubject(userId)
        .setIssuer(issuer)
        .setAudience(audience)
        .setIssuedAt()
        .setExpirationTime(`${accessTokenLifetime}s`)
        .sign(key);
    },

    async verify(token) {
      try {
        const keys = await imported;
        const findKey = ({ kid }: { kid?: string }): webcrypto.CryptoKey => requireKey(keys, kid).key;
        const { payload } = await jwtVerify(token, findKey, { algorithms: ['HS256'], issuer, audience, requiredClaims: ['sub', 'sid', 'exp'] });
        if (typeof payload['sid'] !== 'string' || payload.sub === undefined || payload.exp === undefined) return undefined;
        return { userId: payload.sub, sessionId: payload['sid'], expiresAt: new Date(payload.exp * 1000) };
      } catch {
        return undefined;
      }
    },
  };
}

async function importKey(secret: string): Promise<Key> {
  const key = await webcrypto.subtle.importKey('raw', new TextEncoder().encode(secret), { name: 'HMAC', hash: 'SHA-256' }, false, ['sign', 'verify']);
  return { kid: createHash('sha256').update(secret).digest('hex').slice(0, 16), key };
}

function requireKey(keys: readonly Key[], kid: string | undefined): Key {
  const found = keys.find((key) => key.kid === kid);
  if (!found) throw new Error('no key of ours has this name');
  return found;
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
