/** The list of a person's chats: what they have pinned first, then the most recently active. */
import { AppError } from '../../core/errors.ts';
import type { Id } from '../../core/schemas.ts';
import type { ChatModel } from './chat.model.ts';
import { lastVisible, type ChatHistory, type Heads, type Views } from './chat.views.ts';
import type { ChatsService } from './chats.service.ts';
import { isTheirs, toView, viewFields, type MembershipDocument, type MembershipModel, type Viewed } from './membership.model.ts';

export interface ListingParts {
  chats: ChatModel;
  memberships: MembershipModel;
  history: ChatHistory;
  views: Views;
}

type Listed = Viewed & Pick<MembershipDocument, 'chatId' | 'pinned' | 'archived'>;

interface Row {
  id: Id;
  at: string;
  pinned: boolean;
}

export function createListing({ chats, memberships, history, views }: ListingParts): ChatsService['list'] {
  /** By activity, as the messages say it: the stored heads may be a moment behind. What was cleared shows once something has come. */
  const rowsOf = async (mine: readonly Listed[], heads: Heads): Promise<Row[]> => {
    const rows = await Promise.all(
      mine.map(async (membership) => {
        const id = membership.chatId.toHexString();
        const head = heads.get(id);
        return { id, membership, last: head && (await lastVisible(history, id, toView(membership), head)) };
      }),
    );
    const empty = rows.filter(({ last, membership }) => !last && !membership.clearedSeq && toView(membership).hidden.length === 0);
    const madeAt = new Map((await chats.find({ _id: { $in: empty.map(({ id }) => id) } }, { createdAt: 1 }).lean()).map(({ _id, createdAt }) => [_id.toHexString(), createdAt.toISOString()]));
    return rows.flatMap(({ id, membership, last }) => {
      const at = last?.createdAt ?? madeAt.get(id);
      return at === undefined ? [] : [{ id, at, pinned: membership.pinned === true }];
    });
  };

  return async ({ userId }, { limit, before, archived }) => {
    const mine = (await memberships.find({ userId, ...isTheirs }, { chatId: 1, ...viewFields, pinned: 1, archived: 1 }).lean()).filter((one) => archived === undefined || (one.archived === true) === archived);
    const heads = await history.heads(mine.map(({ chatId }) => chatId.toHexString()));
    const ids = (await rowsOf(mine, heads)).sort(byActivity).map((row) => row.id);
    const start = before === undefined ? 0 : ids.indexOf(before) + 1;
    if (before !== undefined && start === 0) throw new AppError('CHAT_NOT_FOUND');
    return { items: await views.summaries(userId, ids.slice(start, start + limit), heads), more: ids.length > start + limit };
  };
}

function byActivity(a: Row, b: Row): number {
  if (a.pinned !== b.pinned) return a.pinned ? -1 : 1;
  if (a.at !== b.at) return a.at < b.at ? 1 : -1;
  return a.id < b.id ? 1 : -1;
}
