/** The e-mail address of an account: verified and changed by links in mails. */
import { AppError } from '../../core/errors.ts';
import { sha256 } from '../../core/hash.ts';
import type { MailQueue } from '../mails/mails.service.ts';
import type { Account } from '../users/credentials.service.ts';
import { requireOwned } from './account.links.ts';
import type { AccountParts, AccountService } from './account.service.ts';

export const createEmailChanges = (parts: AccountParts) => ({ ...createRequests(parts), ...createFollowing(parts) });

/** What sends a link. */
function createRequests({ credentials, security, mails }: AccountParts): Pick<AccountService, 'sendVerificationEmail' | 'changeEmail'> {
  return {
    async sendVerificationEmail(caller) {
      const { me } = await credentials.require(caller.userId);
      if (!me.emailVerified) await mails.enqueue({ kind: 'verify-email', userId: me.id });
      return null;
    },

    async changeEmail(caller, { email }) {
      const { me } = await credentials.require(caller.userId);
      const taken = await credentials.find({ email });
      // The answer is the same: only whoever reads mail at an address may know that it has an account.
      if (taken) await mails.enqueue({ kind: 'address-taken', userId: taken.id });
      else await mails.enqueue({ kind: 'confirm-email', userId: me.id, to: email.toLowerCase() });
      await security.record(me.id, 'email-change-requested', caller, email);
      return null;
    },
  };
}

/**
 * What following a link does, before the link is used up: whatever fails on the way, it can be followed again. The browser that does it may be
 * anybody's: nobody is signed in by it.
 */
function createFollowing({ credentials, tokens, security, mails }: AccountParts): Pick<AccountService, 'verifyEmail' | 'confirmEmail'> {
  return {
    async verifyEmail(guest, { token }) {
      const { userId, email } = requireOwned(await tokens.find('verify-email', token));
      if (!(await credentials.change(userId, { emailVerifiedAt: new Date() }, { email }))) throw new AppError('LINK_EXPIRED');
      requireOwned(await tokens.redeem('verify-email', token));
      await security.record(userId, 'email-verified', guest, email);
      return null;
    },

    async confirmEmail(guest, { token }) {
      const { userId, email, stamp } = requireOwned(await tokens.find('confirm-email', token));
      const before = await credentials.find({ id: userId });
      // Whoever asked for the link could sign in then; with another stamp that may be over.
      if (!before || before.email === email || before.stamp !== stamp) throw new AppError('LINK_EXPIRED');
      // First of all: with the address changed nobody would know any more whom to tell.
      const release = await holdNotice(mails, before, email, token);
      const after = await credentials.change(userId, { email, emailVerifiedAt: new Date() }, { email: before.email ?? null });
      if (!after) throw new AppError('LINK_EXPIRED');
      await tokens.redeem('confirm-email', token);
      await security.record(userId, 'email-changed', guest, email);
      await release?.();
      return null;
    },
  };
}

/** The notice to the old address, with the link that undoes the change: one for each link, however often that is followed. */
async function holdNotice(mails: MailQueue, { id: userId, email: to, me }: Account, newEmail: string, token: string): Promise<(() => Promise<void>) | undefined> {
  // An address that was never verified may be a stranger's: it gets no power over the account.
  if (to === undefined || !me.emailVerified) return undefined;
  const id = Buffer.from(sha256(token), 'base64url').toString('hex').slice(0, 24);
  return mails.hold({ id, kind: 'email-changed', userId, to, values: { newEmail } });
}
