/** What links in mails stand for. */
import { AppError } from '../../core/errors.ts';
import type { Order } from '../../core/order.ts';
import type { Id } from '../../core/schemas.ts';
import type { SessionsService } from '../sessions/sessions.service.ts';
import type { TokenContent } from '../tokens/tokens.service.ts';
import type { Account } from '../users/credentials.service.ts';

/** What the token in a link stands for. */
interface Owned {
  userId: Id;
  /** The address that the mail went to. */
  email: string;
  /** Of the mail: what it tells of came before whatever was told of by a later one. */
  since: Order;
  /** Of the account when the mail was sent; of a wish, when it was made. */
  stamp: string;
  /** Of a wish: the session that it was made in, and which of those made there it is. */
  sessionId: Id | undefined;
  wish: Id | undefined;
}

/** @throws LINK_EXPIRED */
export function requireOwned(content: TokenContent | undefined): Owned {
  if (content?.userId === undefined) throw new AppError('LINK_EXPIRED');
  const { email = '', since = '', stamp = '', sessionId, wish } = content.data;
  return { userId: content.userId, email, since, stamp, sessionId, wish };
}

/** Whether this is what was wished for last in that session, which still stands, and what signed in then still does. */
export async function isStillWished(sessions: Pick<SessionsService, 'wishOf'>, { stamp, sessionId, wish }: Partial<Pick<Owned, 'stamp' | 'sessionId' | 'wish'>>, account: Account): Promise<boolean> {
  return stamp === account.stamp && sessionId !== undefined && wish !== undefined && (await sessions.wishOf(sessionId)) === wish;
}
