/**
 * Finds in the index what may fit, the newest first. There are two ways through it.
 *
 * By a word: every message of these chats with a word that begins so, sorted. That is quick for all words but the most
 * common, so of each way by a word no more than some thousand messages are looked at; if there are more, it is left. The
 * words of others that begin so lie along it: if it takes long, all ways by words are left.
 *
 * By time: all messages of these chats backwards from the newest, each looked at for all words. That is quick for words
 * that are common. For words that are common, and hardly ever together, it ends after some ten thousand messages; whoever
 * searches can go on from there.
 */
import { mongo, Types } from 'mongoose';
import { storePatience, withDeadline } from '../../core/deadline.ts';
import type { Id } from '../../core/schemas.ts';
import { isVisible, type View } from '../../core/view.ts';
import { behind, type Position } from './search.cursor.ts';
import { toUuid } from './search.ids.ts';
import { byTime, byWords, type TermCollection, type TermDocument } from './term.model.ts';

/** What is looked for, and where. */
export interface Wanted {
  chatIds: readonly Id[];
  /** What of these chats is to be seen; nothing of those that it does not give. */
  viewsOf: (chatIds: readonly Id[]) => Promise<(chatId: Id) => View | undefined>;
  /** For each, some word begins with it; the one that is expected to be the rarest comes first. */
  beginnings: readonly string[];
  /** Many messages are likely to have all of them. */
  isVague: boolean;
  /** Sent after this. */
  after: Date | undefined;
  /** Behind this, in the order of found messages. */
  from: Position | undefined;
}

export type Candidate = Pick<TermDocument, '_id' | 'at'>;

/**
 * Candidates of a part of the way, the newest first, and where it ends; nothing more comes between the last of them and
 * there. Of what is not to be seen nothing is told: no candidate is, and no part ends with it.
 */
export interface Part {
  candidates: Candidate[];
  end: Position | undefined;
}

/** Messages looked at on one way by a word: where there are more, about as many are looked at on the way by time. */
const atMostByWord = 10_000;
/** Messages looked at in one stretch of time. */
const atMostInTime = 3000;
/** Messages looked at on the way by time in all. */
const farthest = 20_000;
/** Ways by a word that are tried. */
const triesByWord = 3;
/** Candidates at once. */
const pageSize = 100;
/** Milliseconds for one look: the store gives up before we cease to wait for it. */
const patience = storePatience - 1000;
/** The same for a look by a word. */
const patienceByWord = 200;
const day = 24 * 60 * 60 * 1000;

/** Gives parts for as long as they are asked for; after the last one nothing is left, unless it has an end. */
export async function* findCandidates(terms: TermCollection, asked: Wanted): AsyncGenerator<Part, void> {
  // A little by time first: where that is enough, looking for the words would have been in vain.
  let from = asked.isVague ? yield* walkBack(terms, asked, atMostInTime) : asked.from;
  if (asked.isVague && !from) return;
  for (const beginning of asked.beginnings.slice(0, triesByWord)) {
    let found = await lookByWord(terms, { ...asked, from }, beginning);
    if (found && found.seen > atMostByWord) continue;
    while (found) {
      yield found;
      if (!found.end) return;
      from = found.end;
      found = await lookByWord(terms, { ...asked, from }, beginning);
    }
    break;
  }
  yield* walkBack(terms, { ...asked, from }, farthest);
}

/** Nothing if it takes too long. */
async function lookByWord(terms: TermCollection, wanted: Wanted, beginning: string): Promise<Found | undefined> {
  const match = { chatId: chatsOf(wanted), words: startingWith(beginning) };
  // What the index has compared already need not be read.
  const others = { ...wanted, beginnings: wanted.beginnings.filter((other) => other !== beginning) };
  try {
    return await look(terms, { match, hint: byWords, room: atMostByWord, within: patienceByWord, wanted: others });
  } catch (error) {
    if (error instanceof mongo.MongoServerError && error.code === tookTooLong) return undefined;
    throw error;
  }
}

/** Ends after about so many messages. Gives where that is; undefined if nothing is left. */
async function* walkBack(terms: TermCollection, wanted: Wanted, distance: number): AsyncGenerator<Part, Position | undefined> {
  const first = wanted.after?.getTime() ?? 0;
  // The clocks of the processes that send may go before this one's.
  let from = wanted.from ?? behind(new Date(Date.now() + day));
  let span = 2 * day;
  let left = distance;
  while (from.at.getTime() >= first) {
    const since = Math.max(first, from.at.getTime() - span);
    const match = { chatId: chatsOf(wanted), at: { $gte: new Date(since), $lte: from.at } };
    const found = await look(terms, { match, hint: byTime, room: atMostInTime, within: patience, wanted: { ...wanted, from } });
    if (found.seen > atMostInTime && span > 1) span = Math.max(1, Math.floor(span / 4));
    else {
      left -= found.seen;
      const isWhole = found.end === undefined;
      from = found.end ?? behind(new Date(since));
      if (isWhole && since === first) {
        yield found;
        return undefined;
      }
      yield { ...found, end: from };
      if (isWhole) span = Math.max(1, Math.round(span * Math.min(8, atMostInTime / 2 / (found.seen + 1))));
    }
    if (left < 0) return from;
  }
  return undefined;
}

interface Look {
  match: object;
  hint: typeof byWords | typeof byTime;
  /** How much of what matches is seen. */
  room: number;
  /** Milliseconds after which the store gives up. */
  within: number;
  wanted: Wanted;
}

/** What was seen: one more than there is room for says that there is more. */
type Found = Part & { seen: number };

/** MaxTimeMSExpired, among MongoDB's error codes. */
const tookTooLong = 50;

/** The first candidates among what matches, and how much of that was seen. @throws MongoServerError if it takes too long */
async function look(terms: TermCollection, { match, hint, room, within, wanted }: Look): Promise<Found> {
  const see = async (limit: number) => {
    const looking = terms.aggregate<Seen>(toPipeline({ match, room, wanted }, limit), { hint, maxTimeMS: within }).toArray();
    const { seen = [], candidates = [] } = (await withDeadline(looking, storePatience))[0] ?? {};
    return { seen: seen[0]?.count ?? 0, isWhole: candidates.length < limit, visible: await visibleOf(candidates, wanted) };
  };
  let found = await see(pageSize);
  // Said in the query, what is to be seen of a thousand chats would cost far more than all that is left, once.
  if (!found.isWhole && found.visible.length < pageSize / 2) found = await see(room + 2);
  const candidates = found.visible.slice(0, pageSize);
  const last = found.isWhole && found.visible.length === candidates.length ? undefined : candidates.at(-1);
  return { seen: found.seen, candidates, end: last && { at: last.at, id: last._id.toString('hex') } };
}

async function visibleOf(candidates: Seen['candidates'], { viewsOf }: Wanted): Promise<Candidate[]> {
  if (candidates.length === 0) return [];
  const viewOf = await viewsOf([...new Set(candidates.map(({ chatId }) => chatId.toHexString()))]);
  return candidates.filter(({ chatId, seq }) => isVisible(viewOf(chatId.toHexString()) ?? nothing, seq));
}

interface Seen {
  seen: { count: number }[];
  candidates: Pick<TermDocument, '_id' | 'chatId' | 'seq' | 'at'>[];
}

function toPipeline({ match, room, wanted: { beginnings, after, from } }: Omit<Look, 'hint' | 'within'>, limit: number): object[] {
  const conditions = [
    ...beginnings.map((beginning) => ({ words: startingWith(beginning) })),
    ...(after ? [{ at: { $gt: after } }] : []),
    ...(from ? [{ $or: [{ at: { $lt: from.at } }, { at: from.at, _id: { $lt: toUuid(from.id) } }] }] : []),
  ];
  return [
    { $match: match },
    { $limit: room + 1 },
    {
      $facet: {
        seen: [{ $count: 'count' }],
        candidates: [{ $match: conditions.length > 0 ? { $and: conditions } : {} }, { $sort: { at: -1, _id: -1 } }, { $limit: limit }, { $project: { chatId: 1, seq: 1, at: 1 } }],
      },
    },
  ];
}

const nothing: View = { fromSeq: Infinity, hidden: [] };

const chatsOf = ({ chatIds }: Wanted) => ({ $in: chatIds.map((chatId) => new Types.ObjectId(chatId)) });

/** A range of the index: no character comes after the last of all. */
const startingWith = (beginning: string) => ({ $elemMatch: { $gte: beginning, $lt: `${beginning}\u{10FFFF}` } });
