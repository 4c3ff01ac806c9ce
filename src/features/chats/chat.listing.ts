/** The list of a person's chats: what they have pinned first, then the most recently active. */
import { cutPage } from '../../core/page.ts';
import type { ChatModel } from './chat.model.ts';
import { lastVisible, type ChatHistory, type Heads, type Views } from './chat.views.ts';
import type { ChatsService } from './chats.service.ts';
import { byPlace, fromCursor, toCursor, type ListPlace } from './list.cursor.ts';
import { isTheirs, toView, viewFields, type MembershipDocument, type MembershipModel, type Viewed } from './membership.model.ts';

export interface ListingParts {
  chats: ChatModel;
  memberships: MembershipModel;
  history: ChatHistory;
  views: Views;
}

type Listed = Viewed & Pick<MembershipDocument, 'chatId' | 'pinned' | 'archived'>;

export function createListing({ chats, memberships, history, views }: ListingParts): ChatsService['list'] {
  /** By activity, as the messages say it: the stored heads may be a moment behind. What was cleared shows once something has come. */
  const rowsOf = async (mine: readonly Listed[], heads: Heads): Promise<ListPlace[]> => {
    const rows = await Promise.all(
      mine.map(async (membership) => {
        const id = membership.chatId.toHexString();
        const head = heads.get(id);
        return { id, membership, last: head && (await lastVisible(history, id, toView(membership), head)) };
      }),
    );
    const empty = rows.filter(({ last, membership }) => !last && !membership.clearedSeq && toView(membership).hidden.length === 0);
    const madeAt = new Map((await chats.find({ _id: { $in: empty.map(({ id }) => id) } }, { createdAt: 1 }).lean()).map(({ _id, createdAt }) => [_id.toHexString(), createdAt]));
    return rows.flatMap(({ id, membership, last }) => {
      const at = last ? new Date(last.createdAt) : madeAt.get(id);
      return at === undefined ? [] : [{ id, at, pinned: membership.pinned === true }];
    });
  };

  return async ({ userId }, { limit, cursor, archived }) => {
    const after = cursor === undefined ? undefined : fromCursor(cursor);
    const mine = (await memberships.find({ userId, ...isTheirs }, { chatId: 1, ...viewFields, pinned: 1, archived: 1 }).lean()).filter((one) => archived === undefined || (one.archived === true) === archived);
    const heads = await history.heads(mine.map(({ chatId }) => chatId.toHexString()));
    const all = (await rowsOf(mine, heads)).sort(byPlace);
    const { rows, more } = cutPage(all.filter((row) => !after || byPlace(after, row) < 0), limit);
    const last = rows.at(-1);
    return { items: await views.summaries(userId, rows.map(({ id }) => id), heads), more, ...(more && last && { cursor: toCursor(last) }) };
  };
}
