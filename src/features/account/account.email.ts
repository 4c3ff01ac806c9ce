/** The e-mail address of an account: verified and changed by links in mails. */
import { AppError } from '../../core/errors.ts';
import type { Id } from '../../core/schemas.ts';
import { isStillWished, requireOwned } from './account.links.ts';
import type { AccountParts, AccountService } from './account.service.ts';
import { unchanged } from './account.unchanged.ts';

export const createEmailChanges = (parts: AccountParts) => ({ ...createRequests(parts), ...createFollowing(parts) });

/** What sends a link. */
function createRequests({ credentials, sessions, security, mails }: AccountParts): Pick<AccountService, 'sendVerificationEmail' | 'changeEmail'> {
  return {
    async sendVerificationEmail(caller) {
      const { me } = await credentials.require(caller.userId);
      if (!me.emailVerified) await mails.enqueue({ kind: 'verify-email', userId: me.id });
      return null;
    },

    async changeEmail(caller, { email }) {
      const { me, stamp } = await sessions.requireAccount(caller);
      // First: an earlier wish is over whether or not somebody has the address, so the link of that one does not tell.
      const wish = await sessions.wish(caller.sessionId, email);
      const taken = await credentials.find({ email });
      // The answer is the same: only whoever reads mail at an address may know that it has an account.
      if (taken) await mails.enqueue({ kind: 'address-taken', userId: taken.id, to: taken.email });
      else await mails.enqueue({ kind: 'confirm-email', userId: me.id, to: email.toLowerCase(), values: { stamp, sessionId: caller.sessionId, wish } });
      await security.record(me.id, 'email-change-requested', caller, email);
      return null;
    },
  };
}

/**
 * What following a link does, before the link is used up: whatever fails on the way, it can be followed again. The browser that does it may be
 * anybody's: nobody is signed in by it.
 */
function createFollowing({ credentials, sessions, tokens, security, notices }: AccountParts): Pick<AccountService, 'verifyEmail' | 'confirmEmail'> {
  return {
    async verifyEmail(guest, { token }) {
      const { userId, email } = requireOwned(await tokens.find('verify-email', token));
      if (!(await credentials.change(userId, { emailVerifiedAt: new Date() }, { email }))) throw new AppError('LINK_EXPIRED');
      requireOwned(await tokens.redeem('verify-email', token));
      await security.record(userId, 'email-verified', guest, email);
      return null;
    },

    async confirmEmail(guest, { token }) {
      const { userId, email, ...wished } = requireOwned(await tokens.find('confirm-email', token));
      const before = await credentials.find({ id: userId });
      if (!before || before.email === email) throw new AppError('LINK_EXPIRED');
      const change = async (notice?: Id): Promise<void> => {
        // As late as can be: the session may be ended in this moment.
        if (!(await isStillWished(sessions, wished, before))) throw new AppError('LINK_EXPIRED');
        const after = await credentials.change(userId, { email, emailVerifiedAt: new Date(), ...(notice !== undefined && { notice }) }, unchanged(before));
        if (!after) throw new AppError('LINK_EXPIRED');
      };
      // The mail with the link that undoes it. An address that was never verified may be a stranger's: it gets no such power.
      if (before.email !== undefined && before.me.emailVerified) {
        await notices.telling({ kind: 'email-changed', account: before, guest, detail: email, values: { newEmail: email } }, change);
      } else {
        await change();
        await security.record(userId, 'email-changed', guest, email);
      }
      await tokens.redeem('confirm-email', token);
      return null;
    },
  };
}
