/** Verifies ID tokens: OpenID Connect Core 1.0, section 3.1.3.7. */
import { createRemoteJWKSet, customFetch, errors, jwtVerify, type JWTPayload, type JWTVerifyGetKey, type JWTVerifyOptions } from 'jose';
import { Type, type Static } from 'typebox';
import { AppError } from '../../core/errors.ts';
import { isCanonicalJwt } from '../../core/jwt.ts';
import { Email } from '../../core/schemas.ts';
import { validatorOf } from '../../core/validate.ts';
import { ask, unavailable } from './ask.ts';

export interface Issuing {
  clientId: string;
  issuer: string;
  jwksUrl: string;
}

/** What a token has to say to be of any use. */
const Claims = Type.Object({ sub: Type.String({ minLength: 1, maxLength: 255 }), email: Email, iat: Type.Number() });
export type Claims = Static<typeof Claims> & JWTPayload;

/** Seconds by which clocks may differ. */
const clockTolerance = 60;

/** Seconds for which Google's own tokens are good. No other token is good for longer, whatever it says. */
const maximumAge = 60 * 60;

export interface IdTokens {
  verify(idToken: string, nonce?: string): Promise<Claims>;
}

export function createIdTokens({ clientId, issuer, jwksUrl }: Issuing): IdTokens {
  const keyOf = createKeys(jwksUrl);
  const options: JWTVerifyOptions = {
    // What Google signs with, and what every OpenID provider has to know.
    algorithms: ['RS256'],
    issuer: namesOf(issuer),
    audience: clientId,
    requiredClaims: ['sub', 'email', 'iat', 'exp'],
    clockTolerance,
    maxTokenAge: maximumAge,
  };
  return {
    async verify(idToken, nonce) {
      if (!isCanonicalJwt(idToken)) throw new AppError('GOOGLE_REFUSED');
      const payload = await payloadOf(idToken, keyOf, options);
      if (nonce !== undefined && payload['nonce'] !== nonce) throw new AppError('GOOGLE_REFUSED');
      if (isForSeveral(payload) && payload['azp'] !== clientId) throw new AppError('GOOGLE_REFUSED');
      if (!validatorOf(Claims, 'json')(payload)) throw new AppError('GOOGLE_REFUSED');
      return payload as Claims;
    },
  };
}

const isForSeveral = ({ aud }: JWTPayload): boolean => Array.isArray(aud) && aud.length > 1;

/** Google's own tokens name it with or without the scheme: developers.google.com/identity/openid-connect. */
const namesOf = (issuer: string): string[] => (issuer === 'https://accounts.google.com' ? [issuer, 'accounts.google.com'] : [issuer]);

async function payloadOf(idToken: string, keyOf: JWTVerifyGetKey, options: JWTVerifyOptions): Promise<JWTPayload> {
  try {
    return (await jwtVerify(idToken, keyOf, options)).payload;
  } catch (error) {
    // Without the reason: anybody can send anything, and it would fill the log.
    throw error instanceof errors.JOSEError ? new AppError('GOOGLE_REFUSED') : error;
  }
}

/** The issuer's keys, fetched when first needed, when ten minutes old, and when a token names another: at most once in 30 s. */
function createKeys(jwksUrl: string): JWTVerifyGetKey {
  const keys = createRemoteJWKSet(new URL(jwksUrl), {
    async [customFetch]() {
      const { status, text } = await ask(jwksUrl);
      return new Response(text, { status });
    },
  });
  return async (header, token) => {
    try {
      return await keys(header, token);
    } catch (error) {
      if (error instanceof AppError || error instanceof errors.JWKSNoMatchingKey || error instanceof errors.JWKSMultipleMatchingKeys) throw error;
      throw unavailable(jwksUrl, error);
    }
  };
}
