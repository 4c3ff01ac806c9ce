/** What links in mails stand for, and what whoever follows one gets rid of. */
import { AppError } from '../../core/errors.ts';
import type { Id } from '../../core/schemas.ts';
import type { SecurityService } from '../security/security.service.ts';
import type { TokenContent } from '../tokens/tokens.service.ts';
import type { CredentialChange } from '../users/credentials.service.ts';

/** What the token in a link stands for. */
interface Owned {
  userId: Id;
  /** The address that the mail went to. */
  email: string;
  /** When the mail was asked for. */
  since: Date;
  /** Of the account when the mail was sent. */
  stamp: string;
}

/** @throws LINK_EXPIRED */
export function requireOwned(content: TokenContent | undefined): Owned {
  if (content?.userId === undefined) throw new AppError('LINK_EXPIRED');
  return { userId: content.userId, email: content.data['email'] ?? '', since: new Date(content.data['since'] ?? 0), stamp: content.data['stamp'] ?? '' };
}

/** Milliseconds. Of what was set up earlier its owner has been told by mail, and has had the time to do something. */
const warning = 24 * 60 * 60_000;

/**
 * A change that takes away what was set up to sign in with since shortly before an instant: whoever undoes a change of
 * address gets the account back from somebody who may have made ways in of their own.
 */
export async function findAdded(security: Pick<SecurityService, 'count'>, userId: Id, before: Date): Promise<CredentialChange> {
  const since = new Date(before.getTime() - warning);
  const [links, factors] = await Promise.all([security.count(userId, ['google-linked'], since), security.count(userId, ['second-factor-on'], since)]);
  return { ...(links > 0 && { googleId: null }), ...(factors > 0 && { secondFactor: null }) };
}
