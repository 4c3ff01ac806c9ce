/** Catching up: from the places a client has come to, page by page, to the state of one who never left. */
import type { Caller } from '../../core/contract.ts';
import { beginning, type Message, type Place } from '../../core/message.ts';
import type { Id } from '../../core/schemas.ts';
import type { BlocksService } from '../blocks/blocks.service.ts';
import type { ChangedMembers, ChatsService, Heads, OwnMembership, ViewedChat } from '../chats/chats.service.ts';
import type { Me } from '../users/users.contract.ts';
import type { UsersService } from '../users/users.service.ts';
import type { MessageHistory, Progress, SeenStretch } from './message.history.ts';
import type { SyncedChat } from './messages.contract.ts';
import type { MessagesService } from './messages.service.ts';
import { createReadAhead, lengthOf, type ReadAhead } from './sync.reading.ts';
import { fromCursor, toCursor, type SyncState } from './sync.cursor.ts';

/** Most chats that one answer looks at. */
const chatsPerPage = 100;

/** Most members in one answer. */
const membersPerPage = 500;

/** Bytes of messages after which an answer ends; it may go beyond by one read. */
const bytesPerPage = 1_000_000;
/** Looks that find nothing, after which an answer ends, with the place that it has come to. */
const looksPerPage = 8;
/** Messages read at once: with the longest of texts they fill a page, with many reactions more than one. */
const messagesPerRead = 32;

export interface SyncParts {
  chats: ChatsService;
  users: Pick<UsersService, 'me'>;
  blocks: Pick<BlocksService, 'changedSince'>;
  history: MessageHistory;
  /**
   * Milliseconds that each sync looks back behind the one before. What has no number of its own (how far members have
   * read, what is mine alone) is found by the time of its change, and a change shows a moment after the time it bears.
   */
  overlap: number;
}

export function createSync({ chats, users, blocks, history, overlap }: SyncParts): MessagesService['sync'] {
  return async (caller, { chats: places, limit, cursor }) => {
    const { userId } = caller;
    const state = fromCursor(cursor);
    const { mine, readAt } = await chats.membershipsOf(userId);
    const begun = state.begun ?? readAt;
    const following = mine.filter(({ chatId }) => state.after === undefined || chatId > state.after).slice(0, chatsPerPage);
    const current = new Set(mine.map(({ chatId }) => chatId));
    const account = isFirst(state) ? await changedAccount(caller, { users, blocks }, state.since) : {};
    const heads = await history.heads(following.map(({ chatId }) => chatId));
    const followed = fitting(following, { places, heads, limit }).map((own) => ({ ...own, seq: places[own.chatId]?.seq, after: ofChat(state.member, own.chatId), told: ofChat(state.told, own.chatId) }));
    const found = await chats.follow(userId, followed, { heads, since: state.since, limit: membersPerPage });

    const synced: SyncedChat[] = [];
    const left = { messages: limit, bytes: bytesPerPage, looks: looksPerPage };
    const readAhead = createReadAhead((stretches) => history.whole(stretches), stretchesOf(found, { places, heads }), Math.min(limit, messagesPerRead));
    let after = state.after;
    let member: SyncState['member'];
    let told: SyncState['told'];
    for (const own of followed) {
      const { chatId } = own;
      const [viewed, head] = [found.get(chatId), heads.get(chatId)?.place];
      const { changed } = viewed ?? {};
      // There was no room for its members.
      if (viewed && !changed) break;
      const isWanted = viewed && head && changed && hasChanged(own, { changed, place: places[chatId], head }, state.since);
      const entry = isWanted && (await syncChat(history, viewed, changed, { from: places[chatId] ?? beginning, head, left, readAhead }));
      // They are put out meanwhile.
      if (!viewed || (isWanted && !entry)) current.delete(chatId);
      if (entry) {
        synced.push(entry);
        if (changed.next) member = { chatId, ...changed.next };
        if (entry.more) told = changed.next ? ofChat(state.told, chatId) : { chatId, at: Math.max(0, readAt - overlap), seq: head.seq };
        if (entry.more) break;
      }
      after = chatId;
      if (isSpent(left)) break;
    }
    const more = mine.some(({ chatId }) => after === undefined || chatId > after);
    const next = more ? { since: state.since, begun, ...(after !== undefined && { after }), ...(member && { member }), ...(told && { told }) } : { since: Math.max(0, begun - overlap) };
    return { chats: synced, gone: Object.keys(places).filter((id) => !current.has(id)), ...account, more, cursor: toCursor(next) };
  };
}

/** What a person has but for chats. */
async function changedAccount(caller: Caller, { users, blocks }: Pick<SyncParts, 'users' | 'blocks'>, since: number): Promise<{ me: Me; blocked?: Id[] }> {
  const [me, blocked] = await Promise.all([users.me(caller, {}), blocks.changedSince(caller.userId, since)]);
  return { me, ...(blocked && { blocked }) };
}

const ofChat = <T extends { chatId: Id }>(place: T | undefined, chatId: Id): T | undefined => (place?.chatId === chatId ? place : undefined);

const isFirst = ({ begun }: SyncState): boolean => begun === undefined;

/** The first of these chats, that have together about as many messages to tell of as there is room for: the others need not be looked at. */
function fitting(chats: readonly OwnMembership[], { places, heads, limit }: { places: Record<Id, Place>; heads: Heads; limit: number }): readonly OwnMembership[] {
  let count = 0;
  const last = chats.findIndex(({ chatId }) => {
    const [from, to] = [places[chatId] ?? beginning, heads.get(chatId)?.place ?? beginning];
    return (count += lengthOf({ from, to })) >= limit;
  });
  return last < 0 ? chats : chats.slice(0, last + 1);
}

/** What is to be read of these chats, where there is anything. */
function stretchesOf(views: ReadonlyMap<Id, ViewedChat>, { places, heads }: { places: Record<Id, Place>; heads: Heads }): SeenStretch[] {
  const all = [...views].map(([chatId, { view }]) => ({ chatId, view, from: places[chatId] ?? beginning, to: heads.get(chatId)?.place ?? beginning }));
  return all.filter((stretch) => lengthOf(stretch) > 0).sort((a, b) => (a.chatId < b.chatId ? -1 : 1));
}

/** What an answer may still hold. */
interface Room {
  messages: number;
  bytes: number;
  /** Looks that may find nothing: changes of messages that come as new ones are passed over, and there may be a million. */
  looks: number;
}

const isSpent = ({ messages, bytes, looks }: Room): boolean => messages <= 0 || bytes <= 0 || looks <= 0;
const isBefore = (place: Place, head: Place): boolean => place.seq < head.seq || place.rev < head.rev;

const hasChanged = ({ changedAt }: OwnMembership, { changed, place, head }: { changed: ChangedMembers; place: Place | undefined; head: Place }, since: number): boolean =>
  place === undefined || isBefore(place, head) || isBefore(head, place) || changedAt > since || changed.members.length > 0 || changed.former.length > 0;

/** From a place to the end of a log as it was read. */
interface WayOn {
  from: Place;
  head: Place;
  left: Room;
  readAhead: ReadAhead;
}

/** A hexadecimal number of 24 digits, its quotes and a comma. */
const bytesOfId = 27;

/** What a file takes that a message shows, about. */
const bytesOfFile = 400;

/** About what a message takes on the wire, by what can be much of it: its text, its files, and the people it names. */
function bytesOf({ text = '', files = [], notice, reactions = [] }: Message): number {
  const named = (notice?.targetIds?.length ?? 0) + reactions.reduce((sum, { userIds }) => sum + userIds.length, 0);
  return Buffer.byteLength(text) + bytesOfFile * files.length + bytesOfId * named;
}

/** As much of a chat as there is room for; undefined if they are put out meanwhile. */
async function syncChat(history: MessageHistory, viewed: ViewedChat, changed: ChangedMembers, way: WayOn): Promise<SyncedChat | undefined> {
  const { chat: { members: ownMembers, ...chat }, mine } = viewed;
  // Messages come once all members have: a place further on would say that it has them.
  const reached = changed.next ? { messages: [], place: placeIn(way) } : await readOn(history, viewed, way);
  if (!reached) return undefined;
  // How far I have read on another device is told to nobody else, so it does not count as a change of mine for them.
  const me = ownMembers.filter(({ user }) => changed.members.every((other) => other.user.id !== user.id));
  return { chat, mine, members: [...changed.members, ...me], former: changed.former, ...reached, more: isBefore(reached.place, way.head) || changed.next !== undefined };
}

const placeIn = ({ from, head }: WayOn): Place => ({ seq: Math.min(from.seq, head.seq), rev: Math.min(from.rev, head.rev) });

/** Reads in small pieces: a long page of long texts would take the memory of all. */
async function readOn(history: MessageHistory, { chat, view }: ViewedChat, way: WayOn): Promise<Progress | undefined> {
  const { head, left } = way;
  let place = placeIn(way);
  const messages: Message[] = [];
  const take = (some: readonly Message[]): void => {
    messages.push(...some);
    left.messages -= some.length;
    for (const message of some) left.bytes -= bytesOf(message);
  };
  const whole = isBefore(place, head) ? await way.readAhead(chat.id) : undefined;
  if (whole && whole.length <= left.messages) {
    take(whole);
    place = head;
  }
  while (isBefore(place, head) && !isSpent(left)) {
    const next = await history.since(chat.id, view, { from: place, to: head, limit: Math.min(left.messages, messagesPerRead) });
    if (!next) return undefined;
    // A store that lags behind its own head must not keep us here.
    if (!isBefore(place, next.place)) break;
    place = next.place;
    take(next.messages);
    if (next.messages.length === 0) left.looks -= 1;
  }
  return { messages, place };
}
