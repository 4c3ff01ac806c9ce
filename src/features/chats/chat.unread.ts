/** How much somebody has not read, in all their chats together: worked out from numbers each time, so it cannot drift. */
import type { Id } from '../../core/schemas.ts';
import { countVisible } from '../../core/view.ts';
import type { ChatHistory, Views } from './chat.views.ts';
import type { ChatsService } from './chats.service.ts';
import { isTheirs, type MembershipModel } from './membership.model.ts';

export interface UnreadParts {
  memberships: MembershipModel;
  history: ChatHistory;
  views: Views;
}

/** Chats looked at together. */
const chatsAtOnce = 500;

export const createUnread = ({ memberships, history, views }: UnreadParts): ChatsService['unread'] => {
  const unreadOf = async (userId: Id, chatIds: readonly Id[]): Promise<{ count: number; isMarked: boolean }[]> => {
    const heads = await history.heads(chatIds);
    const found = await views.findChats(userId, chatIds, heads);
    return [...found].map(([id, { view, readSeq, mine }]) => ({ count: countVisible(view, readSeq, heads.get(id)?.place.seq ?? 0), isMarked: mine.markedUnread }));
  };

  return async ({ userId }) => {
    const ids = (await memberships.find({ userId, ...isTheirs }, { chatId: 1 }).lean()).map(({ chatId }) => chatId.toHexString());
    const counts: { count: number; isMarked: boolean }[] = [];
    for (let start = 0; start < ids.length; start += chatsAtOnce) counts.push(...(await unreadOf(userId, ids.slice(start, start + chatsAtOnce))));
    return { messages: counts.reduce((sum, { count }) => sum + count, 0), chats: counts.filter(({ count, isMarked }) => count > 0 || isMarked).length };
  };
};
