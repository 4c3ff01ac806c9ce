/** Who of the members of chats has changed since a time, and how: what a client has to know to be up to date. */
import { Types } from 'mongoose';
import type { Id } from '../../core/schemas.ts';
import type { View } from '../../core/view.ts';
import type { ChatModel } from './chat.model.ts';
import { isInPair } from './chat.partners.ts';
import { byChat, type Heads, type Views } from './chat.views.ts';
import type { Member } from './chats.contract.ts';
import type { GroupChanges } from './group.changes.ts';
import { isIn, isTheirs, toView, viewFields, type MembershipDocument, type MembershipModel } from './membership.model.ts';

/** Where the list of members of one chat goes on. */
export interface MemberPlace {
  at: number;
  id: Id;
}

/** A chat of which the changes since a time are wanted: milliseconds by MongoDB's clock, 0 for all there is. */
export interface Followed {
  chatId: Id;
  since: number;
  after?: MemberPlace | undefined;
}

export interface ChangedMembers {
  members: Member[];
  /** Those who are not in the chat any more. */
  former: Id[];
  /** Where it goes on, if there are more. */
  next?: MemberPlace;
}

/** A chat somebody is in, and when what they have to know of themselves there has changed last, in milliseconds by MongoDB's clock. */
export interface OwnMembership {
  chatId: Id;
  changedAt: number;
  /** The same of what they see of how far the others have read; 0 if it never has. */
  receiptsAt: number;
}

export interface FollowingParts {
  chats: ChatModel;
  memberships: MembershipModel;
  views: Views;
  changes: Pick<GroupChanges, 'settle'>;
}

export interface Following {
  /** Every chat a person is in, by ascending id. */
  membershipsOf(userId: Id): Promise<OwnMembership[]>;
  /** Every chat a person is or was in. */
  chatsEverOf(userId: Id): Promise<Id[]>;
  /** What a person listens to: their chats, each with what of its messages is theirs to see; and which of them are private. */
  topicsOf(userId: Id): Promise<{ topics: Map<`chat:${Id}`, View>; pairs: Id[] }>;
  /** Sees to it that members and fields of these chats say what the notices in their logs say. */
  settle(chatIds: readonly Id[]): Promise<void>;
  /**
   * The changed members of these chats, by chat, at most so many in all: the chats are taken in their order, and those that
   * there was no room for are missing.
   */
  findChangedMembers(viewer: Id, followed: readonly Followed[], heads: Heads, limit: number): Promise<Map<Id, ChangedMembers>>;
  /** Milliseconds by MongoDB's clock. */
  now(): Promise<number>;
}

export const createFollowing = ({ chats, memberships, views, changes }: FollowingParts): Following => ({
  findChangedMembers: createSearch({ chats, memberships, views }),
  async membershipsOf(userId) {
    const mine = await memberships.find({ userId, ...isTheirs }, { chatId: 1, changedAt: 1, readAt: 1, receiptsAt: 1 }).lean();
    const rows = mine.map(({ chatId, changedAt, readAt, receiptsAt }) => ({ chatId: chatId.toHexString(), changedAt: Math.max(changedAt.getTime(), readAt?.getTime() ?? 0), receiptsAt: receiptsAt?.getTime() ?? 0 }));
    return rows.sort((a, b) => (a.chatId < b.chatId ? -1 : 1));
  },
  async chatsEverOf(userId) {
    const [present, former] = await Promise.all([isIn, { leftAt: { $exists: true } }].map((time) => memberships.distinct('chatId', { userId, ...time })));
    return [...new Set([...(present ?? []), ...(former ?? [])].map(String))];
  },
  async topicsOf(userId) {
    const mine = await memberships.find({ userId, ...isTheirs }, { chatId: 1, joinedSeq: 1, ...viewFields }).lean();
    return {
      topics: new Map(mine.map((row) => [`chat:${row.chatId.toHexString()}`, toView(row)])),
      pairs: mine.filter(({ joinedSeq }) => joinedSeq === isInPair.joinedSeq).map(({ chatId }) => chatId.toHexString()),
    };
  },
  async settle(chatIds) {
    for (const _id of await chats.distinct('_id', { _id: { $in: chatIds }, 'change.pending': true })) await changes.settle(String(_id));
  },
  async now() {
    const { localTime } = await chats.db.getClient().db().command({ hello: 1 });
    return (localTime as Date).getTime();
  },
});

const createSearch =
  ({ chats, memberships, views }: Omit<FollowingParts, 'changes'>): Following['findChangedMembers'] =>
  async (viewer, followed, heads, limit) => {
    const documents = await chats.find({ _id: { $in: followed.map(({ chatId }) => chatId) } }, { head: 1 }).lean();
    const rows = await findRows(memberships, followed, limit);
    const taken = rows.slice(0, limit);
    const [members, rowsOf] = [await views.toMembers(viewer, documents, taken, heads), byChat(taken)];
    const found = new Map<Id, ChangedMembers>();
    const cutAt = rows.length > limit ? taken.at(-1)?.chatId.toHexString() : undefined;
    for (const { chatId } of followed) {
      const own = rowsOf.get(chatId) ?? [];
      const last = own.at(-1);
      const former = own.filter(({ role }) => role === undefined).map(({ userId }) => userId.toHexString());
      found.set(chatId, { members: members.get(chatId) ?? [], former, ...(cutAt === chatId && last && { next: { at: last.changedAt.getTime(), id: last._id.toHexString() } }) });
      if (cutAt === chatId) break;
    }
    return found;
  };

/** One more than the limit, if there are more. */
async function findRows(memberships: MembershipModel, followed: readonly Followed[], limit: number): Promise<MembershipDocument[]> {
  const rows: MembershipDocument[] = [];
  for (const filter of filtersOf(followed)) {
    if (rows.length > limit) break;
    const read = await memberships.find(filter).sort({ chatId: 1, changedAt: 1, _id: 1 }).limit(limit + 1 - rows.length).lean();
    rows.push(...read);
  }
  return rows;
}

/** Chats next to each other that have the same time are asked for together. */
function filtersOf(followed: readonly Followed[]): object[] {
  const filters: object[] = [];
  let together: Types.ObjectId[] = [];
  followed.forEach(({ chatId, since, after }, index) => {
    const chat = new Types.ObjectId(chatId);
    const before = followed[index - 1];
    if (after) {
      const at = new Date(after.at);
      filters.push({ chatId: chat, $or: [{ changedAt: { $gt: at } }, { changedAt: at, _id: { $gt: new Types.ObjectId(after.id) } }], ...whoCounts(since) });
      return;
    }
    if (before && !before.after && before.since === since) together.push(chat);
    else filters.push({ chatId: { $in: (together = [chat]) }, changedAt: { $gt: new Date(since) }, ...whoCounts(since) });
  });
  return filters;
}

/** Whoever knows nothing of a chat need not know who has left it. */
const whoCounts = (since: number): object => (since === 0 ? { role: { $exists: true } } : {});
