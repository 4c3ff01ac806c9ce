/** Somebody in 1,000 chats with 1,000,000 messages, somebody in 50 of these chats, and what they look for. */
import { connectMongo, prepareStore } from '../../src/plugins/mongo.ts';
import type { Server } from './parley.ts';
import { get, signUp, type Person } from './people.ts';
import type { Questions } from './reading.ts';
import { fillChats, join } from './search.chats.ts';
import { queriesOf, type Query } from './search.queries.ts';

/** The second of the two is in every so-many-th chat. */
const share = 20;

export async function prepareSearch({ origin, storeUri }: Server, onProgress: (what: string) => void): Promise<Questions> {
  const connection = await connectMongo(storeUri);
  const chatIds = await fillChats(connection, onProgress);
  onProgress('making the indexes');
  await prepareStore(storeUri, connection);
  const questions: Questions = {};
  for (const theirs of [chatIds, chatIds.filter((_, index) => index % share === 0)]) {
    const name = `search.${theirs.length}`;
    const asker = await signUp(origin, name);
    await join(connection, theirs, asker.id);
    const queries = await queriesOf(connection, theirs);
    await requireRight(origin, asker, queries);
    questions[name] = { asker, series: queries.map(({ params }) => [{ method: 'search.messages', params }]) };
  }
  await connection.close();
  return questions;
}

/** Asks each once. @throws Error if something is found that does not fit, or nothing of what is there: its time would say nothing */
async function requireRight(origin: string, asker: Person, queries: readonly Query[]): Promise<void> {
  for (const { params, isThere } of queries) {
    const { items } = (await get(`${origin}/search?${new URLSearchParams(params).toString()}`, asker)) as { items: Found[] };
    if (isThere && items.length === 0) throw new Error(`nothing was found by ${params.search}`);
    const wrong = items.find((found) => !fits(found, params));
    if (wrong) throw new Error(`${wrong.text ?? 'a message without text'} was found by ${params.search}`);
  }
}

interface Found {
  chatId: string;
  text?: string;
}

const fits = ({ chatId, text }: Found, wanted: Query['params']): boolean =>
  text !== undefined && chatId === (wanted.chatId ?? chatId) && wanted.search.split(' ').every((word) => ` ${plain(text)}`.includes(` ${plain(word)}`));

/** Accents make no difference. */
const plain = (text: string): string => text.normalize('NFD').replace(/\p{M}/gu, '');
