/**
 * Undoing what somebody else has changed about an account: another address, a link to Google, a second factor. Its owner
 * was told of each by a mail with a link, and whoever follows that gets the account back as it was before.
 */
import { AppError } from '../../core/errors.ts';
import type { Id } from '../../core/schemas.ts';
import type { Account, CredentialChange, CredentialsService } from '../users/credentials.service.ts';
import { requireOwned } from './account.links.ts';
import type { AccountParts, AccountService } from './account.service.ts';

/** The link is used up last: whatever fails on the way, it can be followed again. */
export function createUndo({ credentials, sessions, tokens, security, mails }: AccountParts): Pick<AccountService, 'undo'> {
  return {
    async undo(guest, { token }) {
      const { userId, email, since } = requireOwned(await tokens.find('undo', token));
      const before = await credentials.find({ id: userId });
      if (!before) throw new AppError('LINK_EXPIRED');
      await freeAddress(credentials, email, userId);
      // Whoever made the change could sign in, and must not any more.
      const added = findAdded(before, since);
      const account = await credentials.change(userId, { email, emailVerifiedAt: new Date(), passwordHash: null, ending: {}, ...added });
      if (!account) throw new AppError('LINK_EXPIRED');
      await sessions.endNoted(userId);
      await security.recordUndoing(userId, guest, { email, since });
      requireOwned(await tokens.redeem('undo', token));
      // A thief has links, too: that of a change before his own is out of his reach.
      await tokens.removeAll(userId, ['undo'], since);
      await mails.notify({ kind: 'changes-undone', userId, to: email });
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

/** Milliseconds. Of what was set up earlier its owner has been told by mail, and has had the time to do something. */
const warning = 24 * 60 * 60_000;

/**
 * A change that takes away what was set up to sign in with since shortly before an instant: whoever undoes a
 * change gets the account back from somebody who may have made ways in of their own.
 */
function findAdded({ googleLinkedAt, secondFactor }: Account, before: Date): CredentialChange {
  const isAdded = (at: Date | undefined): boolean => at !== undefined && at.getTime() >= before.getTime() - warning;
  return { ...(isAdded(googleLinkedAt) && { googleId: null, googleLinkedAt: null }), ...(isAdded(secondFactor?.confirmedAt) && { secondFactor: null }) };
}
