/** The password of an account: changed by whoever knows it, or set anew by the link in a mail. */
import { deviceOf } from '../../core/device.ts';
import type { Guest } from '../../core/contract.ts';
import { AppError } from '../../core/errors.ts';
import type { Account } from '../users/credentials.service.ts';
import type { Notice } from '../users/notices.service.ts';
import { requireOwned } from './account.links.ts';
import type { AccountParts, AccountService } from './account.service.ts';

/** What is told of a new password. */
const noticeOf = (account: Account, guest: Guest, entry: 'password-changed' | 'password-reset'): Notice => ({ kind: 'password-changed', entry, account, guest, values: { device: deviceOf(guest.userAgent) } });

export function createPasswordChanges(parts: AccountParts): Pick<AccountService, 'changePassword' | 'sendResetEmail' | 'resetPassword'> {
  const { credentials, sessions, passwords, tokens, security, mails, notices } = parts;
  return {
    async changePassword(caller, { oldPassword, password }) {
      const account = await sessions.requireAccount(caller);
      if (account.passwordHash === undefined) await sessions.requireFresh(caller);
      else await passwords.require(account, oldPassword, caller, 'oldPassword');
      const passwordHash = await passwords.hash(password, account.me, caller);
      await notices.telling(noticeOf(account, caller, 'password-changed'), async (notice) => {
        await sessions.requireAlive(caller);
        const changed = await credentials.change(account.id, { passwordHash, ending: { but: caller.sessionId }, notice }, { passwordHash: account.passwordHash ?? null, generation: account.generation });
        // Somebody else has changed it meanwhile.
        if (!changed) throw new AppError('WRONG_PASSWORD');
      });
      await sessions.endNoted(account.id);
      return null;
    },

    async sendResetEmail(guest, { email }) {
      // Whether there is such an account is looked up once the mail is due: until then nothing differs.
      await mails.enqueue({ kind: 'reset-password', to: email.toLowerCase(), values: { ip: guest.ip, userAgent: guest.userAgent } });
      return null;
    },

    async resetPassword(guest, { token, password }) {
      const { userId, email, stamp } = requireOwned(await tokens.find('reset-password', token));
      const account = await credentials.find({ id: userId });
      // The stamp makes the link good once: with the new password it is another.
      if (account?.stamp !== stamp) throw new AppError('LINK_EXPIRED');
      const passwordHash = await passwords.hash(password, account.me, guest);
      await notices.telling(noticeOf(account, guest, 'password-reset'), async (notice) => {
        // Whoever follows the link reads mail there, whether or not they have shown it before.
        const changed = await credentials.change(userId, { passwordHash, emailVerifiedAt: new Date(), ending: {}, notice }, { email, passwordHash: account.passwordHash ?? null, generation: account.generation });
        if (!changed) throw new AppError('LINK_EXPIRED');
      });
      if (!account.me.emailVerified) await security.record(userId, 'email-verified', guest, email);
      await sessions.endNoted(userId);
      await tokens.redeem('reset-password', token);
      return null;
    },
  };
}
