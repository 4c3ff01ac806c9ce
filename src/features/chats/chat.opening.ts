/** Opening a private chat: once for each pair of people, however many ask at the same instant and wherever they stop. */
import { LRUCache } from 'lru-cache';
import { Types } from 'mongoose';
import type { Bus } from '../../core/bus.ts';
import { atMost } from '../../core/cache.ts';
import type { EventOf } from '../../core/contract.ts';
import { storePatience, withDeadline } from '../../core/deadline.ts';
import { AppError, unlessDuplicate } from '../../core/errors.ts';
import type { Id } from '../../core/schemas.ts';
import type { BlocksService } from '../blocks/blocks.service.ts';
import type { UsersService } from '../users/users.service.ts';
import type { ApplyBlock } from './chat.blocking.ts';
import { pairKeyOf, type ChatDocument, type ChatModel } from './chat.model.ts';
import type { OwnChanges } from './chat.own.ts';
import type { Views } from './chat.views.ts';
import type { chatsContract } from './chats.contract.ts';
import { atFirst, isTheirs, toView, type MembershipModel } from './membership.model.ts';

export interface OpeningParts {
  chats: ChatModel;
  memberships: MembershipModel;
  users: UsersService;
  views: Views;
  blocks: Pick<BlocksService, 'blocks'>;
  applyBlock: ApplyBlock;
  own: Pick<OwnChanges, 'showToPair'>;
  bus: Bus<EventOf<typeof chatsContract>>;
  onPaired: (userId: Id, withUserId: Id) => void;
}

/**
 * The chat first, then who is in it: a crash in between leaves a chat that the next opening completes. Nothing tells an
 * opening whose answer was lost from one that never was, so a chat without messages is announced again.
 */
export function createOpening({ chats, memberships, users, views, blocks, applyBlock, own, bus, onPaired }: OpeningParts): (userId: Id, withUserId: Id) => Promise<Id> {
  // A chat there is stays open to whoever is left in it.
  const create = async (pairKey: string, people: readonly Id[]): Promise<ChatDocument> => {
    const known = await users.findUsers(people);
    if (people.some((id) => known.get(id)?.user.removedAt !== undefined || !known.has(id))) throw new AppError('USER_NOT_FOUND');
    return createOnce(chats, pairKey);
  };
  const blockersAmong = async (people: readonly Id[]): Promise<Set<Id>> => {
    const blocking = await Promise.all(pairsOf(people).map(async ([id, other]) => ((await blocks.blocks(id, other)) ? [id] : [])));
    return new Set(blocking.flat());
  };
  const open = async (pairKey: string, openerId: Id): Promise<Id> => {
    const people = [...new Set(pairKey.split(':'))];
    const { _id, head } = (await chats.findOne({ pairKey }).lean()) ?? (await create(pairKey, people));
    const added = await addMembers(memberships, { chatId: _id, people, openerId, blockers: await blockersAmong(people) });
    // A block that was made meanwhile has found nobody in it.
    if (added) for (const blocker of await blockersAmong(people)) await applyBlock(blocker, people.find((one) => one !== blocker) ?? blocker);
    const id = _id.toHexString();
    for (const row of await memberships.find({ chatId: _id, ...isTheirs }).lean()) bus.join(row.userId.toHexString(), `chat:${id}`, toView(row));
    // A block that was made in between has found nobody listening.
    await own.showToPair(id);
    if (added || head.seq === 0) {
      const seen = await Promise.all(people.map(async (userId) => [userId, await views.summaries(userId, [id])] as const));
      for (const [userId, [summary]] of seen) if (summary) bus.publish(`user:${userId}`, { name: 'chat.created', payload: summary });
      const [one, other] = people;
      if (one !== undefined && other !== undefined) onPaired(one, other);
    }
    return id;
  };
  const opened = new LRUCache<string, Id, Id>({ ...atMost(100_000), fetchMethod: (pairKey, _known, { context }) => withDeadline(open(pairKey, context), storePatience) });

  return async (userId, withUserId) => {
    const pairKey = pairKeyOf(userId, withUserId);
    // Whoever is blocked would learn of a chat that is made now.
    if (!opened.has(pairKey) && (await blocks.blocks(userId, withUserId)) && !(await chats.exists({ pairKey }))) throw new AppError('BLOCKED');
    const chatId = await opened.fetch(pairKey, { context: userId });
    if (chatId === undefined) throw new AppError('INTERNAL');
    return chatId;
  };
}

/** Each of two with the other; nobody is apart from themselves. */
const pairsOf = ([one, other]: readonly Id[]): [Id, Id][] => (one === undefined || other === undefined ? [] : [[one, other], [other, one]]);

async function createOnce(chats: ChatModel, pairKey: string): Promise<ChatDocument> {
  const now = new Date();
  const made: ChatDocument = { _id: new Types.ObjectId(), kind: 'private', pairKey, createdAt: now, head: { seq: 0, at: now } };
  if (await unlessDuplicate(chats.collection.insertOne(made))) return made;
  return chats.findOne({ pairKey }).orFail().lean();
}

interface Newcomers {
  chatId: Types.ObjectId;
  people: readonly Id[];
  openerId: Id;
  blockers: ReadonlySet<Id>;
}

/** True if anybody was not in it before. Those who block the other one do not learn of it. */
async function addMembers(memberships: MembershipModel, { chatId, people, openerId, blockers }: Newcomers): Promise<boolean> {
  const result = await memberships.collection.bulkWrite(
    people.map((id) => {
      const userId = new Types.ObjectId(id);
      const first = { role: 'member' as const, ...atFirst, ...(blockers.has(id) && { blockedFrom: 0 }), ...(id === openerId && { engaged: true }) };
      return { updateOne: { filter: { chatId, userId }, update: { $setOnInsert: first, $currentDate: { changedAt: true as const } }, upsert: true } };
    }),
  );
  return result.upsertedCount > 0;
}
