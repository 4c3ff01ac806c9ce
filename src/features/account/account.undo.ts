/**
 * Undoing what somebody else has changed about an account: another address, a link to Google, a second factor. Its owner
 * was told of each by a mail with a link, and whoever follows that gets the account back as it was before.
 */
import type { Guest } from '../../core/contract.ts';
import { AppError } from '../../core/errors.ts';
import { sha256 } from '../../core/hash.ts';
import { timeOf, type Order } from '../../core/order.ts';
import type { Id } from '../../core/schemas.ts';
import type { Account, CredentialChange, CredentialsService } from '../users/credentials.service.ts';
import { requireOwned } from './account.links.ts';
import type { AccountParts, AccountService } from './account.service.ts';
import { unchanged } from './account.unchanged.ts';

/** The link is used up last: whatever fails on the way, it can be followed again. */
export function createUndo(parts: AccountParts): Pick<AccountService, 'undo'> {
  const { sessions, tokens, mails } = parts;
  return {
    async undo(guest, { token }) {
      let undone: Id | undefined;
      for (let attempt = 1; undone === undefined; attempt++) {
        if (attempt > attempts) throw new AppError('UNAVAILABLE');
        undone = await tryUndo(parts, guest, token);
      }
      await sessions.endNoted(undone);
      const { userId, email } = requireOwned(await tokens.find('undo', token));
      // The only way in that is left. One mail goes out, however often the link is followed until it is used up.
      await mails.enqueue({ id: idFrom(token), kind: 'changes-undone', userId, to: email });
      requireOwned(await tokens.redeem('undo', token));
      return null;
    },
  };
}

/** The same for the same token. */
const idFrom = (token: string): Id => Buffer.from(sha256(token), 'base64url').toString('hex').slice(0, 24);

/** How often it is begun anew where something else that signs in is changed in the same instant. */
const attempts = 10;

/**
 * Gives whose account it is; undefined if that has changed meanwhile. A thief has links, too, and may follow one in this
 * very moment: that of an earlier change takes away those of later ones before anything else, and is looked at after the
 * account, so that of two only the earlier one counts. What is recorded first ends links that are still on their way.
 */
async function tryUndo({ credentials, tokens, security }: AccountParts, guest: Guest, token: string): Promise<Id | undefined> {
  const { userId, email, since } = requireOwned(await tokens.find('undo', token));
  const before = await credentials.find({ id: userId });
  if (!before) throw new AppError('LINK_EXPIRED');
  // Followed once more, before it was used up: a new password may have been set since.
  const undoneBy = idFrom(token);
  if (before.undoneBy === undoneBy) return userId;
  requireOwned(await tokens.find('undo', token));
  await freeAddress(credentials, email, userId);
  await security.recordUndoing(userId, guest, { id: undoneBy, email, since });
  await tokens.removeAll(userId, ['undo'], since);
  // Whoever made the change could sign in, and must not any more.
  const changed = await credentials.change(userId, { email, emailVerifiedAt: new Date(), passwordHash: null, ending: {}, undoneBy, ...findAdded(before, since) }, unchanged(before));
  return changed?.id;
}

/**
 * Whoever follows a link reads mail at its address. An account of somebody who only says so keeps nobody from it: it goes
 * on without an address, signed in to by its username.
 */
async function freeAddress(credentials: CredentialsService, email: string, userId: Id): Promise<void> {
  const holder = await credentials.find({ email });
  if (!holder || holder.id === userId) return;
  if (!(await credentials.change(holder.id, { email: null }, { email, emailVerifiedAt: null }))) throw new AppError('EMAIL_TAKEN');
}

/** Milliseconds. Of what was set up earlier its owner has been told by mail, and has had the time to do something. */
const warning = 24 * 60 * 60_000;

/**
 * A change that takes away what was set up to sign in with since shortly before another: whoever undoes that gets the
 * account back from somebody who may have made ways in of their own. Google comes back by the owner's own hand alone.
 */
function findAdded({ googleId, googleLinkedAt, secondFactor }: Account, since: Order): CredentialChange {
  const isAdded = (at: Date | undefined): boolean => at !== undefined && at.getTime() >= timeOf(since).getTime() - warning;
  return { ...(isAdded(googleLinkedAt) && { googleId: null, googleLinkedAt: null, unlinkedGoogleId: googleId ?? null }), ...(isAdded(secondFactor?.confirmedAt) && { secondFactor: null }) };
}
