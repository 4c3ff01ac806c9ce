/** Search: nobody keeps the new words of others out of the index, however much they write. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { placeCollection } from '../../src/features/search/place.model.ts';
import { createFilling, type Filling } from '../../src/features/search/search.filling.ts';
import { createSearchQueue, fillNext, type SearchQueue } from '../../src/features/search/search.queue.ts';
import { idOf, indexedLog, whole, type IndexedLog } from '../helpers/indexed.log.ts';
import { until } from '../helpers/until.ts';

test('what is noted while too many chats wait is not lost: every chat is looked at', async () => {
  const queue = createSearchQueue();
  for (let number = 0; number < 10_000; number++) queue.note(idOf(number), { seq: 1, rev: 0 });
  assert.equal(queue.takeOverflow(), false);
  queue.note(idOf(1), { seq: 2, rev: 0 });
  assert.equal(queue.takeOverflow(), false);
  queue.note(idOf(10_000), { seq: 1, rev: 0 });
  assert.deepEqual([queue.takeOverflow(), queue.takeOverflow()], [true, false]);
});

test('what is behind comes into the index while people write without a pause', async (t) => {
  const { filling, worker, write, writeTo, chatId } = await indexedLog(t);
  await write(...Array.from({ length: 200 }, (_, index) => `behind${index}`));
  let seq = 0;
  // However fast the worker is, one more has been sent.
  const noting: Filling = {
    ...filling,
    async fill(ends) {
      await writeTo(idOf(2), 'new');
      busy.note({ chatId: idOf(2), seq: ++seq });
      return filling.fill(ends);
    },
  };
  const busy = worker({ filling: noting });
  busy.note({ chatId: idOf(2), seq });
  busy.start();
  await until('what was behind is in the index', async () => (await filling.placesOf([chatId])).get(chatId)?.seq === 200);
  await busy.stop();
});

test('the look at every chat comes to its end while there is more noted than there is room for', async (t) => {
  const { filling, worker, write, chatId } = await indexedLog(t);
  await write('last of all');
  const firstPage = Array.from({ length: 200 }, (_, index) => idOf(10 + index));
  const noteMuch = (): void => {
    for (let number = 0; number < 10_100; number++) busy.note({ chatId: idOf(1000 + number), seq: 1 });
  };
  const noting: Filling = {
    ...filling,
    fill(ends) {
      noteMuch();
      return filling.fill(ends);
    },
  };
  const busy = worker({ filling: noting, idsAfter: async (after) => (after === undefined ? firstPage : [chatId]) });
  noteMuch();
  busy.start();
  await until('the last chat is in the index', async () => (await filling.placesOf([chatId])).get(chatId)?.seq === 1);
  await busy.stop();
});

test('a long chat that is behind does not keep the short ones waiting', async (t) => {
  const { filling, writeTo } = await indexedLog(t);
  const queue = createSearchQueue();
  await writeTo(idOf(2), ...Array.from({ length: 300 }, () => 'long'));
  queue.add(idOf(2), { seq: 300, rev: 0 });
  await writeTo(idOf(3), 'short');
  queue.add(idOf(3), { seq: 1, rev: 0 });
  for (let step = 0; step < 2; step++) await fillNext(filling, queue);
  assert.equal((await filling.placesOf([idOf(3)])).get(idOf(3))?.seq, 1);
});

test('of long texts one step takes fewer, and none is left out', async (t) => {
  const { filling, terms, chatId, write } = await indexedLog(t);
  await write(...Array.from({ length: 20 }, () => 'word '.repeat(400)));
  await filling.fill(new Map([[chatId, { seq: 20, rev: 0 }]]));
  assert.equal((await filling.placesOf([chatId])).get(chatId)?.seq, 8);
  await whole(filling, chatId, { seq: 20, rev: 0 });
  assert.equal(await terms.countDocuments(), 20);
});

test('of the longest texts one step takes one', async (t) => {
  const { filling, chatId, write } = await indexedLog(t);
  await write(...Array.from({ length: 10 }, () => '字'.repeat(8000)));
  await filling.fill(new Map([[chatId, { seq: 10, rev: 0 }]]));
  assert.equal((await filling.placesOf([chatId])).get(chatId)?.seq, 1);
});

/** How many steps it takes until the chat is in the index, and the most words one of them has written. */
async function stepsUntilFound({ filling, connection, terms, log }: IndexedLog, queue: SearchQueue, chatId: string): Promise<{ steps: number; most: number }> {
  let most = 0;
  const counting = createFilling({
    terms: new Proxy(terms, {
      get(target, key) {
        if (key !== 'insertMany') return (Reflect.get(target, key) as (...parameters: unknown[]) => unknown).bind(target);
        return (documents: { words: string[] }[], options: object) => {
          most = Math.max(most, documents.reduce((sum, { words }) => sum + words.length, 0));
          return target.insertMany(documents as never, options);
        };
      },
    }),
    places: placeCollection(connection),
    log,
  });
  for (let steps = 1; steps < 100; steps++) {
    await fillNext(counting, queue);
    if ((await filling.placesOf([chatId])).has(chatId)) return { steps, most };
  }
  return assert.fail('not in the index after 100 steps');
}

for (const [what, length] of [
  ['long', 8000],
  ['fairly long', 1900],
  ['not so long', 500],
] as const) {
  test(`whoever fills thirty chats with ${what} texts does not keep the words of another one waiting`, async (t) => {
    const scene = await indexedLog(t);
    const queue = createSearchQueue();
    const text = Array.from({ length }, (_, index) => String.fromCodePoint(0x4e00 + index)).join('');
    for (let number = 10; number < 40; number++) {
      await scene.writeTo(idOf(number), ...Array.from({ length: 10 }, () => text));
      for (let seq = 1; seq <= 10; seq++) queue.note(idOf(number), { seq, rev: 0 }, text);
    }
    await scene.writeTo(idOf(2), 'short');
    queue.note(idOf(2), { seq: 1, rev: 0 }, 'short');
    const { steps, most } = await stepsUntilFound(scene, queue, idOf(2));
    assert.ok(steps <= 5, `${steps} steps`);
    assert.ok(most <= Math.max(length + 1, 4000), `${most} words in one step`);
  });
}

test('a chat that is far behind has its share of turns, and its next messages wait with the others', async (t) => {
  const { filling, writeTo } = await indexedLog(t);
  const queue = createSearchQueue();
  await writeTo(idOf(2), ...Array.from({ length: 100 }, () => 'word'));
  queue.note(idOf(2), { seq: 99, rev: 0 });
  await fillNext(filling, queue);
  queue.note(idOf(2), { seq: 100, rev: 0 });
  await writeTo(idOf(3), 'word');
  queue.note(idOf(3), { seq: 1, rev: 0 });
  assert.deepEqual([...queue.next().keys()], [idOf(3)]);
});
