/** What a process does about a change of a group: it remembers it, moves the connections, and tells those who are in it. */
import type { Bus } from '../../core/bus.ts';
import type { EventOf } from '../../core/contract.ts';
import type { Message } from '../../core/message.ts';
import type { Id } from '../../core/schemas.ts';
import type { UsersService } from '../users/users.service.ts';
import type { ChatAccess } from './chat.access.ts';
import { versionOf, type ChatDocument, type GroupChange, type MembershipChange } from './chat.model.ts';
import type { Views } from './chat.views.ts';
import type { chatsContract } from './chats.contract.ts';
import type { GroupChangesParts } from './group.changes.ts';
import { toldInNotice, type groupsContract } from './groups.contract.ts';
import { byMember, isIn, toView, viewFields, type MembershipModel } from './membership.model.ts';
import { tellNotice } from './notice.telling.ts';

export interface TellingParts {
  memberships: MembershipModel;
  access: ChatAccess;
  users: UsersService;
  views: Views;
  bus: Bus<EventOf<typeof chatsContract> | EventOf<typeof groupsContract>>;
}

interface Telling {
  message: Message;
  /** Who is in the group now. */
  memberIds: Id[];
  /** Who has been told already that they are not. */
  knowing: ReadonlySet<Id>;
}

export function createTelling({ memberships, access, users, views, bus }: TellingParts): GroupChangesParts['onSettled'] {
  const tellNewcomers = async (chatId: Id, userIds: readonly Id[]): Promise<void> => {
    const listening = userIds.filter((id) => bus.isHeard(`user:${id}`));
    if (listening.length === 0) return;
    for (const [userId, summary] of await views.newcomerSummaries(chatId, listening)) bus.publish(`user:${userId}`, { name: 'chat.created', payload: summary });
  };

  const tellLeft = (chatId: Id, userIds: Iterable<Id>): void => {
    for (const userId of userIds) bus.publish(`user:${userId}`, { name: 'chat.left', payload: { chatId } });
  };
  const tell = async (chat: ChatDocument, change: GroupChange, { message, memberIds, knowing }: Telling): Promise<void> => {
    const chatId = chat._id.toHexString();
    const former = idsOf(change, ({ leaves }) => leaves === true);
    tellLeft(chatId, (chat.removedAt ? await lastMembers(memberships, chatId, change.version) : former).filter((id) => !knowing.has(id)));
    await tellNewcomers(chatId, idsOf(change, ({ joins }) => joins === true));
    const topic = `chat:${chatId}` as const;
    if (!bus.isHeard(topic)) return;
    if (change.members.length > toldInNotice) bus.publish(topic, { name: 'notice.created', payload: { message, chat: views.toChatInfo(chat), former } });
    else await tellNotice({ users, memberships, views, bus }, { chat, change, message, memberIds, former });
  };

  return async (chat, notice) => {
    const chatId = chat._id.toHexString();
    const { change } = chat;
    if (!change || access.hasActedOn(chatId, versionOf(change))) return;
    const viewOf = new Map((await memberships.find({ chatId, ...isIn }, { userId: 1, ...viewFields }).hint(byMember).lean()).map((row) => [row.userId.toHexString(), toView(row)]));
    // Also those whom a change before this one has put out, in another process.
    const cutOff = bus.restrict(`chat:${chatId}`, viewOf);
    tellLeft(chatId, cutOff);
    // Nothing says that it is done before it is: whatever fails is done again by the next who asks.
    access.renew(chatId, chat);
    // Of what came before nothing can be told any more: whoever listens sees the jump.
    if (!notice || change.pending) return;
    try {
      await tell(chat, change, { message: notice, memberIds: [...viewOf.keys()], knowing: cutOff });
    } catch (error) {
      access.forget(chatId);
      throw error;
    }
  };
}

const idsOf = ({ members }: GroupChange, concerns: (member: MembershipChange) => boolean): Id[] => members.filter(concerns).map(({ userId }) => userId.toHexString());

/** Who was in a group when it ended. */
async function lastMembers(memberships: MembershipModel, chatId: Id, version: number): Promise<Id[]> {
  return (await memberships.distinct('userId', { chatId, version })).map(String);
}
