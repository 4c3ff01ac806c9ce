/** Signing in with Google by redirect (OAuth 2.0 code flow with PKCE): begun and ended in the same browser, once. */
import { randomBytes, timingSafeEqual } from 'node:crypto';
import type { Guest } from '../../core/contract.ts';
import { AppError } from '../../core/errors.ts';
import { sha256 } from '../../core/hash.ts';
import type { TokensService } from '../tokens/tokens.service.ts';
import type { SignedIn } from './auth.contract.ts';
import { requireGoogle, type GoogleSignIn, type SignInWithGoogle } from './google.entry.ts';

export interface GoogleRedirect {
  /** Where in the app a browser goes on that has not said where. */
  googleHome: string;
  /**
   * Where to send the browser, and the secret it keeps until it comes back.
   * @throws GOOGLE_OFF, RETURN_PATH_NOT_ALLOWED
   */
  startGoogle(guest: Guest, wish: { returnTo?: string | undefined }): Promise<{ url: string; browserSecret: string }>;
  /** Where in the app a browser that comes back with this state goes on; no `finish` unless it began there, and comes back the first time. */
  resumeGoogle(state: string, browserSecret: string): Promise<{ returnTo: string; finish?: (guest: Guest, code: string) => Promise<SignedIn> }>;
}

export interface GoogleRedirectParts {
  tokens: TokensService;
  google: GoogleSignIn | undefined;
  callbackUrl: string;
  returnPaths: readonly string[];
}

/** Seconds in which somebody must have signed in at Google. */
const lifetime = 10 * 60;

const random = (): string => randomBytes(32).toString('base64url');

export function createGoogleRedirect({ tokens, google, callbackUrl: redirectUri, returnPaths }: GoogleRedirectParts, signInWithGoogle: SignInWithGoogle): GoogleRedirect {
  const home = returnPaths[0] ?? '/';
  return {
    googleHome: home,
    async startGoogle({ language }, { returnTo = home }) {
      if (!returnPaths.includes(returnTo)) throw new AppError('RETURN_PATH_NOT_ALLOWED');
      const provider = requireGoogle(google);
      const [browserSecret, nonce, codeVerifier] = [random(), random(), random()];
      const state = await tokens.issue('google', { lifetime, data: { browser: sha256(browserSecret), nonce, codeVerifier, returnTo } });
      return { url: provider.authorizationUrl({ redirectUri, state, nonce, codeVerifier, language }), browserSecret };
    },

    async resumeGoogle(state, browserSecret) {
      const begun = await tokens.find('google', state);
      const { browser = '', nonce = '', codeVerifier = '', returnTo = home } = begun?.data ?? {};
      // Whoever has another's state must not even be able to use it up.
      const isSameBrowser = begun !== undefined && timingSafeEqual(Buffer.from(sha256(browserSecret)), Buffer.from(browser));
      if (!isSameBrowser || !(await tokens.redeem('google', state))) return { returnTo: home };
      const finish = async (guest: Guest, code: string): Promise<SignedIn> => {
        const idToken = await requireGoogle(google).exchange({ code, redirectUri, codeVerifier });
        return signInWithGoogle(guest, idToken, nonce);
      };
      return { returnTo, finish };
    },
  };
}
