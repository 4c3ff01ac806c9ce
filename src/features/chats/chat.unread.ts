/** How much somebody has not read, in all their chats together: worked out from numbers each time, so it cannot drift. */
import type { Id } from '../../core/schemas.ts';
import { countVisible } from '../../core/view.ts';
import { isListed } from './chat.listing.ts';
import type { ChatModel } from './chat.model.ts';
import { markOf, sentSince, type ChatHistory } from './chat.views.ts';
import type { ChatsService } from './chats.service.ts';
import { isTheirs, toView, type MembershipModel } from './membership.model.ts';

export interface UnreadParts {
  chats: ChatModel;
  memberships: MembershipModel;
  history: ChatHistory;
}

/** Chats looked at together. */
const chatsAtOnce = 500;

export const createUnread = ({ chats, memberships, history }: UnreadParts): ChatsService['unread'] => {
  const unreadOf = async (userId: Id, chatIds: readonly Id[]): Promise<{ count: number; isMarked: boolean }[]> => {
    const heads = await history.heads(chatIds);
    // In this order: a head that has come far enough vouches for the mark.
    const documents = await chats.find({ _id: { $in: chatIds } }, { head: 1 }).lean();
    const rows = await memberships.find({ chatId: { $in: chatIds }, userId, ...isTheirs }).lean();
    const sent = await sentSince({ history }, documents, heads);
    return rows.map((row) => {
      const id = row.chatId.toHexString();
      const seq = heads.get(id)?.place.seq ?? 0;
      return { count: countVisible(toView(row), markOf(row, sent.get(id)), seq), isMarked: row.markedUnread === true && isListed(row, seq) };
    });
  };

  return async ({ userId }) => {
    const ids = (await memberships.find({ userId, ...isTheirs }, { chatId: 1 }).lean()).map(({ chatId }) => chatId.toHexString());
    const counts: { count: number; isMarked: boolean }[] = [];
    for (let start = 0; start < ids.length; start += chatsAtOnce) counts.push(...(await unreadOf(userId, ids.slice(start, start + chatsAtOnce))));
    return { messages: counts.reduce((sum, { count }) => sum + count, 0), chats: counts.filter(({ count, isMarked }) => count > 0 || isMarked).length };
  };
};
