/**
 * Changes of groups: who is in them, as what, and what is said of them.
 *
 * Each change is made in three steps. It is claimed in the group's own document, as a compare-and-set on the version: that
 * orders all changes of a group, whatever process makes them. Its notice is appended to the log: from then on it has
 * happened. Then memberships and fields are made to say what the notice says. A change that was claimed is completed
 * before the next is claimed, and every process looks now and then for those that a crash has left: each step may be done
 * twice. A membership knows the last change that has reached it, so a step that comes late turns nothing back.
 */
import { randomUUID } from 'node:crypto';
import { mongo, Types } from 'mongoose';
import { AppError, duplicateKey } from '../../core/errors.ts';
import type { Message } from '../../core/message.ts';
import type { Notice } from '../../core/notice.ts';
import { poll } from '../../core/poll.ts';
import { repeat, type Repeated } from '../../core/repeat.ts';
import type { Id, MessageId } from '../../core/schemas.ts';
import { createTurns } from '../../core/turns.ts';
import type { ChatDocument, ChatFields, ChatModel, GroupChange, MembershipChange } from './chat.model.ts';
import { byMember, isIn, type MembershipModel } from './membership.model.ts';

/** What somebody wants to be changed: the notice that tells it, and what follows from it. */
export interface Decision {
  notice: Notice;
  members?: MembershipChange[];
  fields?: ChatFields;
}

/** The log, as far as groups write to it. */
export interface NoticeLog {
  append(draft: { id: MessageId; chatId: Id; senderId: Id; content: { kind: 'notice'; notice: Notice } }): Promise<unknown>;
  find(id: MessageId): Promise<Message | undefined>;
  /** Calls `carryOut` while nobody writes to the chat. */
  settle(chatId: Id): Promise<void>;
}

export interface GroupChangesParts {
  chats: ChatModel;
  memberships: MembershipModel;
  log: NoticeLog;
  /** This is how the group is now; the notice is that of its last change, if it is complete. In the order of the group. */
  onSettled: (chat: ChatDocument, notice: Message | undefined) => Promise<void>;
  onError: (error: unknown) => void;
}

export interface GroupChanges {
  /**
   * Changes a group as `decide` says, who sees it as it is now, or leaves it if that is undefined. `decide` may be asked
   * again when somebody else changes the group at the same instant.
   * @throws CHAT_NOT_FOUND, BUSY, UNAVAILABLE (the change may still be made), and whatever `decide` throws
   */
  change(chatId: Id, decide: (group: ChatDocument) => Promise<Decision | undefined>): Promise<void>;
  /** The first change of a group that has just been stored with it. */
  complete(chat: ChatDocument): Promise<void>;
  /** Sees to it that what the last notice in the log says is so, and that this process acts on it. */
  settle(chatId: Id): Promise<void>;
  /** The same, for the log: nobody may write to the chat meanwhile who was let in by what was known before. */
  carryOut(chatId: Id): Promise<void>;
  /** Looks for what other processes have changed and, now and then, completes what a crash has left. */
  start(): void;
  stop(): void;
}

/** How often a change begins anew because others were faster, before it is called BUSY. */
const maximumAttempts = 50;

/** Milliseconds between two looks for changes that nobody completes, and for which a change may be under way. */
const interval = 5000;

export function createGroupChanges(parts: GroupChangesParts): GroupChanges {
  const { chats, log, onError } = parts;
  const changing = createTurns();
  const settling = createTurns();
  const settle = (chatId: Id): Promise<void> => log.settle(chatId);
  let repeated: Repeated[] = [];

  const complete = async (chat: ChatDocument): Promise<void> => {
    const { _id, change } = chat;
    if (!change?.pending) return;
    const { noticeId, notice } = change;
    const chatId = _id.toHexString();
    await log.append({ id: noticeId.toHexString(true), chatId, senderId: notice.actorId, content: { kind: 'notice', notice } });
    await settle(chatId);
  };
  const completeLeft = async (): Promise<void> => {
    for (const chat of await chats.find({ 'change.pending': true, 'change.at': { $lt: new Date(Date.now() - interval) } }).lean()) {
      await changing.take(chat._id.toHexString(), () => complete(chat)).catch(onError);
    }
  };

  return {
    change: (chatId, decide) => changing.take(chatId, () => makeChange(parts, { chatId, decide, complete })),
    complete,
    settle,
    carryOut: (chatId) => settling.take(chatId, () => settleLast(parts, chatId)),
    start: () => void (repeated = [repeat(completeLeft, interval, onError), pollChanges(parts)]),
    stop: () => repeated.forEach((one) => one.stop()),
  };
}

/** Whoever is not in a group any more must not go on hearing it at another process. */
const pollChanges = ({ chats, log, onError }: GroupChangesParts): Repeated =>
  poll<Id>({
    begin: async () => (await chats.findOne({ changedAt: { $exists: true } }, { changedAt: 1 }).sort({ changedAt: -1 }).lean())?.changedAt ?? new Date(0),
    async read(since) {
      const found = await chats.find({ changedAt: { $gte: since } }, { changedAt: 1 }).sort({ changedAt: 1 }).lean();
      return found.flatMap(({ _id, changedAt }) => (changedAt ? [{ key: _id.toHexString(), at: changedAt, value: _id.toHexString() }] : []));
    },
    onFound: (chatId) => log.settle(chatId),
    onError,
  });

interface Wish {
  chatId: Id;
  decide: (group: ChatDocument) => Promise<Decision | undefined>;
  complete: (chat: ChatDocument) => Promise<void>;
}

async function makeChange({ chats }: GroupChangesParts, { chatId, decide, complete }: Wish): Promise<void> {
  for (let attempt = 0; attempt < maximumAttempts; attempt++) {
    const chat = await chats.findById(chatId).lean();
    if (!chat?.change || chat.removedAt) throw new AppError('CHAT_NOT_FOUND');
    if (chat.change.pending) {
      await complete(chat);
      continue;
    }
    const decision = await decide(chat);
    if (!decision) return;
    const change = toChange(decision, chat.change.version + 1);
    const { modifiedCount } = await chats.updateOne({ _id: chat._id, 'change.version': chat.change.version }, { $set: { change } });
    if (modifiedCount === 1) return complete({ ...chat, change });
  }
  throw new AppError('BUSY');
}

/** A change as it is claimed. */
export const toChange = ({ notice, members = [], fields = {} }: Decision, version: number): GroupChange => ({
  version,
  noticeId: new mongo.UUID(randomUUID()),
  notice,
  members,
  fields,
  at: new Date(),
  pending: true,
});

async function settleLast({ chats, memberships, log, onSettled }: GroupChangesParts, chatId: Id): Promise<void> {
  const chat = await chats.findById(chatId).lean();
  if (!chat?.change) return;
  const { change } = chat;
  const notice = await log.find(change.noticeId.toHexString(true));
  // Claimed, and not in the log: it has not happened yet.
  if (!change.pending || !notice) return onSettled(chat, notice);
  await applyToMembers(memberships, chat, notice.seq);
  await applyToChat(chats, memberships, chat);
  const settled = await chats.findById(chatId).lean();
  if (settled) await onSettled(settled, settled.change?.version === change.version ? notice : undefined);
}

/** Whoever comes in, also again, finds the chat as any other. Muted it stays: otherwise adding somebody once more would be a way to be heard. */
const anew = { leftAt: '', archived: '', pinned: '', markedUnread: '' } as const;

/** Memberships say what the change says, unless a later one has reached them. */
async function applyToMembers(memberships: MembershipModel, { _id: chatId, change, settings }: ChatDocument, seq: number): Promise<void> {
  if (!change) return;
  const { version, members, at, fields } = change;
  if (fields.removedAt) await memberships.collection.updateMany({ chatId, ...isIn }, { $set: { version, leftAt: at }, $unset: { role: '' }, $currentDate: { changedAt: true } }, { hint: byMember });
  if (members.length === 0) return;
  // It never goes back for whoever comes again: a device that did not hear of their absence would miss what was hidden from it before.
  const fromSeq = settings?.history === 'joined' ? seq - 1 : 0;
  const operations = members.map(({ userId, role, banned, joins, roleSeq = seq }) => {
    const set = { version, roleSeq, ...(role && { role }), ...(role === null && { leftAt: at }), ...(joins && { joinedSeq: seq }), ...(banned && { bannedAt: at }) };
    const unset = { ...(role === null && { role: '' as const }), ...(joins && anew), ...(banned === false && { bannedAt: '' as const }) };
    const first = { readSeq: 0, deliveredSeq: 0, ...(!joins && { joinedSeq: seq, fromSeq: 0, ownVersion: 0 }) };
    return {
      updateOne: {
        filter: { chatId, userId, $or: [{ version: { $exists: false } }, { version: { $lt: version } }] },
        update: { $set: set, ...(joins && { $inc: { ownVersion: 1 }, $max: { fromSeq } }), ...(Object.keys(unset).length > 0 && { $unset: unset }), $setOnInsert: first, $currentDate: { changedAt: true as const } },
        upsert: true,
      },
    };
  });
  // Of one that a later change has reached the filter finds nothing, and the upsert meets the unique index.
  await memberships.collection.bulkWrite(operations, { ordered: false }).catch((error: unknown) => {
    if (!(error instanceof mongo.MongoBulkWriteError) || !isOnlyDuplicates(error)) throw error;
  });
}

const isOnlyDuplicates = ({ writeErrors }: mongo.MongoBulkWriteError): boolean => {
  const errors = [writeErrors].flat();
  // One about the write concern names none.
  return errors.length > 0 && errors.every(({ code }) => code === duplicateKey);
};

async function applyToChat(chats: ChatModel, memberships: MembershipModel, { _id, change }: ChatDocument): Promise<void> {
  if (!change) return;
  const given = Object.entries(change.fields);
  const memberCount = await memberships.countDocuments({ chatId: _id, ...isIn }).hint(byMember);
  const set = { ...Object.fromEntries(given.filter(([, value]) => value !== null)), memberCount };
  const unset = Object.fromEntries(given.filter(([, value]) => value === null).map(([key]) => [key, '']));
  await chats.updateOne({ _id: new Types.ObjectId(_id), 'change.version': change.version }, { $set: set, $unset: { ...unset, 'change.pending': '' }, $currentDate: { changedAt: true } });
}
