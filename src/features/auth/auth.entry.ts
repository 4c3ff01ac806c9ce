/** The last step of every sign-in: whoever has proven who they are gets a session, or is asked for the second factor. */
import type { Guest } from '../../core/contract.ts';
import { AppError } from '../../core/errors.ts';
import type { SecurityService } from '../security/security.service.ts';
import type { SessionsService, Tokens } from '../sessions/sessions.service.ts';
import type { TokensService } from '../tokens/tokens.service.ts';
import type { Account, CredentialsService } from '../users/credentials.service.ts';
import type { SignedIn } from './auth.contract.ts';

export interface EntryParts {
  credentials: Pick<CredentialsService, 'find'>;
  sessions: SessionsService;
  tokens: TokensService;
  security: SecurityService;
}

export interface Proven {
  by: 'password' | 'google';
  /** The second factor was proven, too. */
  secondFactor?: true;
}

/**
 * @throws SECOND_FACTOR_REQUIRED with a challenge token for the second step; SESSION_ENDED
 */
export type SignIn = (account: Account, guest: Guest, proven: Proven) => Promise<SignedIn>;

/** Seconds in which the second step must follow. */
const challengeLifetime = 5 * 60;

/**
 * Opens a session on what was proven about an account.
 * @throws SESSION_ENDED if that has just been replaced, or the account removed
 */
export async function openSession({ credentials, sessions }: Pick<EntryParts, 'credentials' | 'sessions'>, account: Account, guest: Guest, by: Proven['by']): Promise<Required<Tokens>> {
  const opened = await sessions.open(account, guest, by);
  // Whoever changes what signs in ends all sessions, and may have looked for them before this one was there.
  if ((await credentials.find({ id: account.id }))?.stamp === account.stamp) return opened;
  await sessions.endByRefreshToken(opened.refreshToken);
  throw new AppError('SESSION_ENDED');
}

export function createEntry(parts: EntryParts): SignIn {
  const { tokens, security } = parts;
  return async (account, guest, { by, secondFactor }) => {
    if (account.secondFactor?.confirmedAt && !secondFactor) {
      const challengeToken = await tokens.issue('second-factor', { userId: account.id, data: { by, stamp: account.stamp }, lifetime: challengeLifetime });
      // Where no second step follows, somebody else may know the password.
      await security.record(account.id, 'second-factor-asked', guest, by);
      throw new AppError('SECOND_FACTOR_REQUIRED', { challengeToken, expiresIn: challengeLifetime });
    }
    const signedIn = await openSession(parts, account, guest, by);
    await security.record(account.id, 'signed-in', guest, secondFactor ? `${by}, code` : by);
    return { user: account.me, ...signedIn };
  };
}
