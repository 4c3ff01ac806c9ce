/** Access tokens: JWT (RFC 7519), signed with HS256 under the first of the keys, good under any of them. */
import { createHash, webcrypto } from 'node:crypto';
import { jwtVerify, SignJWT } from 'jose';
import { isCanonicalJwt } from '../../core/jwt.ts';
import type { Id } from '../../core/schemas.ts';

const issuer = 'parley';
const audience = 'parley';

export interface AccessClaims {
  userId: Id;
  sessionId: Id;
}

export interface AccessTokens {
  /** Seconds for which a token is good at most. */
  lifetime: number;
  /** Good for so many seconds, or the usual time. */
  sign(claims: AccessClaims, lifetime?: number): Promise<string>;
  /** The claims of a token of ours that is still good, otherwise undefined. */
  verify(token: string): Promise<(AccessClaims & { expiresAt: Date }) | undefined>;
}

/** A key with the name that its tokens carry. */
interface Key {
  kid: string;
  key: webcrypto.CryptoKey;
}

export function createAccessTokens(secrets: readonly string[], usual = 15 * 60): AccessTokens {
  // Imported once: from bytes they would be imported anew for every token.
  const imported = Promise.all(secrets.map(importKey));
  return {
    lifetime: usual,
    async sign({ userId, sessionId }, lifetime = usual) {
      const { kid, key } = (await imported)[0] as Key;
      return new SignJWT({ sid: sessionId })
        .setProtectedHeader({ alg: 'HS256', kid })
        .setSubject(userId)
        .setIssuer(issuer)
        .setAudience(audience)
        .setIssuedAt()
        .setExpirationTime(`${lifetime}s`)
        .sign(key);
    },

    async verify(token) {
      if (!isCanonicalJwt(token)) return undefined;
      try {
        const keys = await imported;
        const findKey = ({ kid }: { kid?: string }): webcrypto.CryptoKey => requireKey(keys, kid).key;
        const { payload } = await jwtVerify(token, findKey, { algorithms: ['HS256'], issuer, audience, requiredClaims: ['sub', 'sid', 'exp'] });
        const { sub, sid, exp } = payload;
        if (!isId(sub) || !isId(sid) || exp === undefined) return undefined;
        return { userId: sub, sessionId: sid, expiresAt: new Date(exp * 1000) };
      } catch {
        return undefined;
      }
    },
  };
}

const isId = (claim: unknown): claim is Id => typeof claim === 'string' && /^[0-9a-f]{24}$/.test(claim);

async function importKey(secret: string): Promise<Key> {
  const key = await webcrypto.subtle.importKey('raw', new TextEncoder().encode(secret), { name: 'HMAC', hash: 'SHA-256' }, false, ['sign', 'verify']);
  return { kid: createHash('sha256').update(secret).digest('hex').slice(0, 16), key };
}

function requireKey(keys: readonly Key[], kid: string | undefined): Key {
  const found = keys.find((key) => key.kid === kid);
  if (!found) throw new Error('no key of ours has this name');
  return found;
}
