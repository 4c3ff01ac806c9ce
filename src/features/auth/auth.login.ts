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

/** The id of no account. What is asked about an account is asked, and noted, about this one if there is none: it takes as long. */
const nobody = '0'.repeat(24);

/** Of whoever tries an account that does not exist nothing is kept. */
const unnamed = { ip: '0.0.0.0', userAgent: '' };

export function createLogin({ credentials, passwords, security, onError }: LoginParts, signIn: SignIn): AuthService['login'] {
  return async (guest, { password, email, username }) => {
    const login = requireOneLogin(email, username);
    const look = async () => {
      const account = await credentials.find(login);
      const id = account?.id ?? nobody;
      const isFamiliar = (): Promise<boolean> => security.hasSignedInFrom(id, guest.ip);
      const subject = `login:${(email ?? username ?? '').toLowerCase()}`;
      return { account, id, isRight: await passwords.check({ subject, password, hash: account?.passwordHash, guest, isFamiliar }) };
    };
    const { account, id, isRight } = await passwords.admit(guest, look);
    if (account && isRight) return signIn(account, guest, { by: 'password' });
    // Noted of the account that is none as well: what is written would slow down this answer, or the next, for known ones only.
    security.record(id, 'sign-in-failed', account ? guest : unnamed).catch(onError);
    throw new AppError('WRONG_CREDENTIALS');
  };
}

function requireOneLogin(email: string | undefined, username: string | undefined): { email: string } | { username: string } {
  if (email !== undefined && username === undefined) return { email };
  if (username !== undefined && email === undefined) return { username };
  throw toFieldError('email', 'give either email or username');
}
