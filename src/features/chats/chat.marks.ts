/** How far members have read and received: it never goes back, it is one number each, and others are told of it in passing. */
import { Types } from 'mongoose';
import type { Bus } from '../../core/bus.ts';
import type { EventOf } from '../../core/contract.ts';
import type { Id } from '../../core/schemas.ts';
import { lastSeen } from '../../core/view.ts';
import type { UsersService } from '../users/users.service.ts';
import { createGathering, type Gathering } from './chat.gathering.ts';
import { raise, type Marks, type Untold } from './chat.untold.ts';
import type { ChatAccess } from './chat.access.ts';
import type { ChatModel } from './chat.model.ts';
import type { OwnChanges } from './chat.own.ts';
import { byChat, lastSeqOf, type ChatHistory } from './chat.views.ts';
import { tellingMembers, type chatsContract } from './chats.contract.ts';
import type { ChatsService } from './chats.service.ts';
import { byMember, isIn, isTheirs, toView, viewFields, type MembershipDocument, type MembershipModel, type Viewed } from './membership.model.ts';

export interface MarksParts {
  chats: ChatModel;
  memberships: MembershipModel;
  users: UsersService;
  history: ChatHistory;
  access: Pick<ChatAccess, 'requireMember' | 'countMembers'>;
  own: Pick<OwnChanges, 'change'>;
  bus: Bus<EventOf<typeof chatsContract>>;
  onError: (error: unknown) => void;
  /** Milliseconds for which marks gather: however many come, it is one write and one event for a chat. */
  gathering: number;
}

export interface ChatMarks extends Pick<ChatsService, 'read' | 'receive'>, Pick<Gathering, 'tellRead' | 'drain'> {}

export function createChatMarks(parts: MarksParts): ChatMarks {
  const { memberships, users, history, access, own, bus } = parts;
  const gathering = createGathering({
    ...parts,
    write: (received) => writeReceived(parts, received),
    async tell(untold, signal) {
      // What waits is told as it is by then.
      if (bus.isPressed('marks') && isHeard(bus, untold)) return false;
      await tellAll(parts, untold, signal);
      return true;
    },
  });

  return {
    async read(caller, { id, seq }) {
      const membership = await access.requireMember(caller.userId, id);
      const readSeq = Math.min(seq, await lastSeqOf(history, id), lastSeen(toView(membership)));
      if (membership.markedUnread) await own.change(caller.userId, id, ({ markedUnread }) => (markedUnread ? { markedUnread: null } : undefined));
      const toOthers = (await access.countMembers(id)) <= tellingMembers && (await users.findUsers([caller.userId])).get(caller.userId)?.readReceipts === true;
      const raised = { $max: { readSeq }, $currentDate: { ownAt: true as const, ...(toOthers && { changedAt: true as const }) } };
      const { modifiedCount } = await memberships.collection.updateOne({ _id: membership._id, readSeq: { $lt: readSeq }, ...isIn }, raised);
      if (modifiedCount === 0) return null;
      bus.publish(`user:${caller.userId}`, { name: 'chat.read', payload: { chatId: id, marks: [{ userId: caller.userId, seq: readSeq }] } });
      if (toOthers) void gathering.tellRead(caller.userId, { [id]: readSeq });
      return null;
    },
    async receive(caller, { chats }) {
      await gathering.receive(caller.userId, chats);
      return null;
    },
    tellRead: (userId, seqs) => gathering.tellRead(userId, seqs),
    drain: () => gathering.drain(),
  };
}

const isHeard = (bus: MarksParts['bus'], { read, received }: Untold): boolean => [read, received].some((marks) => [...marks.keys()].some((id) => bus.isHeard(`chat:${id}`)));

/** One event for each chat in which somebody has come further, and none where nobody listens. */
async function tellAll(parts: MarksParts, { read, received }: Untold, signal: AbortSignal): Promise<void> {
  const chatIds = [...new Set([...read.keys(), ...received.keys()])];
  for (let start = 0; start < chatIds.length; start += chatsAtOnce) {
    signal.throwIfAborted();
    const some = chatIds.slice(start, start + chatsAtOnce);
    await tellSome(parts, some.filter((id) => parts.bus.isHeard(`chat:${id}`)), { read, received }, signal);
    for (const id of some) for (const marks of [read, received]) marks.delete(id);
  }
}

/** Chats looked at together: each may have as many members as are told of each other. */
const chatsAtOnce = 50;

async function tellSome(parts: MarksParts, chatIds: readonly Id[], { read, received }: Untold, signal: AbortSignal): Promise<void> {
  if (chatIds.length === 0) return;
  const small = await findSmall(parts.chats, chatIds);
  const telling = await findTelling(parts, [...small].filter((id) => read.has(id)));
  signal.throwIfAborted();
  for (const chatId of small) {
    const receivers = received.get(chatId);
    if (receivers) parts.bus.publish(`chat:${chatId}`, { name: 'chat.received', payload: { chatId, marks: toList(receivers) } });
    tellReaders(parts.bus, chatId, read.get(chatId), telling.get(chatId));
  }
}

/** Those of these chats in which members are told how far the others have come. */
async function findSmall(chats: ChatModel, chatIds: readonly Id[]): Promise<Set<Id>> {
  const small = await chats.distinct('_id', { _id: { $in: chatIds }, $or: [{ memberCount: { $exists: false } }, { memberCount: { $lte: tellingMembers } }] });
  return new Set(small.map(String));
}

/** One write for all that was received. Gives those who have come further than was stored. */
async function writeReceived({ chats, memberships, history }: MarksParts, received: Marks): Promise<Marks> {
  const raised: Marks = new Map();
  if (received.size === 0) return raised;
  const rows = await findReceivers(memberships, received);
  const chatIds = [...new Set(rows.map(({ chatId }) => chatId.toHexString()))];
  const heads = await history.heads(chatIds);
  const small = await findSmall(chats, chatIds);
  const updates = rows.flatMap((row) => {
    const [chat, member] = [row.chatId.toHexString(), row.userId.toHexString()];
    const seq = Math.min(received.get(chat)?.get(member) ?? 0, heads.get(chat)?.place.seq ?? 0, lastSeen(toView(row)));
    if (seq <= row.deliveredSeq) return [];
    raise(raised, chat, member, seq);
    return [{ updateOne: { filter: { _id: row._id }, update: { $max: { deliveredSeq: seq }, $currentDate: { ownAt: true as const, ...(small.has(chat) && { changedAt: true as const }) } } } }];
  });
  if (updates.length > 0) await memberships.collection.bulkWrite(updates, { ordered: false });
  return raised;
}

/**
 * Memberships of those who have received, in chats that are theirs. Asked for by many chats and many people at once, which
 * gives some pairs too many: said pair by pair, MongoDB would plan each by itself.
 */
async function findReceivers(memberships: MembershipModel, received: Marks): Promise<Receiver[]> {
  const pairs = [...received].flatMap(([chatId, marks]) => [...marks.keys()].map((userId) => ({ chatId, userId })));
  const rows: Receiver[] = [];
  for (let from = 0; from < pairs.length; from += pairsAtOnce) {
    const some = pairs.slice(from, from + pairsAtOnce);
    const [chatId, userId] = [inIds(some.map((pair) => pair.chatId)), inIds(some.map((pair) => pair.userId))];
    rows.push(...(await memberships.find({ chatId, userId, ...isTheirs }, { chatId: 1, userId: 1, deliveredSeq: 1, ...viewFields }).hint(byMember).lean()));
  }
  return rows;
}

type Receiver = Viewed & Pick<MembershipDocument, '_id' | 'chatId' | 'userId' | 'deliveredSeq'>;

/** Few enough for those that come along to be few, too. */
const pairsAtOnce = 250;

const inIds = (ids: readonly Id[]) => ({ $in: [...new Set(ids)].map((id) => new Types.ObjectId(id)) });

/** By chat: its members who tell how far they read. */
async function findTelling({ memberships, users }: MarksParts, chatIds: readonly Id[]): Promise<Map<Id, Set<Id>>> {
  if (chatIds.length === 0) return new Map();
  const rows = await memberships.find({ chatId: { $in: chatIds }, ...isIn }, { chatId: 1, userId: 1 }).hint(byMember).lean();
  const people = await users.findUsers([...new Set(rows.map(({ userId }) => userId.toHexString()))]);
  const isTelling = ({ userId }: (typeof rows)[number]): boolean => people.get(userId.toHexString())?.readReceipts === true;
  return new Map([...byChat(rows.filter(isTelling))].map(([chatId, some]) => [chatId, new Set(some.map(({ userId }) => userId.toHexString()))]));
}

/** Those who tell it of themselves hear it of each other. */
function tellReaders(bus: MarksParts['bus'], chatId: Id, readers: ReadonlyMap<Id, number> = new Map(), telling: ReadonlySet<Id> = new Set()): void {
  const marks = toList(readers).filter(({ userId }) => telling.has(userId));
  // Whoever alone has read knows it.
  const alone = marks.length === 1 ? marks[0]?.userId : undefined;
  if (marks.length > 0) bus.publish(`chat:${chatId}`, { name: 'chat.read', payload: { chatId, marks } }, { only: (userId) => telling.has(userId) && userId !== alone });
}

const toList = (marks: ReadonlyMap<Id, number>): { userId: Id; seq: number }[] => [...marks].map(([userId, seq]) => ({ userId, seq }));
