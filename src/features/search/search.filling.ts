/**
 * Brings the log into the index of words, a stretch of some chats at a time. Each step may be done twice, by several
 * processes at once, and be late: words are written first and the place after them, a place only grows within a build, and
 * words never go back to an earlier change of their message.
 */
import { mongo, Types } from 'mongoose';
import { storePatience, withDeadline } from '../../core/deadline.ts';
import { duplicateKey, unlessDuplicate } from '../../core/errors.ts';
import { nextTurn } from '../../core/event.loop.ts';
import type { Message, Place } from '../../core/message.ts';
import type { Id } from '../../core/schemas.ts';
import type { PlaceCollection, PlaceDocument } from './place.model.ts';
import { toUuid } from './search.ids.ts';
import { indexedWords, weightOf } from './search.words.ts';
import type { TermCollection, TermDocument } from './term.model.ts';

/** The log, as far as the index reads it. */
export interface ReadLog {
  between(stretches: readonly Stretch[]): Promise<Message[]>;
}

interface Stretch {
  chatId: Id;
  from: Place;
  to: Place;
}

export interface FillingParts {
  terms: TermCollection;
  places: PlaceCollection;
  log: ReadLog;
}

export interface Filling {
  /** Brings these chats nearer to where their logs are known to have come, as many as one step has room for. Gives how far those were before. */
  fill(ends: ReadonlyMap<Id, Place>): Promise<Map<Id, Place>>;
  /** How far each of these chats has come; those that are missing have yet to begin. */
  placesOf(chatIds: readonly Id[]): Promise<Map<Id, Place>>;
  /** Counts everything as not yet in the index. */
  beginAnew(): Promise<void>;
}

/** Messages in one step, new ones and changed ones, shared among its chats: as few as hold up nobody who sends meanwhile. If they are long an eighth, or one. */
const atOnce = 64;
/** Weight of the texts of one step: some three thousand words of a usual text, and a hundredth of a millisecond of the store for each. */
const longAtOnce = 16_000;
/** Texts after which others have their turn: the longest take half a millisecond each. */
const textsInARow = 8;

const buildId = 'build';
const beginning: Place = { seq: 0, rev: 0 };

/** How far a chat has come: those that are not among the places have yet to begin. */
export const placeOf = (chatId: Id, places: ReadonlyMap<Id, Place>): Place => places.get(chatId) ?? beginning;

export const isReached = (place: Place, end: Place): boolean => place.seq >= end.seq && place.rev >= end.rev;

export function createFilling({ terms, places, log }: FillingParts): Filling {
  const read = async (chatIds: readonly Id[]) => {
    const found = await withDeadline(places.find({ _id: { $in: [buildId, ...chatIds] } }).toArray(), storePatience);
    const build = found.find(({ _id }) => _id === buildId)?.build ?? 0;
    return { build, places: new Map<Id, Place>(found.filter((one) => one._id !== buildId && one.build === build).map(({ _id, seq, rev }) => [_id, { seq, rev }])) };
  };

  return {
    async fill(ends) {
      const known = await read([...ends.keys()]);
      const { stretches, messages } = await readStep(log, ends, known.places);
      await writeTerms(terms, await toTerms(messages));
      await advance(places, known, stretches);
      const lookedAt = new Set(stretches.map(({ chatId }) => chatId));
      const before = [...ends].map(([chatId, end]) => ({ chatId, end, place: placeOf(chatId, known.places) }));
      return new Map(before.filter(({ chatId, end, place }) => lookedAt.has(chatId) || isReached(place, end)).map(({ chatId, place }) => [chatId, place]));
    },
    placesOf: async (chatIds) => (await read(chatIds)).places,
    beginAnew: () => beginAnew(places),
  };
}

async function beginAnew(places: PlaceCollection): Promise<void> {
  await withDeadline(unlessDuplicate(places.updateOne({ _id: buildId }, { $inc: { build: 1 }, $setOnInsert: beginning }, { upsert: true })), storePatience);
}

/** Has an index there is built anew, for its words are folded in another way now. Until then those that are folded as before are found. */
export async function foldWordsAnew(places: PlaceCollection): Promise<void> {
  if (await places.findOne({})) await beginAnew(places);
}

async function readStep(log: ReadLog, ends: ReadonlyMap<Id, Place>, places: ReadonlyMap<Id, Place>, room = atOnce): Promise<{ stretches: Stretch[]; messages: Message[] }> {
  const stretches = toStretches(ends, places, room);
  const messages = await withDeadline(log.between(stretches), storePatience);
  const weight = messages.reduce((sum, { text = '' }) => sum + weightOf(text), 0);
  return weight <= longAtOnce || room === 1 ? { stretches, messages } : readStep(log, ends, places, room / 8);
}

/** So many messages, of each chat its share, the first chats first; numbers are dense, so they tell how many there are. */
function toStretches(ends: ReadonlyMap<Id, Place>, places: ReadonlyMap<Id, Place>, most: number): Stretch[] {
  const share = Math.ceil(most / ends.size);
  let left = most;
  const stretches: Stretch[] = [];
  for (const [chatId, end] of ends) {
    const from = placeOf(chatId, places);
    if (isReached(from, end) || left === 0) continue;
    const room = Math.min(left, share);
    const seq = Math.max(from.seq, Math.min(end.seq, from.seq + room));
    left -= seq - from.seq;
    // Where nothing was there to be changed, new messages come as their changes have left them. Elsewhere one change goes along, however many are new.
    const changes = Math.max(1, room - (seq - from.seq));
    const rev = Math.max(from.rev, from.seq === 0 ? end.rev : Math.min(end.rev, from.rev + changes));
    if (from.seq > 0) left = Math.max(0, left - (rev - from.rev));
    stretches.push({ chatId, from, to: { seq, rev } });
  }
  return stretches;
}

async function toTerms(messages: readonly Message[]): Promise<TermDocument[]> {
  const documents: TermDocument[] = [];
  for (const [index, message] of messages.entries()) {
    if (index % textsInARow === textsInARow - 1) await nextTurn();
    if (message.kind === 'text') documents.push(toTerm(message));
  }
  return documents;
}

const toTerm = ({ id, chatId, seq, rev = 0, senderId, createdAt, text }: Message): TermDocument => ({
  _id: toUuid(id),
  chatId: new Types.ObjectId(chatId),
  seq,
  rev,
  at: new Date(createdAt),
  words: text === undefined ? [] : [bySender(senderId), ...indexedWords(text)],
});

/** Stands among the words of a message for who has sent it; no word begins so. */
export const bySender = (senderId: Id): string => `@${senderId}`;

async function writeTerms(terms: TermCollection, documents: readonly TermDocument[]): Promise<void> {
  if (documents.length === 0) return;
  const known = await insertNew(terms, documents);
  if (known.length === 0) return;
  const updates = known.map(({ _id, rev, words }) => ({ updateOne: { filter: { _id, rev: { $lte: rev } }, update: { $set: { rev, words } } } }));
  await withDeadline(terms.bulkWrite(updates, { ordered: false }), storePatience);
}

/** Gives those that are there already. */
async function insertNew(terms: TermCollection, documents: readonly TermDocument[]): Promise<TermDocument[]> {
  try {
    await withDeadline(terms.insertMany([...documents], { ordered: false }), storePatience);
    return [];
  } catch (error) {
    if (!(error instanceof mongo.MongoBulkWriteError)) throw error;
    const refusals = [error.writeErrors].flat();
    if (refusals.some(({ code }) => code !== duplicateKey)) throw error;
    return refusals.flatMap(({ index }) => documents[index] ?? []);
  }
}

/** In a build that has ended meanwhile nothing is moved on: whoever fills the new one begins at its beginning. */
async function advance(places: PlaceCollection, { build, places: known }: { build: number; places: ReadonlyMap<Id, Place> }, stretches: readonly Stretch[]): Promise<void> {
  if (stretches.length === 0) return;
  const updates: mongo.AnyBulkWriteOperation<PlaceDocument>[] = stretches.map(({ chatId: _id, to }) =>
    known.has(_id)
      ? { updateOne: { filter: { _id, build }, update: { $max: to } } }
      : { updateOne: { filter: { _id, build: { $lt: build } }, update: { $set: { build, ...to } }, upsert: true } },
  );
  // Who finds a place where none was before was overtaken: the next look shows it.
  await withDeadline(unlessDuplicate(places.bulkWrite(updates, { ordered: false })), storePatience);
}
