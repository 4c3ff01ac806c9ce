/** Groups: who makes them, who is in them, and who may change what. The rules are in group.decisions. */
import { Types } from 'mongoose';
import type { Service } from '../../core/contract.ts';
import { AppError, unlessDuplicate } from '../../core/errors.ts';
import { sha256 } from '../../core/hash.ts';
import { cutPage, rowsFor } from '../../core/page.ts';
import type { StoredPhoto } from '../../core/photo.ts';
import type { Id } from '../../core/schemas.ts';
import type { BlocksService } from '../blocks/blocks.service.ts';
import type { Photos, UsersService } from '../users/users.service.ts';
import type { ChatAccess } from './chat.access.ts';
import type { ChatDocument, ChatModel } from './chat.model.ts';
import type { Contacts } from './chat.contacts.ts';
import type { Views } from './chat.views.ts';
import type { Role } from './chats.contract.ts';
import { toChange, type Decision, type GroupChanges } from './group.changes.ts';
import { addMembers, appointMember, banMember, createGroup, endGroup, expelMember, leaveGroup, unbanMember, updateGroup, type Changes, type Seen } from './group.decisions.ts';
import { firstSettings, requirePower } from './group.roles.ts';
import type { groupsContract } from './groups.contract.ts';
import { byBan, byMember, isIn, type MembershipDocument, type MembershipModel } from './membership.model.ts';

export interface GroupsService extends Service<typeof groupsContract> {
  /** Leaves every group: the account is removed. Rejects when the signal breaks it off. */
  leaveAll(userId: Id, signal: AbortSignal): Promise<void>;
  /** Whether a group shows the photo with this key, or is about to. */
  showsPhoto(chatId: Id, key: string): Promise<boolean>;
}

export interface GroupsParts {
  chats: ChatModel;
  memberships: MembershipModel;
  users: UsersService;
  blocks: Pick<BlocksService, 'apartFrom'>;
  contacts: Pick<Contacts, 'contactsAmong'>;
  access: ChatAccess;
  views: Views;
  changes: GroupChanges;
  photos: Photos;
}

export function createGroupsService(parts: GroupsParts): GroupsService {
  const change = createChange(parts);
  const leave = (userId: Id, chatId: Id): Promise<null> =>
    change(userId, chatId, async (seen) => leaveGroup(seen, seen.role === 'owner' ? await findHeir(parts.memberships, chatId) : null));

  return {
    ...createMaking(parts, change),
    ...createAppointing(parts, change),
    ...createLists(parts),
    showsPhoto: async (chatId, key) => (await parts.chats.exists({ _id: chatId, $or: [{ 'photo.key': key }, { 'change.fields.photo.key': key }] })) !== null,
    remove: async (caller, { id }) => change(caller.userId, id, endGroup),
    leave: async (caller, { id }) => leave(caller.userId, id),
    async leaveAll(userId, signal) {
      const { chats, memberships } = parts;
      const mine = await memberships.find({ userId, ...isIn }, { chatId: 1 }).lean();
      for (const _id of await chats.distinct('_id', { _id: { $in: mine.map(({ chatId }) => chatId) }, kind: 'group' })) {
        signal.throwIfAborted();
        await leave(userId, String(_id));
      }
    },
  };
}

type Decide = (seen: Seen) => Promise<Decision | undefined> | Decision | undefined;
type Change = (actorId: Id, chatId: Id, decide: Decide) => Promise<null>;

/** @throws CHAT_NOT_FOUND if the actor is not in the group, and whatever `decide` throws */
function createChange({ access, changes }: GroupsParts): Change {
  return async (actorId, chatId, decide) => {
    await changes.change(chatId, async (group) => {
      const { role } = await access.requireMember(actorId, chatId);
      return decide({ group, actorId, role });
    });
    return null;
  };
}

/** What a group is, and who comes into it. */
function createMaking(parts: GroupsParts, change: Change): Pick<GroupsService, 'create' | 'update' | 'add'> {
  const { chats, memberships, access, views, changes, photos } = parts;
  return {
    async create(caller, { key, userIds, ...wish }) {
      const chat = await store(chats, { ownerId: caller.userId, key, ...wish, userIds: await findWilling(parts, caller.userId, userIds) });
      await changes.complete(chat);
      const [summary] = await views.summaries(caller.userId, [chat._id.toHexString()]);
      // Made by an earlier request with this key, and left since.
      if (!summary) throw new AppError('CHAT_NOT_FOUND');
      return summary;
    },
    async update(caller, { id, photo: fileId, ...wish }) {
      const write = (photo?: StoredPhoto | null) => change(caller.userId, id, (seen) => updateGroup(seen, { ...wish, ...(photo !== undefined && { photo }) }));
      if (fileId === undefined) await write();
      else {
        // Before it is made: who may not change it is not to have it made either.
        const { chat, role } = await requireGroup(parts, caller.userId, id);
        requirePower('change', role, { ...firstSettings, ...chat.settings });
        await photos.replace({ kind: 'chat', id }, { by: caller.userId, of: fileId }, write);
      }
      return views.toChatInfo((await requireGroup(parts, caller.userId, id)).chat);
    },
    async add(caller, { id, userIds }) {
      await access.requireMember(caller.userId, id);
      const willing = await findWilling(parts, caller.userId, userIds);
      let added: Id[] = [];
      await change(caller.userId, id, async (seen) => {
        const decision = addMembers(seen, willing, await memberships.find({ chatId: id, userId: { $in: willing } }).lean());
        added = decision?.notice.targetIds ?? [];
        return decision;
      });
      return { added };
    },
  };
}

/** What becomes of its members. */
function createAppointing({ memberships, users }: GroupsParts, change: Change): Pick<GroupsService, 'expel' | 'ban' | 'unban' | 'appoint'> {
  const find = (chatId: Id, userId: Id): Promise<MembershipDocument | null> => memberships.findOne({ chatId, userId }).lean().exec();
  return {
    expel: async (caller, { id, userId }) => change(caller.userId, id, async (seen) => expelMember(seen, await find(id, userId))),
    ban: async (caller, { id, userId }) =>
      change(caller.userId, id, async (seen) => {
        const decision = banMember(seen, userId, await find(id, userId));
        if (!(await users.findUsers([userId])).has(userId)) throw new AppError('USER_NOT_FOUND');
        return decision;
      }),
    unban: async (caller, { id, userId }) => change(caller.userId, id, async (seen) => unbanMember(seen, await find(id, userId))),
    appoint: async (caller, { id, userId, role }) => change(caller.userId, id, async (seen) => appointMember(seen, await find(id, userId), role)),
  };
}

function createLists(parts: GroupsParts): Pick<GroupsService, 'members' | 'banned'> {
  const { memberships, users, views } = parts;
  const page = async (filter: object, { id, after, limit }: { id: Id; after?: Id; limit: number }, index: Record<string, 1>) => {
    const found = await memberships
      .find({ chatId: id, ...filter, ...(after !== undefined && { userId: { $gt: after } }) })
      .hint(index)
      .sort({ userId: 1 })
      .limit(rowsFor(limit))
      .lean();
    return cutPage(found, limit);
  };
  return {
    async members(caller, input) {
      const { chat } = await requireGroup(parts, caller.userId, input.id);
      const { rows, more } = await page(isIn, input, byMember);
      const members = await views.toMembers(caller.userId, [chat], rows);
      return { items: members.get(input.id) ?? [], more };
    },
    async banned(caller, input) {
      const { chat, role } = await requireGroup(parts, caller.userId, input.id);
      requirePower('listBanned', role, chat.settings ?? firstSettings);
      const { rows, more } = await page({ bannedAt: { $exists: true } }, input, byBan);
      const people = await users.findUsers(rows.map(({ userId }) => userId.toHexString()));
      return { items: rows.flatMap(({ userId }) => people.get(userId.toHexString())?.user ?? []), more };
    },
  };
}

/** A group of the caller's, and their role in it. @throws CHAT_NOT_FOUND */
async function requireGroup({ chats, access }: GroupsParts, userId: Id, chatId: Id): Promise<{ chat: ChatDocument; role: Role }> {
  const { role } = await access.requireMember(userId, chatId);
  const chat = await chats.findOne({ _id: chatId, kind: 'group' }, { change: 0 }).lean();
  if (!chat) throw new AppError('CHAT_NOT_FOUND');
  return { chat, role };
}

/** Those of these people who exist and let this one add them, without the one who asks. */
async function findWilling({ users, blocks, contacts }: GroupsParts, ownId: Id, userIds: readonly Id[]): Promise<Id[]> {
  const known = await users.findUsers(userIds);
  const apart = await blocks.apartFrom(ownId, userIds);
  const living = userIds.filter((id) => id !== ownId && !apart.has(id) && known.get(id)?.user.removedAt === undefined);
  const selective = living.filter((id) => known.get(id)?.groups === 'contacts');
  const contactOf = selective.length > 0 ? (await contacts.contactsAmong(ownId, selective)).contactOf : new Set<Id>();
  return living.filter((id) => known.get(id)?.groups === 'everyone' || contactOf.has(id));
}

/** The longest-serving admin, or else the longest-serving member. */
async function findHeir(memberships: MembershipModel, chatId: Id): Promise<MembershipDocument | null> {
  const first = (role: Role) => memberships.findOne({ chatId, role }).sort({ roleSeq: 1, userId: 1 }).lean().exec();
  return (await first('admin')) ?? first('member');
}

interface Wish extends Changes {
  ownerId: Id;
  key: string | undefined;
  title: string;
  userIds: readonly Id[];
}

/** A group as it is first stored: without members, and with the change that gives it some. @throws CONFLICT */
async function store(chats: ChatModel, { ownerId, key, userIds, ...wish }: Wish): Promise<ChatDocument> {
  const now = new Date();
  const makerKey = key && `${ownerId}:${key}`;
  const chat: ChatDocument = {
    _id: new Types.ObjectId(),
    kind: 'group',
    ...(makerKey && { makerKey, wishHash: hashOf(wish) }),
    memberCount: 0,
    createdAt: now,
    head: { seq: 0, at: now },
    change: toChange(createGroup(ownerId, wish, userIds), 1),
  };
  if (await unlessDuplicate(chats.collection.insertOne(chat))) return chat;
  const made = await chats.findOne({ makerKey: makerKey ?? null }).orFail().lean();
  if (made.wishHash !== undefined && made.wishHash !== chat.wishHash) throw new AppError('CONFLICT');
  return made;
}

/** People may differ: who does not want to be added is left out, and that may change. */
const hashOf = ({ title, description = null, settings }: Changes): string => sha256(JSON.stringify([title, description, { ...firstSettings, ...settings }]));
