/** The e-mail address of an account: verified, changed and changed back by links in mails. */
import { AppError } from '../../core/errors.ts';
import type { Id } from '../../core/schemas.ts';
import type { CredentialsService } from '../users/credentials.service.ts';
import { findAdded, requireOwned } from './account.links.ts';
import type { AccountParts, AccountService } from './account.service.ts';

export const createEmailChanges = (parts: AccountParts) => ({ ...createRequests(parts), ...createFollowing(parts) });

/** What sends a link. */
function createRequests({ credentials, security, mails }: AccountParts): Pick<AccountService, 'sendVerificationEmail' | 'changeEmail'> {
  return {
    async sendVerificationEmail(caller) {
      const { me } = await credentials.require(caller.userId);
      if (!me.emailVerified) await mails.enqueue({ kind: 'verify-email', userId: me.id, language: me.language });
      return null;
    },

    async changeEmail(caller, { email }) {
      const { me } = await credentials.require(caller.userId);
      const taken = await credentials.find({ email });
      // The answer is the same: only whoever reads mail at an address may know that it has an account.
      if (taken) await mails.enqueue({ kind: 'address-taken', userId: taken.id, language: taken.me.language });
      else await mails.enqueue({ kind: 'confirm-email', userId: me.id, to: email.toLowerCase(), language: me.language });
      await security.record(me.id, 'email-change-requested', caller, email);
      return null;
    },
  };
}

/**
 * What following a link does, before the link is used up: whatever fails on the way, it can be followed again. The browser that does it may be
 * anybody's: nobody is signed in by it.
 */
function createFollowing({ credentials, sessions, tokens, security, mails }: AccountParts): Pick<AccountService, 'verifyEmail' | 'confirmEmail' | 'undoEmail'> {
  return {
    async verifyEmail(guest, { token }) {
      const { userId, email } = requireOwned(await tokens.find('verify-email', token));
      if (!(await credentials.change(userId, { emailVerifiedAt: new Date() }, { email }))) throw new AppError('LINK_EXPIRED');
      requireOwned(await tokens.redeem('verify-email', token));
      await security.record(userId, 'email-verified', guest, email);
      return null;
    },

    async confirmEmail(guest, { token }) {
      const { userId, email } = requireOwned(await tokens.find('confirm-email', token));
      const before = await credentials.find({ id: userId });
      if (!before || before.email === email) throw new AppError('LINK_EXPIRED');
      const after = await credentials.change(userId, { email, emailVerifiedAt: new Date() }, { email: before.email ?? null });
      if (!after) throw new AppError('LINK_EXPIRED');
      await tokens.redeem('confirm-email', token);
      await security.record(userId, 'email-changed', guest, email);
      // An address that was never verified may be a stranger's: it gets no power over the account.
      if (before.email !== undefined && before.me.emailVerified) {
        await mails.notify({ kind: 'email-changed', userId, to: before.email, language: before.me.language, values: { newEmail: email } });
      }
      return null;
    },

    async undoEmail(guest, { token }) {
      const { userId, email, since } = requireOwned(await tokens.find('undo-email', token));
      await freeAddress(credentials, email, userId);
      // Whoever changed the address could sign in, and must not any more.
      const added = await findAdded(security, userId, since);
      const account = await credentials.change(userId, { email, emailVerifiedAt: new Date(), passwordHash: null, ending: { at: new Date() }, ...added });
      if (!account) throw new AppError('LINK_EXPIRED');
      await sessions.endNoted(userId);
      await security.record(userId, 'email-change-undone', guest, email);
      requireOwned(await tokens.redeem('undo-email', token));
      await tokens.removeAll(userId);
      await mails.notify({ kind: 'reset-password', userId, to: email, language: account.me.language });
      return null;
    },
  };
}

/**
 * Whoever follows a link reads mail at its address. An account of somebody who only says so keeps nobody from it: it goes
 * on without an address, signed in to by its username.
 */
async function freeAddress(credentials: CredentialsService, email: string, userId: Id): Promise<void> {
  const holder = await credentials.find({ email });
  if (holder && holder.id !== userId) await credentials.change(holder.id, { email: null }, { email, emailVerifiedAt: null });
}
