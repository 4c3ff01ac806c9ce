/** What links in mails stand for. */
import { AppError } from '../../core/errors.ts';
import type { Id } from '../../core/schemas.ts';
import type { SessionsService } from '../sessions/sessions.service.ts';
import type { TokenContent } from '../tokens/tokens.service.ts';
import type { Account } from '../users/credentials.service.ts';

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

/** Whether whoever wished for another address can still sign in with what they had then, and is signed in where they did. */
export async function isStillWished({ sessions }: { sessions: Pick<SessionsService, 'isAlive'> }, { stamp, sessionId }: Partial<Pick<Owned, 'stamp' | 'sessionId'>>, account: Account): Promise<boolean> {
  return stamp === account.stamp && sessionId !== undefined && sessions.isAlive(sessionId);
}
