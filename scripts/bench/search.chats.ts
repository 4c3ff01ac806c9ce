/** Chats full of messages and their words, straight into the store: some chats are long, some are old, most are of the last week. */
import { randomUUID } from 'node:crypto';
import { Types, type Connection } from 'mongoose';
import { chatModel } from '../../src/features/chats/chat.model.ts';
import { atFirst, membershipModel } from '../../src/features/chats/membership.model.ts';
import { messageCollection, toUuid } from '../../src/features/messages/message.model.ts';
import { placeCollection } from '../../src/features/search/place.model.ts';
import { bySender } from '../../src/features/search/search.filling.ts';
import { indexedWords } from '../../src/features/search/search.words.ts';
import { termCollection } from '../../src/features/search/term.model.ts';
import { createRandom, createSpeech } from './search.words.ts';

const size = { chats: 1000, messages: 1_000_000 };
const year = 365 * 24 * 60 * 60 * 1000;
const batchSize = 2000;
const unflushed = { ordered: false, writeConcern: { w: 1 } };

interface Spoken {
  chat: number;
  seq: number;
  at: number;
}

/** The ids of the chats. Nobody is in them yet, and the indexes of their words are to be made. */
export async function fillChats(connection: Connection, onProgress: (what: string) => void): Promise<string[]> {
  const random = createRandom(1);
  const ids = Array.from({ length: size.chats }, () => new Types.ObjectId());
  await chatModel(connection).collection.insertMany(ids.map((_id, index) => ({ _id, kind: 'group' as const, title: `Chat ${index}`, createdAt: new Date(), head: { seq: 0, at: new Date() } })));
  const speak = createSpeech(random);
  const people = Array.from({ length: 300 }, () => new Types.ObjectId());
  const lengths = lengthsOf();
  // They come with their words: the server is not to index them behind whatever is measured.
  await placeCollection(connection).insertMany(ids.map((id, index) => ({ _id: id.toHexString(), build: 0, seq: lengths[index] ?? 0, rev: 0 })));
  const spoken = timesOf(lengths, random);
  const messages = messageCollection(connection);
  const terms = termCollection(connection);
  // They would be most of the work if each message went into them by itself.
  await terms.dropIndexes();
  for (let first = 0; first < spoken.length; first += batchSize) {
    const documents = spoken.slice(first, first + batchSize).map(({ chat, seq, at }) => ({
      _id: toUuid(randomUUID()),
      chatId: ids[chat] ?? new Types.ObjectId(),
      seq,
      senderId: people[(chat * 7 + seq) % people.length] ?? new Types.ObjectId(),
      kind: 'text' as const,
      text: speak(chat % 3 === 0 ? 'english' : 'russian'),
      createdAt: new Date(at),
    }));
    const words = documents.map(({ _id, chatId, seq, senderId, text, createdAt: at }) => ({ _id, chatId, seq, rev: 0, at, words: [bySender(senderId.toHexString()), ...indexedWords(text)] }));
    await messages.insertMany(documents, unflushed);
    await terms.insertMany(words, unflushed);
    if (first % 100_000 === 0) onProgress(`${first} messages are written`);
  }
  return ids.map((id) => id.toHexString());
}

export async function join(connection: Connection, chatIds: readonly string[], userId: string): Promise<void> {
  const member = { userId: new Types.ObjectId(userId), role: 'member' as const, ...atFirst, changedAt: new Date() };
  await membershipModel(connection).collection.insertMany(chatIds.map((chatId) => ({ _id: new Types.ObjectId(), chatId: new Types.ObjectId(chatId), ...member })));
}

/** How many messages each chat has. */
function lengthsOf(): number[] {
  const weights = Array.from({ length: size.chats }, (_, index) => (index + 5) ** -0.7);
  const sum = weights.reduce((one, other) => one + other);
  return weights.map((weight) => Math.ceil((weight / sum) * size.messages));
}

/** Which chat speaks when, in the order of time. */
function timesOf(lengths: readonly number[], random: () => number): Spoken[] {
  const now = Date.now();
  return lengths
    .flatMap((length, chat) => {
      const end = now - (random() < 0.6 ? (random() * year) / 52 : random() * year);
      const lasting = (0.1 + random()) * year;
      return Array.from({ length }, (_, index) => ({ chat, seq: index + 1, at: Math.floor(end - lasting * (1 - (index + 1) / length)) }));
    })
    .sort((one, other) => one.at - other.at);
}
