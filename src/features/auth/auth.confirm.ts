/** Proving again who one is, within a session: for what needs a fresh sign-in. */
import type { Caller } from '../../core/contract.ts';
import { AppError } from '../../core/errors.ts';
import { toFieldError } from '../../core/validate.ts';
import type { PasswordsService } from '../passwords/passwords.service.ts';
import type { SessionsService } from '../sessions/sessions.service.ts';
import type { TotpService } from '../totp/totp.service.ts';
import type { Account, CredentialsService } from '../users/credentials.service.ts';
import type { AuthService } from './auth.service.ts';
import { requireGoogle, type GoogleSignIn } from './google.entry.ts';

export interface ConfirmParts {
  credentials: CredentialsService;
  passwords: PasswordsService;
  sessions: SessionsService;
  totp: TotpService;
  google: GoogleSignIn | undefined;
}

/** Milliseconds; an older ID token proves that somebody was here, not that they are. */
const freshCredential = 5 * 60_000;

export function createConfirm({ credentials, passwords, sessions, totp, google }: ConfirmParts): AuthService['confirm'] {
  const proveByGoogle = async ({ googleId }: Account, credential: string): Promise<void> => {
    const profile = await requireGoogle(google).verify(credential);
    if (profile.googleId !== googleId || Date.now() - profile.issuedAt.getTime() > freshCredential) throw new AppError('GOOGLE_REFUSED');
  };
  const prove = async (account: Account, caller: Caller, { password, credential }: { password?: string; credential?: string }): Promise<'password' | 'google'> => {
    if ((password === undefined) === (credential === undefined)) {
      throw toFieldError('password', 'give either password or credential');
    }
    if (credential === undefined) await passwords.require(account, password, caller);
    else await proveByGoogle(account, credential);
    return credential === undefined ? 'password' : 'google';
  };

  return async (caller, { code, ...proof }) => {
    const account = await credentials.require(caller.userId);
    const isTwofold = account.secondFactor?.confirmedAt !== undefined;
    if (isTwofold && code === undefined) throw toFieldError('code', 'is required, because the second factor is on');
    const by = await prove(account, caller, proof);
    if (isTwofold) await totp.use(account, code ?? '', caller);
    await sessions.prove(caller.sessionId, by);
    return null;
  };
}
