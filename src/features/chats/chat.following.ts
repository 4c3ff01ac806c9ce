/** Who of the members of chats has changed since a time, and how: what a client has to know to be up to date. */
import { Types } from 'mongoose';
import type { Id } from '../../core/schemas.ts';
import { countVisible, type View } from '../../core/view.ts';
import type { ChatDocument, ChatModel } from './chat.model.ts';
import { isInPair } from './chat.partners.ts';
import { byChat, type Heads, type ViewedChat, type Views } from './chat.views.ts';
import { tellingMembers, type Member } from './chats.contract.ts';
import type { GroupChanges } from './group.changes.ts';
import { chatIdsOf, isTheirs, toView, viewFields, type MembershipDocument, type MembershipModel } from './membership.model.ts';

/** Where the list of members of one chat goes on. */
export interface MemberPlace {
  at: number;
  id: Id;
}

/** A chat that somebody has as far as a message, if they have any of it. */
export interface Followed extends OwnMembership {
  seq: number | undefined;
  /** Where they go on with its members. */
  after?: MemberPlace | undefined;
  /** They have its members as of this time, in milliseconds by MongoDB's clock, when its log had come to this number. */
  told?: { at: number; seq: number } | undefined;
}

/** A chat, and which of its members have changed: unless there was no room for them. */
export interface FollowedChat extends ViewedChat {
  changed?: ChangedMembers;
}

export interface FollowingOptions {
  heads: Heads;
  /** Milliseconds by MongoDB's clock. */
  since: number;
  /** Changed members at most, in all chats together. */
  limit: number;
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
  /** Every chat a person is in, by ascending id; and when this was read, in milliseconds by MongoDB's clock: 0 if there is none. */
  membershipsOf(userId: Id): Promise<{ mine: OwnMembership[]; readAt: number }>;
  /** Every chat a person is or was in. */
  chatsEverOf(userId: Id): Promise<Id[]>;
  /** What a person listens to: their chats, each with what of its messages is theirs to see; and which of them are private. */
  topicsOf(userId: Id): Promise<{ topics: Map<`chat:${Id}`, View>; pairs: Id[] }>;
  /** Those of these chats that are somebody's to see, saying what the notices in their logs say. */
  follow(viewer: Id, followed: readonly Followed[], options: FollowingOptions): Promise<Map<Id, FollowedChat>>;
}

export const createFollowing = (parts: FollowingParts): Following => ({
  follow: (viewer, followed, options) => follow(parts, viewer, followed, options),
  async membershipsOf(userId) {
    const rows = await parts.memberships.find({ userId, ...isTheirs }, { chatId: 1, changedAt: 1, ownAt: 1, receiptsAt: 1, now: '$$NOW' }).lean<(MembershipDocument & { now: Date })[]>();
    const mine = rows.map(({ chatId, changedAt, ownAt, receiptsAt }) => ({ chatId: chatId.toHexString(), changedAt: Math.max(changedAt.getTime(), ownAt?.getTime() ?? 0), receiptsAt: receiptsAt?.getTime() ?? 0 }));
    return { mine: mine.sort((a, b) => (a.chatId < b.chatId ? -1 : 1)), readAt: rows[0]?.now.getTime() ?? 0 };
  },
  async chatsEverOf(userId) {
    const [present, former] = await Promise.all([chatIdsOf(parts.memberships, userId), parts.memberships.distinct('chatId', { userId, leftAt: { $exists: true } })]);
    return [...new Set([...present, ...former].map(String))];
  },
  async topicsOf(userId) {
    const mine = await parts.memberships.find({ userId, ...isTheirs }, { chatId: 1, joinedSeq: 1, ...viewFields }).lean();
    return {
      topics: new Map(mine.map((row) => [`chat:${row.chatId.toHexString()}`, toView(row)])),
      pairs: mine.filter(({ joinedSeq }) => joinedSeq === isInPair.joinedSeq).map(({ chatId }) => chatId.toHexString()),
    };
  },
});

async function follow({ chats, memberships, views, changes }: FollowingParts, viewer: Id, followed: readonly Followed[], { heads, since, limit }: FollowingOptions): ReturnType<Following['follow']> {
  const documents = await findSettled(chats, changes, followed.map(({ chatId }) => chatId));
  const own = await views.findRows(viewer, documents);
  const ownOf = new Map(own.filter(({ userId }) => userId.toHexString() === viewer).map((row) => [row.chatId.toHexString(), row]));
  const large = new Set(documents.filter(({ memberCount = 0 }) => memberCount > tellingMembers).map(({ _id }) => _id.toHexString()));
  const wanted = followed.flatMap((one) => {
    const row = ownOf.get(one.chatId);
    return row ? [{ ...one, since: sinceWhen(one, row, { to: heads.get(one.chatId)?.place.seq ?? 0, since, tellsMarks: !large.has(one.chatId) }) }] : [];
  });
  const rows = await findRows(memberships, wanted, limit);
  const taken = rows.slice(0, limit);
  const { chats: viewed, further } = await views.toChats(viewer, { documents, rows: own, further: taken }, heads);
  const cutAt = rows.length > limit ? taken.at(-1)?.chatId.toHexString() : undefined;
  const end = wanted.findIndex(({ chatId }) => chatId === cutAt);
  const rowsOf = byChat(taken);
  const isWithin = new Set(wanted.slice(0, end < 0 ? undefined : end + 1).map(({ chatId }) => chatId));
  return new Map([...viewed].map(([id, chat]) => [id, { ...chat, ...(isWithin.has(id) && { changed: toChanged(rowsOf.get(id) ?? [], { members: further.get(id) ?? [], joinedSeq: ownOf.get(id)?.joinedSeq ?? 0, isCut: id === cutAt }) }) }]));
}

/** As they are once what was claimed of them is completed. */
async function findSettled(chats: ChatModel, changes: FollowingParts['changes'], chatIds: readonly Id[]): Promise<ChatDocument[]> {
  const find = () => chats.find({ _id: { $in: chatIds } }, { 'change.notice': 0, 'change.members': 0, 'change.fields': 0 }).lean();
  const documents = await find();
  const pending = documents.filter(({ change }) => change?.pending);
  for (const { _id } of pending) await changes.settle(_id.toHexString());
  return pending.length > 0 ? find() : documents;
}

/**
 * From when on changed members have to be told: whoever has nothing of the chat yet needs all who are in it, and so does
 * who was in it before, or has had only a part of them. And a message raises its sender's mark: who does not get the
 * message needs the marks, of everybody, for that is cheaper than to look who has sent.
 */
function sinceWhen({ seq, told, receiptsAt }: Followed, own: MembershipDocument, { to, since, tellsMarks }: { to: number; since: number; tellsMarks: boolean }): number {
  if (seq === undefined) return 0;
  if (!told && (seq === 0 || seq < own.joinedSeq)) return everything;
  const [at, from] = [Math.max(told?.at ?? 0, since), Math.max(told?.seq ?? 0, seq)];
  const isSeen = countVisible(toView(own), from, to) === Math.max(0, to - from) && receiptsAt <= at;
  return isSeen || !tellsMarks ? Math.max(at, everything) : everything;
}

/** A time before all changes, for who has to hear also of those that have left. */
const everything = 1;

/** @param joinedSeq of the viewer: whoever had left before is none of their concern */
function toChanged(rows: readonly MembershipDocument[], { members, joinedSeq, isCut }: { members: Member[]; joinedSeq: number; isCut: boolean }): ChangedMembers {
  const last = rows.at(-1);
  const former = rows.filter(({ role, roleSeq }) => role === undefined && roleSeq > joinedSeq).map(({ userId }) => userId.toHexString());
  return { members, former, ...(isCut && last && { next: { at: last.changedAt.getTime(), id: last._id.toHexString() } }) };
}

/** A chat whose members that have changed since a time are wanted: 0 for all there are. */
type Wanted = Pick<Followed, 'chatId' | 'after'> & { since: number };

/** One more than the limit, if there are more. */
async function findRows(memberships: MembershipModel, wanted: readonly Wanted[], limit: number): Promise<MembershipDocument[]> {
  const rows: MembershipDocument[] = [];
  for (const filter of filtersOf(wanted)) {
    if (rows.length > limit) break;
    const read = await memberships.find(filter).sort({ chatId: 1, changedAt: 1, _id: 1 }).limit(limit + 1 - rows.length).lean();
    rows.push(...read);
  }
  return rows;
}

/** Chats next to each other that have the same time are asked for together. */
function filtersOf(wanted: readonly Wanted[]): object[] {
  const filters: object[] = [];
  let together: Types.ObjectId[] = [];
  wanted.forEach(({ chatId, since, after }, index) => {
    const chat = new Types.ObjectId(chatId);
    const before = wanted[index - 1];
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
