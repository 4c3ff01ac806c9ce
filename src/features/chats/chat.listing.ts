/** The list of a person's chats, the most recently active first. */
import { AppError } from '../../core/errors.ts';
import type { Id } from '../../core/schemas.ts';
import type { ChatModel } from './chat.model.ts';
import type { ChatHistory, Views } from './chat.views.ts';
import type { ChatsService } from './chats.service.ts';
import { isIn, type MembershipModel } from './membership.model.ts';

export interface ListingParts {
  chats: ChatModel;
  memberships: MembershipModel;
  history: ChatHistory;
  views: Views;
}

export function createListing({ chats, memberships, history, views }: ListingParts): ChatsService['list'] {
  /** Ids by activity, as the messages say it: the stored heads may be a moment behind. */
  const orderedIds = async (userId: Id): Promise<Id[]> => {
    const mine = await memberships.distinct('chatId', { userId, ...isIn });
    const documents = await chats.find({ _id: { $in: mine } }, { createdAt: 1 }).lean();
    const heads = await history.heads(mine.map((chatId) => chatId.toHexString()));
    const rows = documents.map(({ _id, createdAt }) => {
      const id = _id.toHexString();
      return { id, at: heads.get(id)?.lastMessage?.createdAt ?? createdAt.toISOString() };
    });
    return rows.sort((a, b) => (a.at === b.at ? (a.id < b.id ? 1 : -1) : a.at < b.at ? 1 : -1)).map((row) => row.id);
  };

  return async (caller, { limit, before }) => {
    const ids = await orderedIds(caller.userId);
    const start = before === undefined ? 0 : ids.indexOf(before) + 1;
    if (before !== undefined && start === 0) throw new AppError('CHAT_NOT_FOUND');
    const page = ids.slice(start, start + limit);
    return { items: await views.summaries(caller.userId, page), more: ids.length > start + limit };
  };
}
