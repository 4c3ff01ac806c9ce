/** Google, or the OpenID provider that stands in for it: where to send people, and who came back. */
import { sha256 } from '../../core/hash.ts';
import { StartupError } from '../../core/startup.error.ts';
import { exchangeCode, type CodeFromGoogle } from './code.ts';
import { createIdTokens } from './id.token.ts';
import { toProfile, type GoogleProfile } from './profile.ts';

export type { GoogleProfile };

/** All of it is configuration, so nothing is asked of Google before somebody signs in. */
export interface GoogleOptions {
  clientId: string;
  clientSecret: string;
  issuer: string;
  authorizeUrl: string;
  tokenUrl: string;
  jwksUrl: string;
}

export interface Authorization {
  redirectUri: string;
  state: string;
  nonce: string;
  /** 43 to 128 letters and digits (RFC 7636, section 4.1). Google sees its hash alone until the code is traded. */
  codeVerifier: string;
  /** The language of Google's pages (BCP 47); by default that of the Google account. */
  language?: string | undefined;
}

export interface Google {
  /** Where to send a browser to sign in. */
  authorizationUrl(authorization: Authorization): string;
  /**
   * The ID token for a code, still to be verified.
   * @throws AppError GOOGLE_REFUSED, GOOGLE_UNAVAILABLE; Error if Google does not take us for its client
   */
  exchange(code: CodeFromGoogle): Promise<string>;
  /**
   * The person an ID token is about. A nonce that is given has to be in the token. Whether the e-mail address is
   * verified is told, not required.
   * @throws AppError GOOGLE_REFUSED, GOOGLE_UNAVAILABLE
   */
  verify(idToken: string, expected?: { nonce?: string | undefined }): Promise<GoogleProfile>;
}

/** @throws StartupError if an address of Google's is not safe to talk to */
export function createGoogle(options: GoogleOptions): Google {
  requireSafe('GOOGLE_AUTHORIZE_URL', options.authorizeUrl);
  requireSafe('GOOGLE_TOKEN_URL', options.tokenUrl);
  requireSafe('GOOGLE_JWKS_URL', options.jwksUrl);
  const idTokens = createIdTokens(options);
  return {
    authorizationUrl: (authorization) => authorizationUrl(options, authorization),
    exchange: (code) => exchangeCode(options, code),
    verify: async (idToken, { nonce } = {}) => toProfile(await idTokens.verify(idToken, nonce)),
  };
}

/** OpenID Connect Core 1.0, section 3.1.2.1, with PKCE (RFC 7636). */
function authorizationUrl({ authorizeUrl, clientId }: GoogleOptions, { redirectUri, state, nonce, codeVerifier, language }: Authorization): string {
  const url = new URL(authorizeUrl);
  const parameters = {
    response_type: 'code',
    client_id: clientId,
    redirect_uri: redirectUri,
    scope: 'openid email profile',
    state,
    nonce,
    code_challenge: sha256(codeVerifier),
    code_challenge_method: 'S256',
    prompt: 'select_account',
    // The standard's word, and Google's.
    ...(language !== undefined && { ui_locales: language, hl: language }),
  };
  for (const [name, value] of Object.entries(parameters)) url.searchParams.set(name, value);
  return url.href;
}

/** The secret and the keys travel over TLS, or stay on this machine. */
function requireSafe(key: string, address: string): void {
  const { protocol, hostname } = new URL(address);
  if (protocol === 'https:' || /^(?:localhost|127\.[\d.]+|\[::1\])$/.test(hostname)) return;
  throw new StartupError(`${key} must be an https address: over http, anybody on the way could sign in as anyone.`);
}
