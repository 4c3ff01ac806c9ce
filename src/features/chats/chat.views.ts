/** How chats look from outside: with their members, and for their list with last message and unread count. */
import { Types } from 'mongoose';
import { AppError } from '../../core/errors.ts';
import type { Id, Message, Place } from '../../core/schemas.ts';
import type { KnownUser, UsersService } from '../users/users.service.ts';
import type { ChatDocument, ChatModel } from './chat.model.ts';
import type { Chat, ChatSummary } from './chats.contract.ts';
import type { MembershipDocument, MembershipModel } from './membership.model.ts';

/** What chats need to know of their messages. */
export interface ChatHistory {
  heads(chatIds: readonly Id[]): Promise<Map<Id, { place: Place; lastMessage?: Message }>>;
  sendersSince(places: readonly { chatId: Id; seq: number }[]): Promise<Map<Id, Map<Id, number>>>;
}

export interface Views {
  /** As this person may see them: how far somebody has read shows only between people who both tell it. */
  findChats(viewer: Id, chatIds: readonly Id[]): Promise<Map<Id, Chat>>;
  requireChat(viewer: Id, chatId: Id): Promise<Chat>;
  /** The chats in the order of the ids, as their list shows them to one person. */
  summaries(userId: Id, chatIds: readonly Id[]): Promise<ChatSummary[]>;
}

export interface ViewsParts {
  chats: ChatModel;
  memberships: MembershipModel;
  users: UsersService;
  history: ChatHistory;
}

export function createViews({ chats, memberships, users, history }: ViewsParts): Views {
  const findChats = async (viewer: Id, chatIds: readonly Id[]): Promise<Map<Id, Chat>> => {
    const ids = chatIds.map((id) => new Types.ObjectId(id));
    // Heads before marks, because marks are written before heads: a head that has come far enough vouches for the mark.
    const documents = await chats.find({ _id: { $in: ids } }).lean();
    const rows = await memberships.find({ chatId: { $in: ids } }).lean();
    const [people, sent] = await Promise.all([
      users.findUsers([...new Set(rows.map((row) => row.userId.toHexString()))]),
      history.sendersSince(documents.map((chat) => ({ chatId: chat._id.toHexString(), seq: chat.head.seq }))),
    ]);
    return new Map(documents.map((chat) => [chat._id.toHexString(), toChat(viewer, chat, rows, people, sent)]));
  };

  return {
    findChats,
    async requireChat(viewer, chatId) {
      const chat = (await findChats(viewer, [chatId])).get(chatId);
      if (!chat) throw new AppError('CHAT_NOT_FOUND');
      return chat;
    },
    async summaries(userId, chatIds) {
      const heads = await history.heads(chatIds);
      const found = await findChats(userId, chatIds);
      return chatIds.flatMap((chatId) => {
        const chat = found.get(chatId);
        const head = heads.get(chatId);
        return chat && head ? [toSummary(chat, head, userId)] : [];
      });
    },
  };
}

/** Sending raises the sender's read mark; where the stored mark is behind, the messages sent since say it. */
function toChat(
  viewer: Id,
  chat: ChatDocument,
  rows: readonly MembershipDocument[],
  people: ReadonlyMap<Id, KnownUser>,
  sent: ReadonlyMap<Id, ReadonlyMap<Id, number>>,
): Chat {
  const id = chat._id.toHexString();
  const isTold = (userId: Id): boolean => userId === viewer || tellEachOther(people.get(viewer), people.get(userId));
  const members = rows
    .filter((row) => row.chatId.equals(chat._id))
    .flatMap((row) => {
      const userId = row.userId.toHexString();
      const user = people.get(userId)?.user;
      return user ? [{ user, ...(isTold(userId) && { readSeq: Math.max(row.readSeq, sent.get(id)?.get(userId) ?? 0) }) }] : [];
    })
    .sort((a, b) => (a.user.id < b.user.id ? -1 : 1));
  return { id, kind: chat.kind, members, createdAt: chat.createdAt.toISOString() };
}

/** How far somebody has read shows only between people who both tell it. */
export const tellEachOther = (one: KnownUser | undefined, other: KnownUser | undefined): boolean => one?.readReceipts === true && other?.readReceipts === true;

function toSummary(chat: Chat, head: { place: Place; lastMessage?: Message }, userId: Id): ChatSummary {
  const readSeq = chat.members.find((member) => member.user.id === userId)?.readSeq ?? 0;
  return {
    ...chat,
    head: head.place,
    ...(head.lastMessage && { lastMessage: head.lastMessage }),
    unread: Math.max(0, head.place.seq - readSeq),
  };
}
