/** How chats look from outside: with their members, and for their list with last message and unread count. */
import { Types } from 'mongoose';
import { groupBy } from '../../core/grouping.ts';
import { beginning, type Head, type Message, type Place } from '../../core/message.ts';
import { toPhoto, type PhotoAddress } from '../../core/photo.ts';
import type { Id } from '../../core/schemas.ts';
import { countVisible, type View } from '../../core/view.ts';
import type { KnownUser, UsersService } from '../users/users.service.ts';
import type { ChatDocument, ChatModel } from './chat.model.ts';
import type { Chat, ChatInfo, ChatSummary, Member, Mine } from './chats.contract.ts';
import { isIn, toMine, toView, type MembershipDocument, type MembershipModel } from './membership.model.ts';

/** By chat, where its log has come to. */
export type Heads = ReadonlyMap<Id, Head>;

/** What chats need to know of their messages. */
export interface ChatHistory {
  heads(chatIds: readonly Id[]): Promise<Map<Id, Head>>;
  /** Of each chat the last message that its viewer may see, up to a number, in this order. */
  latest(wanted: readonly { chatId: Id; upTo: number; view: View }[]): Promise<(Message | undefined)[]>;
  /** When these were sent, by chat: one of each. */
  timesOf(wanted: readonly { chatId: Id; seq: number }[]): Promise<Map<Id, Date>>;
  sendersSince(places: readonly { chatId: Id; seq: number }[]): Promise<Map<Id, Map<Id, number>>>;
}

/** The number of the last message of a chat. */
export const lastSeqOf = async (history: Pick<ChatHistory, 'heads'>, chatId: Id): Promise<number> => (await history.heads([chatId])).get(chatId)?.place.seq ?? 0;

/** A chat, and what is the viewer's own in it. */
export interface ViewedChat {
  chat: Chat;
  mine: Mine;
  view: View;
  /** Everything up to here counts as read. */
  readSeq: number;
}

export interface Views {
  /**
   * As this person may see them: how far somebody has read shows only between people who both tell it. Heads that were read
   * before save a look: what was sent behind them need not count yet.
   */
  findChats(viewer: Id, chatIds: readonly Id[], heads?: Heads): Promise<Map<Id, ViewedChat>>;
  /** A chat as it is the same for everybody in it. */
  toChatInfo(chat: Omit<ChatDocument, 'change'>): ChatInfo;
  /** The chats in the order of the ids, as their list shows them to one person. */
  summaries(userId: Id, chatIds: readonly Id[], heads?: Heads): Promise<ChatSummary[]>;
  /** One group, as each of these people who are in it sees it in their list; by person. */
  newcomerSummaries(chatId: Id, userIds: readonly Id[]): Promise<Map<Id, ChatSummary>>;
  /** The memberships that belong to a chat itself: of a private one all, of a group the viewer's own. */
  findRows(viewer: Id, documents: readonly ChatDocument[]): Promise<MembershipDocument[]>;
  /** These chats with their members, and further memberships as members, by chat. Heads have to be read before chats, and chats before memberships. */
  toChats(viewer: Id, read: ReadChats, heads?: Heads): Promise<{ chats: Map<Id, ViewedChat>; further: Map<Id, Member[]> }>;
  /** These memberships as members, by chat, as the viewer may see them. They have to be read in the same order. */
  toMembers(viewer: Id, documents: readonly StoredHead[], rows: readonly MembershipDocument[], heads?: Heads): Promise<Map<Id, Member[]>>;
}

export interface ReadChats {
  documents: readonly ChatDocument[];
  rows: readonly MembershipDocument[];
  further?: readonly MembershipDocument[];
}

export interface ViewsParts {
  chats: ChatModel;
  memberships: MembershipModel;
  users: UsersService;
  history: ChatHistory;
  photoAddress: PhotoAddress;
}

export function createViews(parts: ViewsParts): Views {
  const { chats, memberships, history } = parts;
  const findRows: Views['findRows'] = (viewer, documents) => {
    const idsOf = (wanted: ChatDocument['kind']) => documents.filter(({ kind }) => kind === wanted).map(({ _id }) => _id);
    const [everybody, own] = [{ chatId: { $in: idsOf('private') } }, { chatId: { $in: idsOf('group') }, userId: new Types.ObjectId(viewer) }];
    return memberships.find({ $or: [{ ...everybody, ...isIn }, { ...own, ...isIn }] }).lean().exec();
  };
  const toChats: Views['toChats'] = (viewer, read, heads) => present(parts, viewer, read, heads);
  const findChats: Views['findChats'] = async (viewer, chatIds, heads) => {
    // Heads before marks, because marks are written before heads: a head that has come far enough vouches for the mark.
    const documents = await chats.find({ _id: { $in: chatIds.map((id) => new Types.ObjectId(id)) } }, { change: 0 }).lean();
    return (await toChats(viewer, { documents, rows: await findRows(viewer, documents) }, heads)).chats;
  };

  return {
    toChatInfo: (chat) => toChatInfo(chat, parts.photoAddress),
    findChats,
    findRows,
    toChats,
    async summaries(userId, chatIds, known) {
      const heads = known ?? (await history.heads(chatIds));
      const found = await findChats(userId, chatIds, heads);
      return summarize(history, chatIds.flatMap((chatId) => found.get(chatId) ?? []), heads);
    },
    newcomerSummaries: (chatId, userIds) => newcomerSummaries(parts, chatId, userIds),
    async toMembers(viewer, documents, rows, heads) {
      const [people, sent] = await Promise.all([peopleOf(parts, viewer, rows), sentSince(parts, documents, heads)]);
      return new Map([...byChat(rows)].map(([id, own]) => [id, toShown(viewer, own, people, sent.get(id))]));
    },
  };
}

async function newcomerSummaries(parts: ViewsParts, chatId: Id, userIds: readonly Id[]): ReturnType<Views['newcomerSummaries']> {
  const { chats, memberships, users, history } = parts;
  const heads = await history.heads([chatId]);
  const document = await chats.findById(chatId, { change: 0 }).lean();
  if (!document) return new Map();
  const rows = await memberships.find({ chatId, userId: { $in: userIds }, ...isIn }).lean();
  const [people, sent] = await Promise.all([users.findUsers(userIds), sentSince(parts, [document], heads)]);
  const viewers = rows.map((own) => ({ own, viewer: own.userId.toHexString() }));
  const summaries = await summarize(history, viewers.map(({ own, viewer }) => toViewed(viewer, { document, members: [own], own, people, sent: sent.get(chatId), photoAddress: parts.photoAddress })), heads);
  return new Map(viewers.flatMap(({ viewer }, index) => (summaries[index] ? [[viewer, summaries[index]]] : [])));
}

async function present(parts: ViewsParts, viewer: Id, { documents, rows, further = [] }: ReadChats, heads: Heads | undefined): ReturnType<Views['toChats']> {
  const [people, sent] = await Promise.all([peopleOf(parts, viewer, [...rows, ...further]), sentSince(parts, documents, heads)]);
  const membersOf = byChat(rows);
  const chats = documents.flatMap((document) => {
    const id = document._id.toHexString();
    const members = membersOf.get(id) ?? [];
    const own = members.find((row) => row.userId.toHexString() === viewer);
    if (!own || own.blockedFrom === 0) return [];
    return [[id, toViewed(viewer, { document, members, own, people, sent: sent.get(id), photoAddress: parts.photoAddress })] as const];
  });
  return { chats: new Map(chats), further: new Map([...byChat(further)].map(([id, some]) => [id, toShown(viewer, some, people, sent.get(id))])) };
}

interface Shown {
  document: Omit<ChatDocument, 'change'>;
  members: readonly MembershipDocument[];
  own: MembershipDocument;
  people: ReadonlyMap<Id, KnownUser>;
  sent: Sent;
  photoAddress: PhotoAddress;
}

function toViewed(viewer: Id, { document, members, own, people, sent, photoAddress }: Shown): ViewedChat {
  const chat = { ...toChatInfo(document, photoAddress), members: toShown(viewer, members, people, sent) };
  return { chat, mine: toMine(own), view: { ...toView(own), viewer }, readSeq: markOf(own, sent) };
}

/** Memberships by the id of their chat. */
export const byChat = <T extends Pick<MembershipDocument, 'chatId'>>(rows: readonly T[]): Map<Id, T[]> => groupBy(rows, ({ chatId }) => chatId.toHexString());

type StoredHead = Pick<ChatDocument, '_id' | 'head'>;

/** Who has sent what since the stored heads, where those are behind: a read mark may lag behind as well. */
export const sentSince = ({ history }: Pick<ViewsParts, 'history'>, documents: readonly StoredHead[], heads: Heads | undefined): ReturnType<ChatHistory['sendersSince']> =>
  history.sendersSince(documents.map((chat) => ({ chatId: chat._id.toHexString(), seq: chat.head.seq })).filter(({ chatId, seq }) => !heads || (heads.get(chatId)?.place.seq ?? 0) > seq));

const peopleOf = ({ users }: ViewsParts, viewer: Id, rows: readonly MembershipDocument[]) => users.findUsers([...new Set([viewer, ...rows.map((row) => row.userId.toHexString())])]);

type Sent = ReadonlyMap<Id, number> | undefined;

/** Whoever comes in begins there. Sending raises the sender's read mark; where the stored mark is behind, the messages sent since say it. */
export const markOf = ({ userId, readSeq, joinedSeq }: MembershipDocument, sent: Sent): number => Math.max(readSeq, joinedSeq, sent?.get(userId.toHexString()) ?? 0);

function toShown(viewer: Id, rows: readonly MembershipDocument[], people: ReadonlyMap<Id, KnownUser>, sent: Sent): Member[] {
  const isTold = (userId: Id): boolean => userId === viewer || tellEachOther(people.get(viewer), people.get(userId));
  return rows
    .flatMap((row) => {
      const userId = row.userId.toHexString();
      const user = people.get(userId)?.user;
      if (!user || !row.role) return [];
      const readSeq = isTold(userId) ? markOf(row, sent) : undefined;
      const { role, joinedSeq, deliveredSeq } = row;
      return [{ user, role, joinedSeq, ...(readSeq !== undefined && { readSeq }), deliveredSeq: Math.max(deliveredSeq, joinedSeq, readSeq ?? 0) }];
    })
    .sort((a, b) => (a.user.id < b.user.id ? -1 : 1));
}

function toChatInfo({ _id, kind, title, description, photo, ownerId, settings, memberCount, pairKey, createdAt }: Omit<ChatDocument, 'change'>, addressOf: PhotoAddress): ChatInfo {
  return {
    id: _id.toHexString(),
    kind,
    ...(title !== undefined && { title }),
    ...(description !== undefined && { description }),
    ...(photo && { photo: toPhoto(photo, addressOf) }),
    ...(ownerId && { ownerId: ownerId.toHexString() }),
    ...(settings && { settings }),
    memberCount: memberCount ?? new Set(pairKey?.split(':')).size,
    createdAt: createdAt.toISOString(),
  };
}

/** How far somebody has read shows only between people who both tell it. */
export const tellEachOther = (one: KnownUser | undefined, other: KnownUser | undefined): boolean => one?.readReceipts === true && other?.readReceipts === true;

/** Each of these, in their order, with the last message that its viewer may see: all of those are looked up together. */
async function summarize(history: ChatHistory, viewed: readonly ViewedChat[], heads: Heads): Promise<ChatSummary[]> {
  const placeOf = ({ chat }: ViewedChat): Place => heads.get(chat.id)?.place ?? beginning;
  const messages = await history.latest(viewed.map((one) => ({ chatId: one.chat.id, upTo: placeOf(one).seq, view: one.view })));
  return viewed.map((one, index) => toSummary(one, placeOf(one), messages[index]));
}

const toSummary = ({ chat, mine, view, readSeq }: ViewedChat, place: Place, lastMessage: Message | undefined): ChatSummary => ({
  ...chat,
  mine,
  head: place,
  ...(lastMessage && { lastMessage }),
  unread: countVisible(view, readSeq, place.seq),
});
