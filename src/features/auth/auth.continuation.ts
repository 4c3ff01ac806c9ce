/** How a session goes on, and how it ends: refreshed, renewed on a connection, logged out of. */
import type { Caller, Guest } from '../../core/contract.ts';
import { deviceOf } from '../../core/device.ts';
import { AppError } from '../../core/errors.ts';
import type { MailQueue } from '../mails/mails.service.ts';
import type { SecurityService } from '../security/security.service.ts';
import type { SessionsService, StolenSession } from '../sessions/sessions.service.ts';
import type { TokensService } from '../tokens/tokens.service.ts';
import type { CredentialsService } from '../users/credentials.service.ts';
import type { AuthService } from './auth.service.ts';

export interface ContinuationParts {
  credentials: CredentialsService;
  sessions: SessionsService;
  security: SecurityService;
  tokens: TokensService;
  mails: MailQueue;
  onError: (error: unknown) => void;
}

export function createContinuation({ credentials, sessions, security, tokens, mails, onError }: ContinuationParts): Pick<AuthService, 'refresh' | 'renew' | 'logout'> {
  const tellOwner = async ({ userId, userAgent }: StolenSession, guest: Guest): Promise<void> => {
    const account = await credentials.find({ id: userId });
    if (!account) return;
    // First of all: nobody learns of it a second time.
    await mails.notify({ kind: 'session-stolen', userId, values: { device: deviceOf(userAgent) } });
    try {
      await security.record(userId, 'session-stolen', guest);
    } finally {
      // The thief may have asked for another address.
      await tokens.removeAll(userId, ['confirm-email']);
    }
  };

  return {
    async refresh(guest, { refreshToken }) {
      const { tokens: next, stolen } = await sessions.refresh(refreshToken, guest);
      if (next) return next;
      if (stolen) await tellOwner(stolen, guest).catch(onError);
      throw new AppError('SESSION_ENDED');
    },

    async renew(caller, { accessToken }) {
      const renewed = await sessions.authenticate(accessToken, caller);
      if (renewed.sessionId !== caller.sessionId) throw new AppError('UNAUTHENTICATED');
      return { expiresAt: renewed.expiresAt.toISOString() };
    },

    async logout(guest, { refreshToken }) {
      const named = refreshToken === undefined ? undefined : await sessions.endByRefreshToken(refreshToken);
      if (named) await security.record(named.userId, 'signed-out', guest);
      if (isCaller(guest) && guest.sessionId !== named?.sessionId) {
        await sessions.endOne(guest.sessionId);
        await security.record(guest.userId, 'signed-out', guest);
      }
      return null;
    },
  };
}

const isCaller = (guest: Guest | Caller): guest is Caller => 'sessionId' in guest;
