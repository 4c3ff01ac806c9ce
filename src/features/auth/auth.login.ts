/** Signing in with a password: known and unknown accounts are answered alike, in words and in time. */
import { AppError } from '../../core/errors.ts';
import { toFieldError } from '../../core/validate.ts';
import type { PasswordsService } from '../passwords/passwords.service.ts';
import type { SecurityService } from '../security/security.service.ts';
import type { CredentialsService } from '../users/credentials.service.ts';
import type { SignIn } from './auth.entry.ts';
import type { AuthService } from './auth.service.ts';

export interface LoginParts {
  credentials: CredentialsService;
  passwords: PasswordsService;
  security: SecurityService;
  onError: (error: unknown) => void;
}

export function createLogin({ credentials, passwords, security, onError }: LoginParts, signIn: SignIn): AuthService['login'] {
  return async (guest, { password, email, username }) => {
    const login = requireOneLogin(email, username);
    const look = async () => {
      const account = await credentials.find(login);
      const isFamiliar = (): Promise<boolean> => security.hasSignedInFrom(account?.id, guest.ip);
      const subject = `login:${(email ?? username ?? '').toLowerCase()}`;
      return { account, isRight: await passwords.check({ subject, password, hash: account?.passwordHash, guest, isFamiliar }) };
    };
    const { account, isRight } = await passwords.admit(guest, look);
    if (account && isRight) return signIn(account, guest, { by: 'password' });
    // Also where there is no account: what is written would slow down this answer, or the next, for known ones only.
    (account ? security.record(account.id, 'sign-in-failed', guest) : security.recordOfNobody('sign-in-failed')).catch(onError);
    throw new AppError('WRONG_CREDENTIALS');
  };
}

function requireOneLogin(email: string | undefined, username: string | undefined): { email: string } | { username: string } {
  if (email !== undefined && username === undefined) return { email };
  if (username !== undefined && email === undefined) return { username };
  throw toFieldError('email', 'give either email or username');
}
