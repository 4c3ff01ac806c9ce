/** Conversations: who is in which, and how they look to the person who asks. */
import type { Bus } from '../../core/bus.ts';
import type { EventOf, Service } from '../../core/contract.ts';
import { AppError } from '../../core/errors.ts';
import type { Id } from '../../core/schemas.ts';
import type { UsersService } from '../users/users.service.ts';
import type { ChatAccess } from './chat.access.ts';
import { createListing } from './chat.listing.ts';
import type { ChatModel } from './chat.model.ts';
import { createOpening } from './chat.opening.ts';
import { createReading } from './chat.reading.ts';
import type { ChatHistory, ViewedChat, Views } from './chat.views.ts';
import type { chatsContract } from './chats.contract.ts';
import { isIn, type MembershipModel } from './membership.model.ts';

export type { ViewedChat };

export interface ChatsService extends Service<typeof chatsContract> {
  /** What of a chat is somebody's to see: messages after this number. Undefined for everybody who is not in it. */
  findView(userId: Id, chatId: Id): Promise<{ fromSeq: number } | undefined>;
  /** @throws CHAT_NOT_FOUND for everybody who is not in it, whether it exists or not */
  requireView(userId: Id, chatId: Id): Promise<{ fromSeq: number }>;
  /** True if it is remembered that this person may write to the chat; false says nothing. */
  isKnownSender(userId: Id, chatId: Id): boolean;
  /** @throws CHAT_NOT_FOUND for everybody who is not in it, whether it exists or not; NOT_ALLOWED */
  requireSender(userId: Id, chatId: Id): Promise<void>;
  /** The id of the private chat of two people, made if need be. @throws USER_NOT_FOUND */
  openPrivate(userId: Id, withUserId: Id): Promise<Id>;
  /** Every chat a person is in, by ascending id. */
  idsOf(userId: Id): Promise<Id[]>;
  /** These chats, by id, as this person may see them. */
  findChats(viewer: Id, chatIds: readonly Id[]): Promise<Map<Id, ViewedChat>>;
}

export interface ChatsParts {
  chats: ChatModel;
  memberships: MembershipModel;
  users: UsersService;
  history: ChatHistory;
  access: ChatAccess;
  views: Views;
  bus: Bus<EventOf<typeof chatsContract>>;
}

export function createChatsService({ chats, memberships, users, history, access, views, bus }: ChatsParts): ChatsService {
  const openPrivate = createOpening({ chats, memberships, users, views, bus });

  return {
    list: createListing({ chats, memberships, history, views }),
    read: createReading({ memberships, users, history, bus, access }),
    findView: (userId, chatId) => access.findMember(userId, chatId),
    requireView: (userId, chatId) => access.requireMember(userId, chatId),
    isKnownSender: (userId, chatId) => access.isKnownSender(userId, chatId),
    requireSender: (userId, chatId) => access.requireSender(userId, chatId),
    openPrivate,
    async idsOf(userId) {
      const mine = await memberships.distinct('chatId', { userId, ...isIn });
      return mine.map((chatId) => chatId.toHexString()).sort();
    },
    findChats: (viewer, chatIds) => views.findChats(viewer, chatIds),

    async open(caller, { userId }) {
      const chatId = await openPrivate(caller.userId, userId);
      return views.requireChat(caller.userId, chatId);
    },

    async get(caller, { id }) {
      await access.requireMember(caller.userId, id);
      const [summary] = await views.summaries(caller.userId, [id]);
      if (!summary) throw new AppError('CHAT_NOT_FOUND');
      return summary;
    },
  };
}
