/** Conversations: who is in which, and how they look to the person who asks. */
import { LRUCache } from 'lru-cache';
import type { Bus } from '../../core/bus.ts';
import { atMost } from '../../core/cache.ts';
import type { EventOf, Service } from '../../core/contract.ts';
import { storePatience, withDeadline } from '../../core/deadline.ts';
import { AppError } from '../../core/errors.ts';
import type { Id } from '../../core/schemas.ts';
import type { UsersService } from '../users/users.service.ts';
import { createListing } from './chat.listing.ts';
import type { ChatModel } from './chat.model.ts';
import { createOpening } from './chat.opening.ts';
import { createReading } from './chat.reading.ts';
import { createViews, type ChatHistory } from './chat.views.ts';
import type { Chat, chatsContract } from './chats.contract.ts';
import type { MembershipModel } from './membership.model.ts';

export interface ChatsService extends Service<typeof chatsContract> {
  isMember(userId: Id, chatId: Id): Promise<boolean>;
  /** True if that is remembered from an earlier time; false says nothing. */
  isKnownMember(userId: Id, chatId: Id): boolean;
  /** @throws CHAT_NOT_FOUND for everybody who is not in it, whether it exists or not */
  requireMember(userId: Id, chatId: Id): Promise<void>;
  /** The id of the private chat of two people, made if need be. @throws USER_NOT_FOUND */
  openPrivate(userId: Id, withUserId: Id): Promise<Id>;
  /** Every chat a person is in, by ascending id. */
  idsOf(userId: Id): Promise<Id[]>;
  /** These chats with their members, by id, as this person may see them. */
  findChats(viewer: Id, chatIds: readonly Id[]): Promise<Map<Id, Chat>>;
}

export interface ChatsParts {
  chats: ChatModel;
  memberships: MembershipModel;
  users: UsersService;
  history: ChatHistory;
  bus: Bus<EventOf<typeof chatsContract>>;
}

export function createChatsService({ chats, memberships, users, history, bus }: ChatsParts): ChatsService {
  const views = createViews({ chats, memberships, users, history });
  const list = createListing({ chats, memberships, history, views });
  const openPrivate = createOpening({ chats, memberships, users, views, bus });
  const { isMember, isKnownMember } = createMembershipCheck(memberships);
  const requireMember = async (userId: Id, chatId: Id): Promise<void> => {
    if (!(await isMember(userId, chatId))) throw new AppError('CHAT_NOT_FOUND');
  };

  return {
    list,
    isMember,
    isKnownMember,
    requireMember,
    openPrivate,
    idsOf: async (userId) => idsOf(memberships, userId),
    findChats: (viewer, chatIds) => views.findChats(viewer, chatIds),

    async open(caller, { userId }) {
      const chatId = await openPrivate(caller.userId, userId);
      return views.requireChat(caller.userId, chatId);
    },

    async get(caller, { id }) {
      await requireMember(caller.userId, id);
      const [summary] = await views.summaries(caller.userId, [id]);
      if (!summary) throw new AppError('CHAT_NOT_FOUND');
      return summary;
    },

    read: createReading({ memberships, users, history, bus, requireMember }),
  };
}

/** Memberships are asked for at every operation, so those that exist are remembered; nobody leaves a private chat. */
function createMembershipCheck(memberships: MembershipModel): Pick<ChatsService, 'isMember' | 'isKnownMember'> {
  const known = new LRUCache<string, true>({
    ...atMost(200_000),
    fetchMethod: async (key) => {
      const [chatId = '', userId = ''] = key.split(':');
      return (await withDeadline(memberships.exists({ chatId, userId }).exec(), storePatience)) ? true : undefined;
    },
  });
  return {
    isMember: async (userId, chatId) => (await known.fetch(`${chatId}:${userId}`)) === true,
    isKnownMember: (userId, chatId) => known.get(`${chatId}:${userId}`) === true,
  };
}

async function idsOf(memberships: MembershipModel, userId: Id): Promise<Id[]> {
  const mine = await memberships.distinct('chatId', { userId });
  return mine.map((chatId) => chatId.toHexString()).sort();
}
