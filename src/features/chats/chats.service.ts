/** Conversations: who is in which, and how they look to the person who asks. */
import type { Bus } from '../../core/bus.ts';
import type { InTurn } from '../../core/caller.turns.ts';
import type { EventOf, Service } from '../../core/contract.ts';
import { AppError } from '../../core/errors.ts';
import type { Id } from '../../core/schemas.ts';
import type { SeqRange, View } from '../../core/view.ts';
import type { User } from '../users/users.contract.ts';
import type { UsersService } from '../users/users.service.ts';
import type { BlocksService } from '../blocks/blocks.service.ts';
import type { ChatAccess } from './chat.access.ts';
import type { ApplyBlock } from './chat.blocking.ts';
import { createContacts, type Contacts, type ContactsAmong } from './chat.contacts.ts';
import { createFollowing, type ChangedMembers, type Following, type OwnMembership } from './chat.following.ts';
import { createListing } from './chat.listing.ts';
import { pairKeyOf, type ChatModel } from './chat.model.ts';
import { createOpening } from './chat.opening.ts';
import type { ChatMarks } from './chat.marks.ts';
import type { OwnChanges } from './chat.own.ts';
import { createPartners, type Partners } from './chat.partners.ts';
import { createUnread } from './chat.unread.ts';
import type { ChatHistory, Heads, ViewedChat, Views } from './chat.views.ts';
import { tellingMembers, type chatsContract } from './chats.contract.ts';
import { mayRemoveAny } from './group.roles.ts';
import type { GroupChanges } from './group.changes.ts';
import { chatIdsOf, findViews, isIn, toView, type MembershipModel } from './membership.model.ts';

export type { ContactsAmong, ChangedMembers, Heads, OwnMembership, ViewedChat };

export interface ChatsService extends Service<typeof chatsContract>, Following, Partners, Pick<Contacts, 'contactsAmong' | 'noteWritten'> {
  /** What of a chat is somebody's to see, and whether they may remove what others have sent. Undefined for everybody who is not in it. */
  findView(userId: Id, chatId: Id): Promise<(View & { mayRemoveAny: boolean }) | undefined>;
  /** The same. @throws CHAT_NOT_FOUND for everybody who is not in it, whether it exists or not */
  requireView(userId: Id, chatId: Id): Promise<View>;
  /** The same of each of these chats; undefined where it is not theirs to see. */
  viewsOf(userId: Id, chatIds: readonly Id[]): Promise<(chatId: Id) => View | undefined>;
  /** Every chat a person is in, also those they do not see for they block the other one. */
  chatsOf(userId: Id): Promise<Id[]>;
  /** True if it is remembered that this person may write to the chat; false says nothing. */
  isKnownSender(userId: Id, chatId: Id): boolean;
  /** @throws CHAT_NOT_FOUND for everybody who is not in it, whether it exists or not; NOT_ALLOWED */
  requireSender(userId: Id, chatId: Id): Promise<void>;
  /** Whether members of the chat are told what the others are doing: in a large one nobody is. @throws CHAT_NOT_FOUND */
  tellsMembers(chatId: Id): Promise<boolean>;
  /** The id of the private chat of two people, made if need be. @throws USER_NOT_FOUND, BLOCKED */
  openPrivate(userId: Id, withUserId: Id): Promise<Id>;
  /** The same, if there is one. */
  findPrivate(userId: Id, withUserId: Id): Promise<Id | undefined>;
  /** Nobody sees these messages of a chat any more but the others in it. @throws CHAT_NOT_FOUND, TOO_MUCH_HIDDEN, BUSY */
  hide(userId: Id, chatId: Id, range: SeqRange): Promise<void>;
  /** Who was in the chat and has read up to a number or beyond, as far as it is told to this person. @throws GROUP_TOO_LARGE */
  readersOf(viewer: Id, chatId: Id, seq: number): Promise<User[]>;
  /** Sees to it that this process has acted on all that others have done to who sees what of the chat, before it tells what is in it. */
  catchUp(chatId: Id): Promise<void>;
  /** Nobody who blocks this person in the chat sees the message any more. */
  hideFromBlockers(userId: Id, chatId: Id, seq: number): Promise<void>;
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
  blocks: Pick<BlocksService, 'blocks'>;
  applyBlock: ApplyBlock;
  /** What costs as much as somebody has chats: one at a time. */
  inTurn: InTurn;
  bus: Bus<EventOf<typeof chatsContract>>;
  /** Two people have a private chat, which may be new. */
  onPaired: (userId: Id, withUserId: Id) => void;
  /** The other one is a contact of somebody, and may not have been before. */
  onContact: (userId: Id, contactId: Id) => void;
  onError: (error: unknown) => void;
}

export function createChatsService(parts: ChatsParts): ChatsService {
  const { chats, memberships, history, access, views, own, marks, changes, inTurn } = parts;
  const openPrivate = createOpening(parts);
  const contacts = createContacts(parts);

  return {
    list: inTurn(createListing({ chats, memberships, history, views })),
    unread: inTurn(createUnread({ chats, memberships, history })),
    read: (caller, input) => marks.read(caller, input),
    receive: (caller, input) => marks.receive(caller, input),
    arrange: (caller, input) => own.arrange(caller, input),
    clear: (caller, input) => own.clear(caller, input),
    ...createHiding(parts),
    ...createSight(parts),
    openPrivate,
    findPrivate: async (userId, withUserId) => (await chats.findOne({ pairKey: pairKeyOf(userId, withUserId) }, { _id: 1 }).lean())?._id.toHexString(),
    ...createFollowing({ chats, memberships, views, changes }),
    ...createPartners({ chats, memberships }),
    contactsAmong: (userId, others) => contacts.contactsAmong(userId, others),
    noteWritten: async (written) => contacts.noteWritten(written),
    async catchUp(chatId) {
      const { isPrivate, isCurrent } = await access.look(chatId);
      if (isPrivate) await own.showToPair(chatId);
      else if (!isCurrent) await changes.settle(chatId);
    },
    readersOf: (viewer, chatId, seq) => findReaders(parts, viewer, { chatId, seq }),

    async open(caller, { userId }) {
      const chatId = await openPrivate(caller.userId, userId);
      const viewed = (await views.findChats(caller.userId, [chatId])).get(chatId);
      // The other one has opened it, and is blocked.
      if (!viewed) throw new AppError('BLOCKED');
      await contacts.noteOpened(chatId, caller.userId, userId);
      return viewed.chat;
    },

    async get(caller, { id }) {
      await access.requireMember(caller.userId, id);
      const [summary] = await views.summaries(caller.userId, [id]);
      if (!summary) throw new AppError('CHAT_NOT_FOUND');
      return summary;
    },
  };
}

const createHiding = ({ own, memberships }: ChatsParts): Pick<ChatsService, 'hide' | 'hideFromBlockers'> => ({
  hide: (userId, chatId, range) => own.hide(userId, chatId, range),
  async hideFromBlockers(userId, chatId, seq) {
    const covered = { $elemMatch: { from: { $lte: seq }, to: { $gte: seq } } };
    const blockers = await memberships.distinct('userId', { chatId, userId: { $ne: userId }, blockedFrom: { $gt: seq }, withheld: { $not: covered } });
    await Promise.all(blockers.map((blocker) => own.withhold(String(blocker), chatId, { from: seq, to: seq })));
  },
});

/** Who may see what, and write. */
const createSight = ({ access, memberships }: ChatsParts): Pick<ChatsService, 'findView' | 'requireView' | 'viewsOf' | 'chatsOf' | 'isKnownSender' | 'requireSender' | 'tellsMembers'> => ({
  async findView(userId, chatId) {
    const membership = await access.findMember(userId, chatId);
    return membership && { ...toView(membership), viewer: userId, mayRemoveAny: mayRemoveAny(membership.role) };
  },
  requireView: async (userId, chatId) => ({ ...toView(await access.requireMember(userId, chatId)), viewer: userId }),
  async viewsOf(userId, chatIds) {
    const viewOf = await findViews(memberships, [userId], chatIds);
    return (chatId) => viewOf(userId, chatId);
  },
  chatsOf: async (userId) => (await chatIdsOf(memberships, userId)).map(String),
  isKnownSender: (userId, chatId) => access.isKnownSender(userId, chatId),
  requireSender: (userId, chatId) => access.requireSender(userId, chatId),
  tellsMembers: async (chatId) => (await access.countMembers(chatId)) <= tellingMembers,
});

async function findReaders({ chats, memberships, access, views }: ChatsParts, viewer: Id, { chatId, seq }: { chatId: Id; seq: number }): Promise<User[]> {
  if ((await access.countMembers(chatId)) > tellingMembers) throw new AppError('GROUP_TOO_LARGE');
  const documents = await chats.find({ _id: chatId }, { head: 1 }).lean();
  // By the marks alone: to leave out whoever blocks the sender would tell of it.
  const rows = await memberships.find({ chatId, ...isIn }).lean();
  const members = (await views.toMembers(viewer, documents, rows)).get(chatId) ?? [];
  return members.filter(({ joinedSeq, readSeq = 0 }) => joinedSeq < seq && seq <= readSeq).map(({ user }) => user);
}
