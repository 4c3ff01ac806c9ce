/** Signing up, in and out: by password or with Google, with a second factor if it is on. */
import type { Service } from '../../core/contract.ts';
import { AppError } from '../../core/errors.ts';
import type { MailQueue } from '../mails/mails.service.ts';
import type { PasswordsService } from '../passwords/passwords.service.ts';
import type { SecurityService } from '../security/security.service.ts';
import type { SessionsService } from '../sessions/sessions.service.ts';
import type { TokensService } from '../tokens/tokens.service.ts';
import type { TotpService } from '../totp/totp.service.ts';
import type { CredentialsService } from '../users/credentials.service.ts';
import type { NoticesService } from '../users/notices.service.ts';
import type { authContract } from './auth.contract.ts';
import { createConfirm } from './auth.confirm.ts';
import { createContinuation } from './auth.continuation.ts';
import { createEntry, openSession } from './auth.entry.ts';
import { createGoogleRedirect, type GoogleRedirect } from './google.redirect.ts';
import { createGoogleEntry, type GoogleSignIn } from './google.entry.ts';
import { createLogin } from './auth.login.ts';

export interface AuthService extends Service<typeof authContract>, GoogleRedirect {}

export interface AuthParts {
  credentials: CredentialsService;
  sessions: SessionsService;
  passwords: PasswordsService;
  totp: TotpService;
  tokens: TokensService;
  security: SecurityService;
  notices: NoticesService;
  mails: MailQueue;
  /** Absent where signing in with Google is not set up. */
  google: GoogleSignIn | undefined;
  /** Where Google sends the browser back to, and the paths of the app to which it may go on. */
  callbackUrl: string;
  returnPaths: readonly string[];
  onError: (error: unknown) => void;
}

export function createAuthService(parts: AuthParts): AuthService {
  const { credentials, passwords, totp, tokens, security, mails } = parts;
  const signIn = createEntry(parts);
  const signInWithGoogle = createGoogleEntry(parts, signIn);

  return {
    login: createLogin(parts, signIn),
    confirm: createConfirm(parts),
    ...createContinuation(parts),
    ...createGoogleRedirect(parts, signInWithGoogle),

    async register(guest, { password, refresh: _refresh, language = guest.language, ...profile }) {
      const passwordHash = await passwords.hash(password, profile, guest);
      const account = await credentials.create({ ...profile, language, passwordHash });
      // First of all: whoever gets an error from here on finds the address taken, and has the mail.
      await mails.notify({ kind: 'verify-email', userId: account.id });
      await security.record(account.id, 'registered', guest);
      return { user: account.me, ...(await openSession(parts, account, guest, 'password')) };
    },

    loginWithGoogle: async (guest, { credential, nonce }) => signInWithGoogle(guest, credential, nonce),

    async verifySecondFactor(guest, { challengeToken, code }) {
      const challenge = await tokens.find('second-factor', challengeToken);
      const account = challenge?.userId === undefined ? undefined : await credentials.find({ id: challenge.userId });
      // What the first step has proven may have been replaced meanwhile.
      if (!challenge || !account || challenge.data['stamp'] !== account.stamp) throw new AppError('CHALLENGE_EXPIRED');
      await totp.use(account, code, guest);
      // Of two codes for one challenge the first to come here is let in.
      if (!(await tokens.redeem('second-factor', challengeToken))) throw new AppError('CHALLENGE_EXPIRED');
      return signIn(account, guest, { by: challenge.data['by'] === 'google' ? 'google' : 'password', secondFactor: true });
    },
  };
}
