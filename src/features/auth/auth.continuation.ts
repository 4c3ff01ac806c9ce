/** How a session goes on, and how it ends: refreshed, renewed on a connection, logged out of. */
import type { Caller, Guest } from '../../core/contract.ts';
import { deviceOf } from '../../core/device.ts';
import { AppError } from '../../core/errors.ts';
import type { MailQueue } from '../mails/mails.service.ts';
import type { SecurityService } from '../security/security.service.ts';
import type { SessionsService, StolenSession } from '../sessions/sessions.service.ts';
import type { CredentialsService } from '../users/credentials.service.ts';
import type { AuthService } from './auth.service.ts';

export interface ContinuationParts {
  credentials: CredentialsService;
  sessions: SessionsService;
  security: SecurityService;
  mails: MailQueue;
  onError: (error: unknown) => void;
}

export function createContinuation({ credentials, sessions, security, mails, onError }: ContinuationParts): Pick<AuthService, 'refresh' | 'renew' | 'logout'> {
  /** The mail is stored first: if this process dies, whoever sends it ends the session. Of several uses at once one is told of. */
  const tellAndEnd = async (stolen: StolenSession, guest: Guest): Promise<void> => {
    const { sessionId: id, userId, userAgent } = stolen;
    const to = (await credentials.find({ id: userId }))?.email;
    await mails.telling({ id, kind: 'session-stolen', userId, to, values: { device: deviceOf(userAgent), ip: guest.ip, userAgent: guest.userAgent } }, () => sessions.endStolen(stolen, guest));
  };

  const endStolen = async (stolen: StolenSession, guest: Guest): Promise<void> =>
    tellAndEnd(stolen, guest).catch(async (error: unknown) => {
      onError(error);
      // Whatever could not be stored, the thief is not let in any more.
      await sessions.endStolen(stolen, guest);
    });

  return {
    async refresh(guest, { refreshToken }) {
      const { tokens: next, stolen } = await sessions.refresh(refreshToken, guest);
      if (next) return next;
      if (stolen) await endStolen(stolen, guest);
      throw new AppError('SESSION_ENDED');
    },

    async renew(caller, { accessToken }) {
      const renewed = await sessions.authenticate(accessToken, caller);
      if (renewed.sessionId !== caller.sessionId) throw new AppError('UNAUTHENTICATED');
      // The wire looks at its caller: an older token must not end the connection sooner.
      if (renewed.expiresAt > caller.expiresAt) caller.expiresAt = renewed.expiresAt;
      return { expiresAt: caller.expiresAt.toISOString() };
    },

    async logout(guest, { refreshToken }) {
      const { ended, stolen } = refreshToken === undefined ? {} : await sessions.endByRefreshToken(refreshToken);
      if (ended) await security.record(ended.userId, 'signed-out', guest);
      if (stolen) await endStolen(stolen, guest);
      if (isCaller(guest) && (await sessions.endOne(guest.sessionId))) await security.record(guest.userId, 'signed-out', guest);
      return null;
    },
  };
}

const isCaller = (guest: Guest | Caller): guest is Caller => 'sessionId' in guest;
