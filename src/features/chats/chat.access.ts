/**
 * Who may do what in which chat, as this process remembers it. It is asked at every message, so it must not cost a look
 * into the store. What is remembered of a group is good for as long as the log can be written to without meeting a notice
 * that this process does not know (see message.log). By itself it is half a second behind what other processes do, which
 * will do for what passes anyway, like who is typing: whoever relies on it for more reads the membership itself.
 */
import { LRUCache } from 'lru-cache';
import { atMost } from '../../core/cache.ts';
import { storePatience, withDeadline } from '../../core/deadline.ts';
import { AppError } from '../../core/errors.ts';
import type { GroupSettings } from '../../core/notice.ts';
import type { Id } from '../../core/schemas.ts';
import { versionOf, type ChatDocument, type ChatModel } from './chat.model.ts';
import type { Role } from './chats.contract.ts';
import { mayDo } from './group.roles.ts';
import type { MembershipDocument, MembershipModel } from './membership.model.ts';

export interface ChatAccess {
  /** True if it is remembered that this person may write to the chat; false says nothing. */
  isKnownSender(userId: Id, chatId: Id): boolean;
  /** @throws CHAT_NOT_FOUND for everybody who is not in it, whether it exists or not; NOT_ALLOWED, BLOCKED */
  requireSender(userId: Id, chatId: Id): Promise<void>;
  /** True once, after it was found that somebody who may write to a private chat had not written there. */
  isFirstWriting(userId: Id, chatId: Id): boolean;
  /** The membership of somebody who is in the chat, as it is in the store. */
  findMember(userId: Id, chatId: Id): Promise<CurrentMembership | undefined>;
  /** The same. @throws CHAT_NOT_FOUND */
  requireMember(userId: Id, chatId: Id): Promise<CurrentMembership>;
  /** How many are in the chat. @throws CHAT_NOT_FOUND */
  countMembers(chatId: Id): Promise<number>;
  /** True if this process has acted on the changes of the chat up to this version: it is remembered since `renew`. */
  hasActedOn(chatId: Id, version: number): boolean;
  /** Whether it is a private chat, how far the stored head of it has come, and whether this process has acted on all its changes. */
  look(chatId: Id): Promise<{ isPrivate: boolean; storedSeq: number; isCurrent: boolean }>;
  /** Forgets who may do what in the chat: it may have changed. */
  forget(chatId: Id): void;
  /** This process has acted on this version of the chat: it is remembered, and who was in an earlier one forgotten. */
  renew(chatId: Id, chat: Pick<ChatDocument, 'change' | 'settings' | 'memberCount'>): void;
}

/** That of somebody who is in the chat. */
export type CurrentMembership = MembershipDocument & { role: Role };

interface Remembered {
  /** The changes of the group up to this one are known; 0 in a private chat. */
  version: number;
  /** Of what was looked up for who wants to write nothing else knows. */
  isActedOn: boolean;
  settings: GroupSettings | undefined;
  memberCount: number;
  roles: Map<Id, Role>;
  /** Those of a private chat who had not written there when they were looked up. */
  silent?: Set<Id>;
}

/** Most people in a private chat. */
const pairAtMost = 2;

/** What of a chat says which version of it this is. */
const versioned = { 'change.version': 1, 'change.pending': 1 } as const;

/** Members that are remembered of one chat. */
const membersAtMost = 5000;

export function createChatAccess(chats: ChatModel, memberships: MembershipModel): ChatAccess {
  const remembered = new LRUCache<Id, Remembered>(atMost(100_000));
  const recall = createRecall(chats, remembered);
  const findRole = createRoleSearch(memberships, remembered, recall);
  const hasActedOn = (chatId: Id, version: number): boolean => {
    const chat = remembered.get(chatId);
    return chat?.isActedOn === true && chat.version === version;
  };
  const findMember = createMemberSearch(memberships);

  return {
    findMember,
    hasActedOn,
    isKnownSender: (userId, chatId) => isSenderIn(remembered.get(chatId), userId),
    isFirstWriting: (userId, chatId) => remembered.get(chatId)?.silent?.delete(userId) ?? false,
    async requireSender(userId, chatId) {
      const { role, chat, isBlocking } = await withDeadline(findRole(userId, chatId), storePatience);
      if (!role) throw new AppError('CHAT_NOT_FOUND');
      if (isBlocking) throw new AppError('BLOCKED');
      if (!maySend(chat, role)) throw new AppError('NOT_ALLOWED');
    },
    async requireMember(userId, chatId) {
      const membership = await findMember(userId, chatId);
      if (!membership) throw new AppError('CHAT_NOT_FOUND');
      return membership;
    },
    countMembers: async (chatId) => (await withDeadline(recall(chatId), storePatience)).memberCount,
    async look(chatId) {
      const chat = await chats.findById(chatId, { kind: 1, head: 1, ...versioned }).lean();
      return { isPrivate: chat?.kind === 'private', storedSeq: chat?.head.seq ?? 0, isCurrent: chat?.change === undefined || hasActedOn(chatId, chat.change.version) };
    },
    forget: (chatId) => void remembered.delete(chatId),
    renew(chatId, chat) {
      const renewed = toRemembered(chat);
      const known = remembered.get(chatId);
      remembered.set(chatId, { ...(known?.version === renewed.version ? known : renewed), isActedOn: true });
    },
  };
}

const createMemberSearch =
  (memberships: MembershipModel): ChatAccess['findMember'] =>
  async (userId, chatId) => {
    const membership = await withDeadline(memberships.findOne({ chatId, userId }).lean().exec(), storePatience);
    return membership?.role && membership.blockedFrom !== 0 ? { ...membership, role: membership.role } : undefined;
  };

function isSenderIn(chat: Remembered | undefined, userId: Id): boolean {
  const role = chat?.roles.get(userId);
  return chat !== undefined && role !== undefined && maySend(chat, role);
}

type Recall = (chatId: Id) => Promise<Remembered>;

/** A chat, remembered or looked up. @throws CHAT_NOT_FOUND if there is none */
const createRecall =
  (chats: ChatModel, remembered: LRUCache<Id, Remembered>): Recall =>
  async (chatId) => {
    const known = remembered.get(chatId);
    if (known) return known;
    const chat = await chats.findById(chatId, { settings: 1, memberCount: 1, ...versioned }).lean();
    if (!chat) throw new AppError('CHAT_NOT_FOUND');
    const made = remembered.get(chatId) ?? toRemembered(chat);
    remembered.set(chatId, made);
    return made;
  };

/** What role somebody has, remembered or looked up. @throws CHAT_NOT_FOUND if there is no such chat */
function createRoleSearch(memberships: MembershipModel, remembered: LRUCache<Id, Remembered>, recall: Recall) {
  return async (userId: Id, chatId: Id): Promise<{ role: Role | undefined; chat: Remembered; isBlocking: boolean }> => {
    for (;;) {
      const chat = await recall(chatId);
      const known = chat.roles.get(userId);
      if (known) return { role: known, chat, isBlocking: false };
      const { role, blockedFrom, engaged } = (await memberships.findOne({ chatId, userId }, { role: 1, blockedFrom: 1, engaged: 1 }).lean()) ?? {};
      // Looked up before a change, and found after it: that may not be so any more.
      if (remembered.get(chatId) !== chat) continue;
      const isBlocking = blockedFrom !== undefined;
      if (role && !isBlocking && chat.roles.size < membersAtMost) chat.roles.set(userId, role);
      if (role && !engaged && chat.settings === undefined) (chat.silent ??= new Set()).add(userId);
      return { role, chat, isBlocking };
    }
  };
}

const toRemembered = ({ settings, change, memberCount }: Pick<ChatDocument, 'settings' | 'change' | 'memberCount'>): Remembered => ({
  version: versionOf(change),
  isActedOn: false,
  settings,
  memberCount: memberCount ?? pairAtMost,
  roles: new Map(),
});

const maySend = ({ settings }: Remembered, role: Role): boolean => settings === undefined || mayDo('send', role, settings);
