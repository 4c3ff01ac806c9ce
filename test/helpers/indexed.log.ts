/** A log in a store of its own, and its search index, with nothing else of a server. */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import type { TestContext } from 'node:test';
import { Types, type Connection } from 'mongoose';
import { createMessageHistory, type MessageHistory } from '../../src/features/messages/message.history.ts';
import { messageCollection, toUuid } from '../../src/features/messages/message.model.ts';
import { placeCollection } from '../../src/features/search/place.model.ts';
import { createFilling, type Filling } from '../../src/features/search/search.filling.ts';
import type { Surveyed } from '../../src/features/search/search.survey.ts';
import { createSearchWorker, type SearchWorker } from '../../src/features/search/search.worker.ts';
import { termCollection, type TermCollection } from '../../src/features/search/term.model.ts';
import { connect, freshDatabase } from './app.ts';
import { until } from './until.ts';

export interface IndexedLog {
  connection: Connection;
  log: MessageHistory;
  terms: TermCollection;
  filling: Filling;
  chatId: string;
  /** Puts messages with these texts into the log, where nobody notes them. */
  write: (...texts: string[]) => Promise<string[]>;
  /** The same in another chat. */
  writeTo: (chatId: string, ...texts: string[]) => Promise<string[]>;
  worker: (options?: { filling?: Filling; onError?: (error: unknown) => void; idsAfter?: Surveyed['idsAfter'] }) => SearchWorker;
  wordsOf: (id: string) => Promise<string[] | undefined>;
}

export async function indexedLog(t: TestContext): Promise<IndexedLog> {
  const connection = await connect(t, freshDatabase(t));
  const messages = messageCollection(connection);
  await connection.models['Message']?.createIndexes();
  const log = createMessageHistory(messages, { settled: () => Promise.resolve() });
  const terms = termCollection(connection);
  const filling = createFilling({ terms, places: placeCollection(connection), log });
  const chatId = idOf(1);
  const writeTo: IndexedLog['writeTo'] = async (id, ...texts) => {
    const first = (await log.heads([id])).get(id)?.place.seq ?? 0;
    const documents = texts.map((text, index) => ({ _id: toUuid(randomUUID()), chatId: new Types.ObjectId(id), seq: first + index + 1, senderId: new Types.ObjectId(), kind: 'text' as const, text, createdAt: new Date() }));
    await messages.insertMany(documents);
    return documents.map(({ _id }) => _id.toString('hex'));
  };
  return {
    connection,
    log,
    terms,
    filling,
    chatId,
    writeTo,
    write: (...texts) => writeTo(chatId, ...texts),
    worker(options = {}) {
      const surveyed = { idsAfter: options.idsAfter ?? (async (after) => (after === undefined ? [chatId] : [])), heads: (ids: readonly string[]) => log.heads(ids) };
      const worker = createSearchWorker({ filling: options.filling ?? filling, surveyed, onError: options.onError ?? ((error) => assert.fail(String(error))), pace: { gathering: 1, retry: 5, restFactor: 0, survey: 60_000 } });
      t.after(() => worker.stop());
      return worker;
    },
    wordsOf: async (id) => (await terms.findOne({ _id: toUuid(id) }))?.words.slice(1),
  };
}

export const idOf = (number: number): string => number.toString(16).padStart(24, '0');

/** Fills until the index has come as far as that. */
export const whole = (filling: Filling, chatId: string, end: { seq: number; rev: number }) =>
  until('the index has come to the end', async () => {
    await filling.fill(new Map([[chatId, end]]));
    const place = (await filling.placesOf([chatId])).get(chatId);
    return place && place.seq >= end.seq && place.rev >= end.rev;
  });
