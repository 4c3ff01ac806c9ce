/** Signing in with Google: which account an ID token opens, or makes. */
import type { Guest, Language } from '../../core/contract.ts';
import { AppError, type ErrorCode } from '../../core/errors.ts';
import type { SecurityService } from '../security/security.service.ts';
import type { Account, CredentialsService } from '../users/credentials.service.ts';
import type { NoticesService } from '../users/notices.service.ts';
import type { SignedIn } from './auth.contract.ts';
import type { SignIn } from './auth.entry.ts';

/** Whom an ID token is about. */
export interface GoogleProfile {
  /** `sub`: stays the same whatever else changes. */
  googleId: string;
  email: string;
  emailVerified: boolean;
  firstName: string;
  lastName?: string | undefined;
  photoUrl?: string | undefined;
  language?: Language | undefined;
  issuedAt: Date;
}

/** What signing in needs of Google. */
export interface GoogleSignIn {
  authorizationUrl(authorization: { redirectUri: string; state: string; nonce: string; codeVerifier: string; language?: string | undefined }): string;
  /** The ID token for a code. @throws GOOGLE_REFUSED, GOOGLE_UNAVAILABLE */
  exchange(code: { code: string; redirectUri: string; codeVerifier: string }): Promise<string>;
  /** @throws GOOGLE_REFUSED, GOOGLE_UNAVAILABLE */
  verify(idToken: string, expected?: { nonce?: string | undefined }): Promise<GoogleProfile>;
}

export interface GoogleEntryParts {
  credentials: CredentialsService;
  security: SecurityService;
  notices: NoticesService;
  google: GoogleSignIn | undefined;
}

/** @throws GOOGLE_OFF */
export function requireGoogle(google: GoogleSignIn | undefined): GoogleSignIn {
  if (!google) throw new AppError('GOOGLE_OFF');
  return google;
}

export type SignInWithGoogle = (guest: Guest, idToken: string, nonce: string | undefined) => Promise<SignedIn>;

/** How often it is looked again after somebody else made or linked an account in the same instant. */
const attempts = 3;

/** What may be said only because of that. */
const overtaking: readonly ErrorCode[] = ['EMAIL_TAKEN', 'GOOGLE_TAKEN', 'GOOGLE_NOT_LINKED'];

export function createGoogleEntry(parts: GoogleEntryParts, signIn: SignIn): SignInWithGoogle {
  return async (guest, idToken, nonce) => {
    const profile = await requireGoogle(parts.google).verify(idToken, { nonce });
    return signIn(await findOrMake(parts, profile, guest), guest, { by: 'google' });
  };
}

async function findOrMake(parts: GoogleEntryParts, profile: GoogleProfile, guest: Guest): Promise<Account> {
  for (let attempt = 1; ; attempt++) {
    const linked = await parts.credentials.find({ googleId: profile.googleId });
    if (linked) return linked;
    if (!profile.emailVerified) throw new AppError('GOOGLE_EMAIL_UNVERIFIED');
    const known = await parts.credentials.find({ email: profile.email });
    try {
      return await (known ? link(parts, known, profile, guest) : make(parts, profile, guest));
    } catch (error) {
      const isOvertaken = error instanceof AppError && overtaking.includes(error.code);
      if (!isOvertaken) throw error;
      if (attempt === attempts) throw new AppError('GOOGLE_NOT_LINKED');
    }
  }
}

/**
 * Only if both sides have verified the address: otherwise whoever signed up with another's address would share the account.
 * Where its owner has unlinked Google, nothing but their own hand links it again.
 */
const isOpenToLinks = ({ me, googleId, unlinkedGoogleId }: Account): boolean => me.emailVerified && googleId === undefined && unlinkedGoogleId === undefined;

async function link({ credentials, notices }: GoogleEntryParts, account: Account, { googleId, email }: GoogleProfile, guest: Guest): Promise<Account> {
  if (!isOpenToLinks(account)) throw new AppError('GOOGLE_NOT_LINKED');
  const stillOpen = { email: email.toLowerCase(), emailVerifiedAt: { $exists: true }, googleId: null, unlinkedGoogleId: null };
  return notices.telling({ kind: 'google-linked', account, guest, detail: email }, async (notice) => {
    const changed = await credentials.change(account.id, { googleId, googleLinkedAt: new Date(), notice }, stillOpen);
    if (!changed) throw new AppError('GOOGLE_NOT_LINKED');
    return changed;
  });
}

async function make({ credentials, security }: GoogleEntryParts, profile: GoogleProfile, guest: Guest): Promise<Account> {
  const { googleId, email, firstName, lastName, photoUrl, language = guest.language } = profile;
  const photo = photoUrl === undefined ? undefined : { url: photoUrl };
  const account = await credentials.create({ email, emailVerified: true, firstName, lastName, photo, language, googleId });
  await security.record(account.id, 'registered', guest, 'google');
  return account;
}
