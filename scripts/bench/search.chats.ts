/** Chats full of messages, straight into the store: some chats are long, some are old, most are of the last week. */
import { randomUUID } from 'node:crypto';
import { Types, type Connection } from 'mongoose';
import { chatModel } from '../../src/features/chats/chat.model.ts';
import { atFirst, membershipModel } from '../../src/features/chats/membership.model.ts';
import { messageCollection, toUuid } from '../../src/features/messages/message.model.ts';
import { createRandom, createSpeech } from './search.words.ts';

export interface Filling {
  chats: number;
  messages: number;
  /** Who is in every chat, and who in every so-many-th. */
  everybody: string;
  somebody: string;
  share: number;
  report: (what: string) => void;
}

const year = 365 * 24 * 60 * 60 * 1000;
const batchSize = 2000;

interface Spoken {
  chat: number;
  seq: number;
  at: number;
}

export async function fillChats(connection: Connection, { chats, messages, everybody, somebody, share, report }: Filling): Promise<void> {
  const random = createRandom(1);
  const ids = Array.from({ length: chats }, () => new Types.ObjectId());
  await chatModel(connection).collection.insertMany(ids.map((_id, index) => ({ _id, kind: 'group' as const, title: `Chat ${index}`, createdAt: new Date(), head: { seq: 0, at: new Date() } })));
  const members = ids.flatMap((chatId, index) => [everybody, ...(index % share === 0 ? [somebody] : [])].map((userId) => ({ _id: new Types.ObjectId(), chatId, userId: new Types.ObjectId(userId), role: 'member' as const, ...atFirst, changedAt: new Date() })));
  await membershipModel(connection).collection.insertMany(members);

  const speak = createSpeech(random);
  const people = Array.from({ length: 300 }, () => new Types.ObjectId());
  const spoken = timesOf(chats, messages, random);
  const collection = messageCollection(connection);
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
    await collection.insertMany(documents, { ordered: false, writeConcern: { w: 1 } });
    if (first % 100_000 === 0) report(`${first} messages are written`);
  }
}

/** Which chat speaks when, in the order of time. */
function timesOf(chats: number, messages: number, random: () => number): Spoken[] {
  const weights = Array.from({ length: chats }, (_, index) => (index + 5) ** -0.7);
  const sum = weights.reduce((one, other) => one + other);
  const now = Date.now();
  return weights
    .flatMap((weight, chat) => {
      const length = Math.ceil((weight / sum) * messages);
      const end = now - (random() < 0.6 ? (random() * year) / 52 : random() * year);
      const lasting = (0.1 + random()) * year;
      return Array.from({ length }, (_, index) => ({ chat, seq: index + 1, at: Math.floor(end - lasting * (1 - (index + 1) / length)) }));
    })
    .sort((one, other) => one.at - other.at);
}
