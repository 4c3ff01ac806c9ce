/** Reading the log: pages by number, what is new or changed since a place, and where each chat stands. */
import { Types } from 'mongoose';
import { groupBy } from '../../core/grouping.ts';
import { beginning, type Head, type Message, type Place } from '../../core/message.ts';
import type { Id, MessageId } from '../../core/schemas.ts';
import type { MessageLog } from './message.log.ts';
import { everythingTo, isVisible, lastVisible, past, type View } from '../../core/view.ts';
import { byChange, toMessage, toUuid, type MessageCollection, type MessageDocument } from './message.model.ts';
import { documentsAfter, page, type Page, type PageRequest } from './message.page.ts';
import { present, showEach, type FindViews, type Source } from './message.presenting.ts';

export interface MessageHistory {
  /** As the viewer sees it, if one is given. */
  find(id: MessageId, viewer?: Id): Promise<Message | undefined>;
  /** Those of these messages that exist, in no order. */
  findAll(ids: readonly MessageId[], viewer: Id): Promise<Message[]>;
  /** Messages by ascending number, and whether the direction asked for goes on. Without a direction: the newest. @throws CHAT_NOT_FOUND if the viewer is put out meanwhile */
  page(chatId: Id, view: View, request: PageRequest): Promise<Page>;
  /** Where each chat stands, by chat id. */
  heads(chatIds: readonly Id[]): Promise<Map<Id, Head>>;
  /** Of each chat the last message that its viewer may see, up to a number, in this order. */
  latest(wanted: readonly Latest[]): Promise<(Message | undefined)[]>;
  /** When these were sent, by chat: one of each. */
  timesOf(wanted: readonly Numbered[]): Promise<Map<Id, Date>>;
  /** The highest number each person has sent in each chat, among the messages after the given numbers. */
  sendersSince(places: readonly { chatId: Id; seq: number }[]): Promise<Map<Id, Map<Id, number>>>;
  /** The next messages after a place, and the place they bring a reader to; undefined if the viewer is put out meanwhile. */
  since(chatId: Id, view: View, way: Way): Promise<Progress | undefined>;
  /** All of these stretches, by chat, as `since` would give them step by step; without chats whose viewer is put out meanwhile. */
  whole(stretches: readonly SeenStretch[]): Promise<Map<Id, Message[]>>;
  /** Everything on these stretches of the log, in no order: what is new there, and what of before has changed. */
  between(stretches: readonly Stretch[]): Promise<Message[]>;
}

/** The number of a message in its chat. */
export interface Numbered {
  chatId: Id;
  seq: number;
}

/** Up to a number in a chat, as one person sees it. */
export interface Latest {
  chatId: Id;
  upTo: number;
  view: View;
}

/** Of one chat, from a place to another; the log has come as far as that. */
export interface Stretch {
  chatId: Id;
  from: Place;
  to: Place;
}

/** As one person sees it. */
export interface SeenStretch extends Stretch {
  view: View;
}

/** From a place to another, so many messages at a time. */
export interface Way {
  from: Place;
  to: Place;
  limit: number;
}

/** Messages, and the place that they bring a reader to. */
export interface Progress {
  messages: Message[];
  place: Place;
}

/** As if nobody were in any chat. */
const noViews: FindViews = () => Promise.resolve(() => undefined);

/**
 * Reads through `messages`, and shows nothing that the log has yet to see journaled.
 * @param findViews what people may see once messages were read for them; needed where views have viewers
 */
export function createMessageHistory(messages: MessageCollection, log: Pick<MessageLog, 'settled'>, findViews = noViews): MessageHistory {
  const source = { messages, findViews };
  const settled = async <T>(chatIds: readonly Id[], reading: Promise<T>): Promise<T> => {
    const result = await reading;
    await log.settled(chatIds);
    return result;
  };
  return {
    async find(id, viewer) {
      const document = await messages.findOne({ _id: toUuid(id) });
      if (!document) return undefined;
      await log.settled([document.chatId.toHexString()]);
      const [message] = await present(messages, [document], everythingTo(viewer));
      return message;
    },
    async findAll(ids, viewer) {
      const documents = await messages.find({ _id: { $in: ids.map(toUuid) } }).toArray();
      await log.settled([...new Set(documents.map(({ chatId }) => chatId.toHexString()))]);
      return present(messages, documents, everythingTo(viewer));
    },
    page: async (chatId, view, request) => settled([chatId], page(source, new Types.ObjectId(chatId), view, request)),
    heads: async (chatIds) => settled(chatIds, heads(messages, chatIds)),
    latest: async (wanted) => settled(wanted.map(({ chatId }) => chatId), latest(source, wanted)),
    timesOf: async (wanted) => settled(wanted.map(({ chatId }) => chatId), timesOf(messages, wanted)),
    sendersSince: async (places) => sendersSince(messages, places),
    since: async (chatId, view, way) => settled([chatId], since(source, new Types.ObjectId(chatId), view, way)),
    whole: async (stretches) => settled(stretches.map(({ chatId }) => chatId), whole(source, stretches)),
    between: async (stretches) => settled(stretches.map(({ chatId }) => chatId), between(messages, stretches).then((documents) => documents.map((document) => toMessage(document)))),
  };
}

/**
 * Sorted as an index is, from its end, the first of each group is one step in that index: a look per chat, whatever its
 * length (MongoDB's DISTINCT_SCAN). Changes come first: what they say is then visible in the messages.
 */
async function heads(messages: MessageCollection, chatIds: readonly Id[]): Promise<Map<Id, Head>> {
  if (chatIds.length === 0) return new Map();
  const chatId = { $in: chatIds.map((id) => new Types.ObjectId(id)) };
  const newest = [{ $match: { chatId } }, { $sort: { chatId: -1, seq: -1 } }, { $group: { _id: '$chatId', seq: { $first: '$seq' }, sentAt: { $first: '$createdAt' } } }];
  const found = await messages
    .aggregate<{ _id: Types.ObjectId; rev?: number; seq?: number; sentAt?: Date }>([
      { $match: { chatId, rev: { $gt: 0 } } },
      { $sort: { chatId: -1, rev: -1 } },
      { $group: { _id: '$chatId', rev: { $first: '$rev' } } },
      { $unionWith: { coll: messages.collectionName, pipeline: newest } },
    ])
    .toArray();
  const result = new Map(chatIds.map((id): [Id, Head] => [id, { place: beginning }]));
  for (const { _id, ...known } of found) {
    const id = _id.toHexString();
    const { place: { seq, rev } = beginning, sentAt } = result.get(id) ?? {};
    const at = known.sentAt ?? sentAt;
    result.set(id, { place: { seq: known.seq ?? seq, rev: known.rev ?? rev }, ...(at && { sentAt: at }) });
  }
  return result;
}

const numberOf = ({ chatId, seq }: Numbered): string => `${chatId}:${seq}`;

const anyOf = (wanted: readonly Numbered[]) => ({ $or: [...new Map(wanted.map((one) => [numberOf(one), one])).values()].map(({ chatId, seq }) => ({ chatId: new Types.ObjectId(chatId), seq })) });

/** Where one is not to be seen any more, the one before it is looked for, by what is to be seen by then. */
async function latest(source: Source, wanted: readonly Latest[]): Promise<(Message | undefined)[]> {
  const last = wanted.map(({ chatId, view, upTo }) => ({ chatId, view, seq: lastVisible(view, upTo) }));
  const documents = await numbered(source.messages, last.filter(({ seq }) => seq > 0));
  const there = last.flatMap(({ view, ...one }, index) => {
    const document = documents.get(numberOf(one));
    return document ? [{ index, document, view }] : [];
  });
  const seen = await showEach(source, there);
  const result = new Map(there.map(({ index }, nth) => [index, seen[nth]?.message]));
  const hidden = there.flatMap(({ index, document }, nth) => {
    const { message, view } = seen[nth] ?? {};
    return view && !message ? [{ index, chatId: document.chatId.toHexString(), upTo: document.seq - 1, view }] : [];
  });
  if (hidden.length > 0) (await latest(source, hidden)).forEach((message, nth) => result.set(hidden[nth]?.index ?? 0, message));
  return wanted.map((_, index) => result.get(index));
}

/** By their numbers. */
async function numbered(messages: MessageCollection, wanted: readonly Numbered[]): Promise<Map<string, MessageDocument>> {
  if (wanted.length === 0) return new Map();
  const documents = await messages.find(anyOf(wanted)).toArray();
  return new Map(documents.map((document) => [numberOf({ chatId: document.chatId.toHexString(), seq: document.seq }), document]));
}

/** Chats looked at together for their times. */
const timesAtOnce = 500;

async function timesOf(messages: MessageCollection, wanted: readonly Numbered[]): Promise<Map<Id, Date>> {
  const times = new Map<Id, Date>();
  for (let start = 0; start < wanted.length; start += timesAtOnce) {
    const some = messages.find(anyOf(wanted.slice(start, start + timesAtOnce)), { projection: { _id: 0, chatId: 1, createdAt: 1 } });
    for (const { chatId, createdAt } of await some.toArray()) times.set(chatId.toHexString(), createdAt);
  }
  return times;
}

async function sendersSince(messages: MessageCollection, places: readonly { chatId: Id; seq: number }[]) {
  const result = new Map<Id, Map<Id, number>>();
  if (places.length === 0) return result;
  const ranges = places.map(({ chatId, seq }) => ({ chatId: new Types.ObjectId(chatId), seq: { $gt: seq } }));
  const rows = messages.aggregate<{ _id: { chatId: Types.ObjectId; senderId: Types.ObjectId }; seq: number }>([
    { $match: { $or: ranges } },
    { $group: { _id: { chatId: '$chatId', senderId: '$senderId' }, seq: { $max: '$seq' } } },
  ]);
  for await (const { _id, seq } of rows) {
    const chatId = _id.chatId.toHexString();
    result.set(chatId, (result.get(chatId) ?? new Map<Id, number>()).set(_id.senderId.toHexString(), seq));
  }
  return result;
}

/** What of these is still to be seen by whoever it was read for: who is out has not come past them. */
async function show(source: Source, documents: readonly MessageDocument[], { view, place }: { view: View; place: Place }): Promise<Progress | undefined> {
  const seen = await showEach(source, documents.map((document) => ({ document, view })));
  if (seen.some((one) => !one.view)) return undefined;
  return { messages: seen.flatMap(({ message }) => message ?? []), place };
}

/**
 * Changed messages first, then new ones. Only those changes count that touch messages the reader has: the others
 * arrive as new messages, in their present state. `to` was read before, so every change up to it is visible here; what is
 * behind it is not read: a notice there would come without what it has changed.
 */
async function since(source: Source, chatId: Types.ObjectId, view: View, { from, to, limit }: Way): Promise<Progress | undefined> {
  const changed = await changedSince(source.messages, chatId, view, { from, to, limit });
  if (changed.rev < to.rev) return show(source, changed.found, { view, place: { seq: from.seq, rev: changed.rev } });
  const fresh = to.seq > from.seq ? await documentsAfter({ source, chatId, view }, { after: from.seq, upTo: to.seq }, limit - changed.found.length) : [];
  return show(source, [...changed.found, ...fresh], { view, place: { seq: past(view, fresh.at(-1)?.seq ?? from.seq, to.seq), rev: to.rev } });
}

/** And the number of the last change that was looked at. */
async function changedSince(messages: MessageCollection, chatId: Types.ObjectId, view: View, { from, to, limit }: Way): Promise<{ found: MessageDocument[]; rev: number }> {
  if (to.rev <= from.rev || from.seq <= view.fromSeq) return { found: [], rev: to.rev };
  const rev = Math.min(to.rev, from.rev + changesAtOnce);
  // Left to itself MongoDB may go by seq, through all of a chat, and sort what it finds.
  const read = await messages
    .find({ chatId, rev: { $gt: from.rev, $lte: rev }, seq: { $gt: view.fromSeq, $lte: from.seq } }, { hint: byChange })
    .sort({ rev: 1 })
    .limit(limit)
    .toArray();
  const found = read.filter(({ seq }) => isVisible(view, seq));
  return { found, rev: read.length === limit ? revOf(read.at(-1)) : rev };
}

/** Changes looked at in one step: those of messages that come as new ones are passed over. */
const changesAtOnce = 500;

async function between(messages: MessageCollection, stretches: readonly Stretch[]): Promise<MessageDocument[]> {
  const ranges = stretches.flatMap(({ chatId: id, from, to }) => {
    const chatId = new Types.ObjectId(id);
    return [
      ...(to.seq > from.seq ? [{ chatId, seq: { $gt: from.seq, $lte: to.seq } }] : []),
      ...(to.rev > from.rev && from.seq > 0 ? [{ chatId, rev: { $gt: from.rev, $lte: to.rev }, seq: { $lte: from.seq } }] : []),
    ];
  });
  return ranges.length > 0 ? messages.find({ $or: ranges }).toArray() : [];
}

async function whole(source: Source, stretches: readonly SeenStretch[]): Promise<Map<Id, Message[]>> {
  const documents = groupBy(await between(source.messages, stretches), ({ chatId }) => chatId.toHexString());
  const shown = stretches.flatMap(({ chatId, from, view }) => {
    const own = (documents.get(chatId) ?? []).filter(({ seq }) => isVisible(view, seq));
    const changed = own.filter(({ seq }) => seq <= from.seq).sort((a, b) => revOf(a) - revOf(b));
    const fresh = own.filter(({ seq }) => seq > from.seq).sort((a, b) => a.seq - b.seq);
    return [...changed, ...fresh].map((document) => ({ document, view }));
  });
  const seen = await showEach(source, shown);
  const messages = groupBy(seen.flatMap(({ message }) => message ?? []), ({ chatId }) => chatId);
  const left = new Set(shown.flatMap(({ document }, index) => (seen[index]?.view ? [] : document.chatId.toHexString())));
  return new Map(stretches.filter(({ chatId }) => !left.has(chatId)).map(({ chatId }) => [chatId, messages.get(chatId) ?? []]));
}

const revOf = (document: MessageDocument | undefined): number => document?.rev ?? 0;
