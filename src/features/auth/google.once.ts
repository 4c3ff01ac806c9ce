/** Each ID token is good for one thing, once: to sign in, to link, or to prove again who one is. */
import { AppError } from '../../core/errors.ts';
import type { TokensService } from '../tokens/tokens.service.ts';
import type { GoogleSignIn } from './google.entry.ts';

/** Seconds; no ID token is taken that is older. */
const credentialLifetime = 70 * 60;

/** Google, but a token that was verified before is refused: whoever got hold of it later can do nothing with it. */
export const takingEachOnce = (google: GoogleSignIn, tokens: TokensService): GoogleSignIn => ({
  ...google,
  async verify(idToken, expected) {
    const profile = await google.verify(idToken, expected);
    if (!(await tokens.useOnce('google-credential', idToken, credentialLifetime))) throw new AppError('GOOGLE_REFUSED');
    return profile;
  },
});
