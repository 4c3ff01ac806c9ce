/** People who search, once the index has come as far as the log. */
import type { TestContext } from 'node:test';
import { connect } from './app.ts';
import type { Output, Person } from './people.ts';
import { until } from './until.ts';

/** The texts found, the newest first. */
export const textsFor = async (person: Person, search: string, filters: object = {}): Promise<string[]> =>
  (await person.call('search.messages', { search, limit: 100, ...filters })).items.map(({ text }) => text ?? '');

/** Waits until this search gives these texts, in whatever order. */
export async function untilFound(person: Person, search: string, texts: readonly string[], filters: object = {}): Promise<void> {
  const wanted = JSON.stringify([...texts].sort());
  await until(`${search} finds ${wanted}`, async () => JSON.stringify((await textsFor(person, search, filters)).sort()) === wanted);
}

/** Waits until the index knows everything that people have said and changed, and says so of each chat. */
export async function untilIndexed(t: TestContext, mongodbUri: string): Promise<void> {
  const connection = await connect(t, mongodbUri);
  const places = connection.collection<{ _id: string; seq: number; rev: number }>('searchPlaces');
  await until('everything is in the index', async () => {
    const texts = await connection.collection('messages').find({ kind: 'text' }).project<{ chatId: unknown; seq: number; rev?: number }>({ chatId: 1, seq: 1, rev: 1 }).toArray();
    const known = new Map((await places.find().toArray()).map((place) => [place._id, place]));
    return texts.every(({ chatId, seq, rev = 0 }) => {
      const place = known.get(String(chatId));
      return place !== undefined && place.seq >= seq && place.rev >= rev;
    });
  });
  await connection.close();
}

/** Every page of a search, one after the other. */
export async function allPages(person: Person, search: string, limit: number, between: (page: number) => Promise<unknown> = async () => undefined): Promise<Output<'search.messages'>['items']> {
  const items: Output<'search.messages'>['items'] = [];
  let cursor: string | undefined;
  for (let page = 0; ; page++) {
    const answer: Output<'search.messages'> = await person.call('search.messages', { search, limit, ...(cursor !== undefined && { cursor }) });
    items.push(...answer.items);
    if (!answer.more) return items;
    ({ cursor } = answer);
    await between(page);
  }
}
