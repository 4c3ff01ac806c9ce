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
  /** Of the account when the mail was sent; of a wish, when it was made. */
  stamp: string;
  /** Of a wish: the session that it was made in. */
  sessionId: Id | undefined;
}

/** @throws LINK_EXPIRED */
export function requireOwned(content: TokenContent | undefined): Owned {
  if (content?.userId === undefined) throw new AppError('LINK_EXPIRED');
  const { email = '', since = 0, stamp = '', sessionId } = content.data;
  return { userId: content.userId, email, since: new Date(since), stamp, sessionId };
}
