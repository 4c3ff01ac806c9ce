/** What links in mails stand for. */
import { AppError } from '../../core/errors.ts';
import type { Id } from '../../core/schemas.ts';
import type { TokenContent } from '../tokens/tokens.service.ts';

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
