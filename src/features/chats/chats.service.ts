/** Conversations: who is in which, and how they look to the person who asks. */
import { Types } from 'mongoose';
import type { Bus } from '../../core/bus.ts';
import type { EventOf, Service } from '../../core/contract.ts';
import { AppError } from '../../core/errors.ts';
import type { Id } from '../../core/schemas.ts';
import type { SeqRange, View } from '../../core/view.ts';
import type { UsersService } from '../users/users.service.ts';
import type { ChatAccess } from './chat.access.ts';
import { createFollowing, type ChangedMembers, type Following, type OwnMembership } from './chat.following.ts';
import { createListing } from './chat.listing.ts';
import type { ChatModel } from './chat.model.ts';
import { createOpening } from './chat.opening.ts';
import type { ChatMarks } from './chat.marks.ts';
import type { OwnChanges } from './chat.own.ts';
import { createUnread } from './chat.unread.ts';
import type { ChatHistory, ViewedChat, Views } from './chat.views.ts';
import type { chatsContract } from './chats.contract.ts';
import { mayRemoveAny } from './group.roles.ts';
import type { GroupChanges } from './group.changes.ts';
import { isIn, toView, type MembershipDocument, type MembershipModel } from './membership.model.ts';

export type { ChangedMembers, OwnMembership, ViewedChat };

export interface ChatsService extends Service<typeof chatsContract>, Following {
  /** What of a chat is somebody's to see, and whether they may remove what others have sent. Undefined for everybody who is not in it. */
  findView(userId: Id, chatId: Id): Promise<(View & { mayRemoveAny: boolean }) | undefined>;
  /** The same. @throws CHAT_NOT_FOUND for everybody who is not in it, whether it exists or not */
  requireView(userId: Id, chatId: Id): Promise<View>;
  /** The same for every chat that a person is in, by its id. */
  viewsOf(userId: Id): Promise<Map<Id, View>>;
  /** True if it is remembered that this person may write to the chat; false says nothing. */
  isKnownSender(userId: Id, chatId: Id): boolean;
  /** @throws CHAT_NOT_FOUND for everybody who is not in it, whether it exists or not; NOT_ALLOWED */
  requireSender(userId: Id, chatId: Id): Promise<void>;
  /** The id of the private chat of two people, made if need be. @throws USER_NOT_FOUND */
  openPrivate(userId: Id, withUserId: Id): Promise<Id>;
  /** Nobody sees these messages of a chat any more but the others in it. @throws CHAT_NOT_FOUND, TOO_MUCH_HIDDEN, BUSY */
  hide(userId: Id, chatId: Id, range: SeqRange): Promise<void>;
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
  own: OwnChanges;
  marks: ChatMarks;
  changes: Pick<GroupChanges, 'settle'>;
  bus: Bus<EventOf<typeof chatsContract>>;
}

export function createChatsService({ chats, memberships, users, history, access, views, own, marks, changes, bus }: ChatsParts): ChatsService {
  const openPrivate = createOpening({ chats, memberships, users, views, bus });

  return {
    list: createListing({ chats, memberships, history, views }),
    unread: createUnread({ memberships, history, views }),
    read: (caller, input) => marks.read(caller, input),
    receive: (caller, input) => marks.receive(caller, input),
    arrange: (caller, input) => own.arrange(caller, input),
    clear: (caller, input) => own.clear(caller, input),
    hide: (userId, chatId, range) => own.hide(userId, chatId, range),
    async findView(userId, chatId) {
      const membership = await access.findMember(userId, chatId);
      return membership && { ...toView(membership), mayRemoveAny: mayRemoveAny(membership.role) };
    },
    requireView: async (userId, chatId) => toView(await access.requireMember(userId, chatId)),
    async viewsOf(userId) {
      // Through the driver: there may be thousands.
      const mine = memberships.collection.find<Pick<MembershipDocument, 'chatId' | 'fromSeq' | 'clearedSeq' | 'hidden'>>({ userId: new Types.ObjectId(userId), ...isIn }, { projection: { _id: 0, chatId: 1, fromSeq: 1, clearedSeq: 1, hidden: 1 } });
      return new Map((await mine.toArray()).map((row) => [row.chatId.toHexString(), toView(row)]));
    },
    isKnownSender: (userId, chatId) => access.isKnownSender(userId, chatId),
    requireSender: (userId, chatId) => access.requireSender(userId, chatId),
    openPrivate,
    ...createFollowing({ chats, memberships, views, changes }),
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
