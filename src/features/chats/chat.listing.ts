/** The list of a person's chats: what they have pinned first, then the most recently active. */
import { beginning } from '../../core/message.ts';
import { cutPage } from '../../core/page.ts';
import type { Id } from '../../core/schemas.ts';
import { lastVisible } from '../../core/view.ts';
import type { ChatModel } from './chat.model.ts';
import type { ChatHistory, Heads, Views } from './chat.views.ts';
import type { ChatSummary } from './chats.contract.ts';
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
  const whenMade = async (chatIds: readonly Id[]): Promise<Map<Id, Date>> =>
    new Map((await chats.find({ _id: { $in: chatIds } }, { createdAt: 1 }).lean()).map(({ _id, createdAt }) => [_id.toHexString(), createdAt]));

  /** By activity, as the messages say it: the stored heads may be a moment behind. What was cleared shows once something has come. */
  const rowsOf = async (mine: readonly Listed[], heads: Heads): Promise<ListPlace[]> => {
    const rows = mine.map((membership) => toRow(membership, heads));
    const madeAt = await whenMade(rows.filter(({ isUntouched }) => isUntouched).map(({ chatId }) => chatId));
    const sentAt = await history.timesOf(rows.filter(({ seq, headAt }) => seq > 0 && !headAt));
    return rows.flatMap(({ chatId, headAt, pinned }) => {
      const at = headAt ?? sentAt.get(chatId) ?? madeAt.get(chatId);
      return at === undefined ? [] : [{ id: chatId, at, pinned }];
    });
  };

  return async ({ userId }, { limit, cursor, archived }) => {
    const after = cursor === undefined ? undefined : fromCursor(cursor);
    const mine = (await memberships.find({ userId, ...isTheirs }, { chatId: 1, ...viewFields, pinned: 1, archived: 1 }).lean()).filter((one) => archived === undefined || (one.archived === true) === archived);
    const heads = await history.heads(mine.map(({ chatId }) => chatId.toHexString()));
    const all = (await rowsOf(mine, heads)).sort(byPlace);
    const { rows, more } = cutPage(all.filter((row) => !after || byPlace(after, row) < 0), limit);
    const last = rows.at(-1);
    const summaries = await views.summaries(userId, rows.map(({ id }) => id), heads);
    return { items: summaries.filter(isShown), more, ...(more && last && { cursor: toCursor(last) }) };
  };
}

/** What something was taken away from a moment ago, and nothing is left, shows once something has come. */
const isShown = ({ lastMessage, head, mine }: ChatSummary): boolean => lastMessage !== undefined || (head.seq === 0 && mine.hidden.length === 0);

interface Row {
  chatId: Id;
  /** The number of the last message that is to be seen; 0 if none is. */
  seq: number;
  /** When it was sent, if it is the last there is. */
  headAt?: Date;
  pinned: boolean;
  /** Nothing is to be seen there, and it is not for something having been taken away. */
  isUntouched: boolean;
}

function toRow(membership: Listed, heads: Heads): Row {
  const chatId = membership.chatId.toHexString();
  const view = toView(membership);
  const { place = beginning, sentAt } = heads.get(chatId) ?? {};
  const seq = lastVisible(view, place.seq);
  return { chatId, seq, ...(sentAt && place.seq === seq && { headAt: sentAt }), pinned: membership.pinned === true, isUntouched: seq === 0 && isUntouched(membership) };
}

const isUntouched = (membership: Viewed): boolean => !membership.clearedSeq && toView(membership).hidden.length === 0;

/** True if the chat is in the list of its member, its log having come to this number. */
export const isListed = (membership: Viewed, seq: number): boolean => lastVisible(toView(membership), seq) > 0 || isUntouched(membership);
