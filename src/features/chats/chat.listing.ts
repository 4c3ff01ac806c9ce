/** The list of a person's chats, the most recently active first. */
import { AppError } from '../../core/errors.ts';
import type { Id } from '../../core/schemas.ts';
import type { ChatHeads } from './chat.heads.ts';
import type { ChatModel } from './chat.model.ts';
import type { Views } from './chat.views.ts';
import type { ChatsService } from './chats.service.ts';
import type { MembershipModel } from './membership.model.ts';

export interface ListingParts {
  chats: ChatModel;
  memberships: MembershipModel;
  heads: ChatHeads;
  views: Views;
}

export function createListing({ chats, memberships, heads, views }: ListingParts): ChatsService['list'] {
  /** Ids by activity. The stored heads may be a moment behind; what this process has yet to store is laid over them. */
  const orderedIds = async (userId: Id): Promise<Id[]> => {
    const mine = await memberships.find({ userId }, { chatId: 1 }).lean();
    const documents = await chats.find({ _id: { $in: mine.map((row) => row.chatId) } }, { head: 1 }).lean();
    const rows = documents.map((chat) => {
      const id = chat._id.toHexString();
      return { id, at: Math.max(chat.head.at.getTime(), heads.pendingActivity(id)?.getTime() ?? 0) };
    });
    return rows.sort((a, b) => b.at - a.at || (a.id < b.id ? 1 : -1)).map((row) => row.id);
  };

  return async (caller, { limit, before }) => {
    const ids = await orderedIds(caller.userId);
    const start = before === undefined ? 0 : ids.indexOf(before) + 1;
    if (before !== undefined && start === 0) throw new AppError('CHAT_NOT_FOUND');
    const page = ids.slice(start, start + limit);
    return { items: await views.summaries(caller.userId, page), more: ids.length > start + limit };
  };
}
