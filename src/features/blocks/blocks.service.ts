/** Who blocks whom, in every process: what follows from it for chats is made so by whoever asked to hear of it. */
import { LRUCache } from 'lru-cache';
import { Types } from 'mongoose';
import type { Bus } from '../../core/bus.ts';
import { atMost } from '../../core/cache.ts';
import type { EventOf, Service } from '../../core/contract.ts';
import { AppError } from '../../core/errors.ts';
import { cutPage, rowsFor } from '../../core/page.ts';
import { poll } from '../../core/poll.ts';
import type { Repeated } from '../../core/repeat.ts';
import type { Id } from '../../core/schemas.ts';
import { createTurns } from '../../core/turns.ts';
import type { UsersService } from '../users/users.service.ts';
import { blockIdOf, type BlockDocument, type BlockModel } from './block.model.ts';
import { blockedAtMost, type blocksContract } from './blocks.contract.ts';

export interface BlocksService extends Service<typeof blocksContract> {
  blocks(userId: Id, otherId: Id): Promise<boolean>;
  /** Those of these people between whom and this one there is a block, whoever made it. */
  apartFrom(userId: Id, others: readonly Id[]): Promise<Set<Id>>;
  /** All whom this person blocks, if that has changed since: milliseconds by MongoDB's clock. */
  changedSince(userId: Id, since: number): Promise<Id[] | undefined>;
  /** Takes away whom this person blocks: the account is removed. */
  removeAll(userId: Id): Promise<void>;
  /** Begins to look for what other processes, or a crash, have left to do. */
  start(): void;
  stop(): void;
}

export interface BlocksParts {
  blocks: BlockModel;
  users: UsersService;
  bus: Bus<EventOf<typeof blocksContract>>;
  /** Called in each process after each change, perhaps more than once; it is awaited before the change is answered. */
  onChanged: (userId: Id, otherId: Id) => Promise<void>;
  onError: (error: unknown) => void;
}

export function createBlocksService(parts: BlocksParts): BlocksService {
  const { blocks, users } = parts;
  const settle = createSettling(parts);
  const lookups = createLookups(blocks);
  const change = async (userId: Id, otherId: Id, blocked: boolean): Promise<null> => {
    // A repeat leaves the document as it is; what a crash has left undone is done all the same.
    const isSame = { $eq: ['$blocked', blocked] };
    const version = { $cond: [isSame, '$version', { $add: [{ $ifNull: ['$version', 0] }, 1] }] };
    const fields = { userId: new Types.ObjectId(userId), otherId: new Types.ObjectId(otherId), blocked, version, changedAt: { $cond: [isSame, '$changedAt', '$$NOW'] } };
    await blocks.updateOne({ _id: blockIdOf(userId, otherId) }, [{ $set: fields }], { upsert: blocked, updatePipeline: true });
    await settle(userId, otherId);
    return null;
  };
  let polling: Repeated | undefined;

  return {
    async list({ userId }, { after, limit }) {
      const found = await blocks.find({ userId, blocked: true, ...(after !== undefined && { otherId: { $gt: after } }) }).sort({ otherId: 1 }).limit(rowsFor(limit)).lean();
      const { rows, more } = cutPage(found, limit);
      const ids = rows.map(({ otherId }) => otherId.toHexString());
      const people = await users.findUsers(ids);
      return { items: ids.flatMap((id) => people.get(id)?.user ?? []), more };
    },
    async create({ userId }, { userId: otherId }) {
      if (otherId === userId) throw new AppError('NOT_WITH_YOURSELF');
      const other = (await users.findUsers([otherId])).get(otherId);
      if (!other || other.user.removedAt !== undefined) throw new AppError('USER_NOT_FOUND');
      const isFull = (await blocks.countDocuments({ userId, blocked: true })) >= blockedAtMost;
      if (isFull && !(await lookups.blocks(userId, otherId))) throw new AppError('TOO_MANY_BLOCKED');
      return change(userId, otherId, true);
    },
    remove: ({ userId }, { userId: otherId }) => change(userId, otherId, false),

    ...lookups,
    async removeAll(userId) {
      await blocks.deleteMany({ userId });
    },
    start: () => void (polling = pollChanges(parts, settle)),
    stop: () => polling?.stop(),
  };
}

/** What others ask of blocks. */
const createLookups = (blocks: BlockModel): Pick<BlocksService, 'blocks' | 'apartFrom' | 'changedSince'> => ({
  blocks: async (userId, otherId) => (await blocks.exists({ _id: blockIdOf(userId, otherId), blocked: true })) !== null,
  async apartFrom(userId, others) {
    const ids = others.flatMap((id) => [blockIdOf(userId, id), blockIdOf(id, userId)]);
    const found = await blocks.find({ _id: { $in: ids }, blocked: true }).lean();
    return new Set(found.flatMap((block) => [block.userId.toHexString(), block.otherId.toHexString()]).filter((id) => id !== userId));
  },
  async changedSince(userId, since) {
    if (!(await blocks.exists({ userId, changedAt: { $gt: new Date(since) } }))) return undefined;
    return (await blocks.find({ userId, blocked: true }, { otherId: 1 }).sort({ otherId: 1 }).lean()).map(({ otherId }) => otherId.toHexString());
  },
});

type Settle = (userId: Id, otherId: Id) => Promise<void>;

/** Makes so, and tells, what a block says now: once for each of its changes, in their order. */
function createSettling({ blocks, bus, onChanged }: BlocksParts): Settle {
  const turns = createTurns();
  const settled = new LRUCache<string, number>(atMost(100_000));
  return async (userId, otherId) => {
    const id = blockIdOf(userId, otherId);
    await turns.take(id, async () => {
      const block = await blocks.findById(id).lean();
      if (!block || settled.get(id) === block.version) return;
      await onChanged(userId, otherId);
      settled.set(id, block.version);
      bus.publish(`user:${userId}`, { name: block.blocked ? 'block.created' : 'block.removed', payload: { userId: otherId } });
    });
  };
}

/** Also those before the last one are looked at again: it may be a crash that has left them. */
const pollChanges = ({ blocks, onError }: BlocksParts, settle: Settle): Repeated =>
  poll<Pick<BlockDocument, 'userId' | 'otherId'>>({
    begin: async () => (await blocks.findOne({}, { changedAt: 1 }).sort({ changedAt: -1 }).lean())?.changedAt ?? new Date(0),
    async read(since) {
      const found = await blocks.find({ changedAt: { $gte: since } }).sort({ changedAt: 1 }).lean();
      return found.map((block) => ({ key: block._id, at: block.changedAt, value: block }));
    },
    onFound: ({ userId, otherId }) => settle(userId.toHexString(), otherId.toHexString()),
    onError,
  });
