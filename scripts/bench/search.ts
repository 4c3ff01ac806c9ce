/**
 * `npm run bench -- search`: how long a search takes for somebody in 1,000 chats with 1,000,000 messages, and for somebody
 * in 50 of these chats.
 *
 * The messages are written straight into the store, in words drawn by Zipf's law from Russian and English vocabularies made
 * up of syllables, over three years. Then the index is built by the code that `npm run admin -- reindex` runs, and each kind
 * of query is asked through the service, one at a time. Takes about six minutes, most of it filling; with SEARCH_BENCH_DATA naming a
 * folder the data stays there, and is used again. Figures are printed, never asserted.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import type { Connection } from 'mongoose';
import { readConfig } from '../../src/config.ts';
import { prepareDataDir } from '../../src/plugins/data.dir.ts';
import { connectMongo, prepareStore } from '../../src/plugins/mongo.ts';
import { borrowMongod } from '../../src/plugins/mongod/borrow.ts';
import { reindexMessages } from '../../src/services.ts';
import { fillChats } from './search.chats.ts';
import { searchersIn, type Searcher } from './search.people.ts';
import { queriesOf } from './search.queries.ts';
import { percentiles } from './statistics.ts';

const size = { chats: 1000, messages: 1_000_000 };
const rounds = 3;

export async function benchSearch(report: (what: string) => void): Promise<void> {
  const kept = process.env['SEARCH_BENCH_DATA'];
  const folder = kept === undefined ? await mkdtemp(join(tmpdir(), 'parley-bench-')) : resolve(kept);
  await prepareDataDir(folder);
  const store = await borrowMongod({ ...readConfig({ ...process.env, DATA_DIR: folder }).mongod, dataDir: folder, report });
  try {
    const connection = await connectMongo(store.uri);
    await measure(connection, store.uri, report).finally(() => connection.close());
  } finally {
    await store.giveBack();
    if (kept === undefined) await rm(folder, { recursive: true, force: true });
  }
}

async function measure(connection: Connection, uri: string, report: (what: string) => void): Promise<void> {
  const searchers = await searchersIn(connection);
  if ((await connection.collection('messages').estimatedDocumentCount()) < size.messages) {
    await prepareStore(uri, connection);
    await fillChats(connection, { ...size, everybody: searchers.all.id, somebody: searchers.few.id, share: 20, report });
  }
  if ((await connection.collection('searchTerms').estimatedDocumentCount()) < size.messages) {
    const began = performance.now();
    await reindexMessages(connection, { prepare: () => prepareStore(uri, connection), onProgress: (chats) => report(`indexed ${chats} chats`) });
    report(`the index took ${Math.round((performance.now() - began) / 1000)} s`);
  }
  for (const name of ['searchTerms', 'messages']) {
    const stats = await connection.db?.command({ collStats: name });
    report(`${name}: ${megabytes(stats?.['storageSize'])} MB of documents, ${megabytes(stats?.['totalIndexSize'])} MB of indexes`);
  }
  console.log(JSON.stringify({ 'in 1,000 chats': await ask(connection, searchers.all), 'in 50 chats': await ask(connection, searchers.few) }, null, 1));
}

const megabytes = (bytes: unknown): number => Math.round(Number(bytes) / 2 ** 20);

/** Milliseconds of each kind of query, and of all together. */
async function ask(connection: Connection, { search, chatIds }: Searcher): Promise<Record<string, string>> {
  const queries = await queriesOf(connection, await chatIds());
  const times = new Map<string, number[]>();
  for (let round = 0; round <= rounds; round++) {
    for (const { kind, input } of queries) {
      const began = performance.now();
      const { items } = await search(input);
      // The first round warms what a server that runs has warm.
      if (round > 0) times.set(kind, [...(times.get(kind) ?? []), performance.now() - began]);
      if (round === 0 && items.some(({ text }) => text === undefined)) throw new Error('a message without text was found');
    }
  }
  const figures = (values: readonly number[]): string => {
    const [p50, p95, most] = percentiles(values, [50, 95, 100]).map((value) => value.toFixed(1));
    return `p50 ${p50 ?? ''} ms, p95 ${p95 ?? ''} ms, at most ${most ?? ''} ms, of ${values.length}`;
  };
  return Object.fromEntries([...times, ['all', [...times.values()].flat()] as const].map(([kind, values]) => [kind, figures(values)]));
}
