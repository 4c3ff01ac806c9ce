/** People and messages straight into the store, as the server itself would have put them there: by requests it would take far too long. */
import { randomUUID } from 'node:crypto';
import { Types, type Connection } from 'mongoose';
import { chatModel } from '../../src/features/chats/chat.model.ts';
import { membershipModel } from '../../src/features/chats/membership.model.ts';
import { changeCollection } from '../../src/features/messages/change.model.ts';
import { messageCollection, toDocument, type MessageDocument } from '../../src/features/messages/message.model.ts';
import { placeCollection } from '../../src/features/search/place.model.ts';
import { openPrivacy, searchWordsOf, userModel } from '../../src/features/users/user.model.ts';

/** A chat that nobody has written to yet. */
export interface EmptyChat {
  chatId: string;
  /** Who writes, in turn. */
  senderIds: readonly string[];
  /** The notices that are there. */
  seq: number;
}

/** One message in so many was edited, once. */
export const editedEach = 100;

/** Messages that are stored at once. */
const batchSize = 5000;

/** People who never sign in. */
export async function addPeople(connection: Connection, count: number): Promise<string[]> {
  const people = Array.from({ length: count }, (_, index) => {
    const names = { username: `filler${index}`, firstName: `Filler ${index}` };
    return { _id: new Types.ObjectId(), ...names, language: 'en' as const, privacy: openPrivacy, words: searchWordsOf(names), createdAt: new Date() };
  });
  await userModel(connection).collection.insertMany(people);
  return people.map(({ _id }) => _id.toHexString());
}

/** Numbers go on where the notices end. Everybody has read everything, and nothing has changed since. */
export async function fill(connection: Connection, chat: EmptyChat, count: number): Promise<void> {
  const messages = messageCollection(connection);
  const end = chat.seq + count;
  // Not in the index of words, which would be filled behind whatever is measured.
  await placeCollection(connection).updateOne({ _id: chat.chatId }, { $max: { build: 0, seq: end, rev: Math.floor(end / editedEach) } }, { upsert: true });
  for (let first = chat.seq + 1; first <= end; first += batchSize) {
    const batch = Array.from({ length: Math.min(batchSize, end + 1 - first) }, (_, index) => toStored(chat, first + index));
    await messages.insertMany(batch, { ordered: false, writeConcern: { w: 1 } });
  }
  const chatId = new Types.ObjectId(chat.chatId);
  const [lastEdited] = await messages.find({ chatId, rev: { $gt: 0 } }).sort({ rev: -1 }).limit(1).toArray();
  if (lastEdited) await changeCollection(connection).insertOne({ _id: chatId, rev: lastEdited.rev ?? 0, messageId: lastEdited._id, update: { set: {} } });
  await membershipModel(connection).updateMany({ chatId }, { readSeq: end, changedAt: timeOf(end) });
  await chatModel(connection).updateOne({ _id: chatId }, { 'head.seq': end, 'head.at': timeOf(end) });
}

function toStored({ chatId, senderIds }: EmptyChat, seq: number): MessageDocument {
  const createdAt = timeOf(seq);
  const content = { kind: 'text', text: `Number ${seq}: see you at the station at seven, then; the train leaves from platform four.` } as const;
  const edited = seq % editedEach === 0 && { rev: seq / editedEach, editedAt: createdAt };
  return { ...toDocument({ id: randomUUID(), chatId, senderId: senderIds[seq % senderIds.length] ?? '', content }), seq, createdAt, ...edited };
}

/** One a second, all of them in the past. */
const timeOf = (seq: number): Date => new Date(began + seq * 1000);
const began = Date.UTC(2025, 0);
