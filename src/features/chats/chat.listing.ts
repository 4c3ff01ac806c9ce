/** The list of a person's chats: what they have pinned first, then the most recently active. */
import { AppError } from '../../core/errors.ts';
import type { Id } from '../../core/schemas.ts';
import type { ChatModel } from './chat.model.ts';
import { lastVisible, type ChatHistory, type Views } from './chat.views.ts';
import type { ChatsService } from './chats.service.ts';
import { isTheirs, toView, viewFields, type MembershipDocument, type MembershipModel } from './membership.model.ts';

export interface ListingParts {
  chats: ChatModel;
  memberships: MembershipModel;
  history: ChatHistory;
  views: Views;
}

type Listed = Pick<MembershipDocument, 'chatId' | 'fromSeq' | 'clearedSeq' | 'hidden' | 'blockedFrom' | 'pinned' | 'archived'>;

interface Row {
  id: Id;
  at: string;
  pinned: boolean;
}

export function createListing({ chats, memberships, history, views }: ListingParts): ChatsService['list'] {
  /** By activity, as the messages say it: the stored heads may be a moment behind. What was cleared shows once something has come. */
  const rowsOf = async (mine: readonly Listed[]): Promise<Row[]> => {
    const documents = new Map((await chats.find({ _id: { $in: mine.map(({ chatId }) => chatId) } }, { createdAt: 1 }).lean()).map(({ _id, createdAt }) => [_id.toHexString(), createdAt]));
    const heads = await history.heads([...documents.keys()]);
    const rows = mine.map(async (membership): Promise<Row[]> => {
      const id = membership.chatId.toHexString();
      const head = heads.get(id);
      const createdAt = documents.get(id);
      const last = head && (await lastVisible(history, id, toView(membership), head));
      if (!createdAt || (!last && (membership.clearedSeq || toView(membership).hidden.length > 0))) return [];
      return [{ id, at: last?.createdAt ?? createdAt.toISOString(), pinned: membership.pinned === true }];
    });
    return (await Promise.all(rows)).flat();
  };
  const orderedIds = async (userId: Id, archived: boolean | undefined): Promise<Id[]> => {
    const mine = await memberships.find({ userId, ...isTheirs }, { chatId: 1, ...viewFields, pinned: 1, archived: 1 }).lean();
    const rows = await rowsOf(mine.filter((one) => archived === undefined || (one.archived === true) === archived));
    return rows.sort(byActivity).map((row) => row.id);
  };

  return async (caller, { limit, before, archived }) => {
    const ids = await orderedIds(caller.userId, archived);
    const start = before === undefined ? 0 : ids.indexOf(before) + 1;
    if (before !== undefined && start === 0) throw new AppError('CHAT_NOT_FOUND');
    const page = ids.slice(start, start + limit);
    return { items: await views.summaries(caller.userId, page), more: ids.length > start + limit };
  };
}

function byActivity(a: Row, b: Row): number {
  if (a.pinned !== b.pinned) return a.pinned ? -1 : 1;
  if (a.at !== b.at) return a.at < b.at ? 1 : -1;
  return a.id < b.id ? 1 : -1;
}
