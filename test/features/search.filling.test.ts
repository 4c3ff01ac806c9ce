/** Search: how the index follows the log, through failures, restarts and other processes. */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { test, type TestContext } from 'node:test';
import { Types, type Connection } from 'mongoose';
import { createFilling, type Filling } from '../../src/features/search/search.filling.ts';
import { createSearchQueue, fillNext, type SearchQueue } from '../../src/features/search/search.queue.ts';
import type { Surveyed } from '../../src/features/search/search.survey.ts';
import { createSearchWorker, type SearchWorker } from '../../src/features/search/search.worker.ts';
import { placeCollection } from '../../src/features/search/place.model.ts';
import { termCollection, type TermCollection } from '../../src/features/search/term.model.ts';
import { createMessageHistory, type MessageHistory } from '../../src/features/messages/message.history.ts';
import { messageCollection, toUuid } from '../../src/features/messages/message.model.ts';
import { buildTestApp, connect, freshDatabase } from '../helpers/app.ts';
import { untilFound, untilIndexed } from '../helpers/search.ts';
import { until } from '../helpers/until.ts';

interface Scene {
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

async function bareLog(t: TestContext): Promise<Scene> {
  const connection = await connect(t, freshDatabase(t));
  const messages = messageCollection(connection);
  await connection.models['Message']?.createIndexes();
  const log = createMessageHistory(messages, { settled: () => Promise.resolve() });
  const terms = termCollection(connection);
  const filling = createFilling({ terms, places: placeCollection(connection), log });
  const chatId = idOf(1);
  const writeTo: Scene['writeTo'] = async (id, ...texts) => {
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

const idOf = (number: number): string => number.toString(16).padStart(24, '0');

const whole = (filling: Filling, chatId: string, end: { seq: number; rev: number }) =>
  until('the index has come to the end', async () => {
    await filling.fill(new Map([[chatId, end]]));
    const place = (await filling.placesOf([chatId])).get(chatId);
    return place && place.seq >= end.seq && place.rev >= end.rev;
  });

test('a start finds what no note tells of, and goes on where the index stopped', async (t) => {
  const { worker, write, terms, filling, chatId, wordsOf } = await bareLog(t);
  const ids = await write(...Array.from({ length: 150 }, (_, index) => `word${index}`));
  const first = worker();
  first.start();
  await until('all are in the index', async () => (await terms.countDocuments()) === 150);
  await until('the place says so', async () => (await filling.placesOf([chatId])).get(chatId)?.seq === 150);
  await first.stop();
  await terms.updateOne({ _id: toUuid(ids[0] ?? '') }, { $set: { words: ['sender', 'untouched'] } });
  const [last = ''] = await write('latest');
  worker().start();
  await until('the latest is in the index', async () => (await wordsOf(last))?.[0] === 'latest');
  assert.deepEqual(await wordsOf(ids[0] ?? ''), ['untouched']);
});

test('an old text that is written late neither replaces a newer one nor brings back a removed one', async (t) => {
  let release = (): void => undefined;
  const released = new Promise<void>((resolve) => (release = resolve));
  const { log, filling, terms, chatId, write, wordsOf, connection } = await bareLog(t);
  const [edited = '', removed = ''] = await write('first', 'unwise');
  let hasRead = false;
  const slow = createFilling({
    terms,
    places: placeCollection(connection),
    log: {
      async between(stretches) {
        const messages = await log.between(stretches);
        hasRead = true;
        await released;
        return messages;
      },
    },
  });
  const late = slow.fill(new Map([[chatId, { seq: 2, rev: 0 }]]));
  await until('the old texts are read', () => hasRead);
  const messages = messageCollection(connection);
  await messages.updateOne({ _id: toUuid(edited) }, { $set: { text: 'second', rev: 1 } });
  await messages.updateOne({ _id: toUuid(removed) }, { $set: { removedAt: new Date(), rev: 2 }, $unset: { text: '' } });
  await whole(filling, chatId, { seq: 2, rev: 2 });
  release();
  await late;
  assert.deepEqual(await wordsOf(edited), ['second']);
  assert.deepEqual(await wordsOf(removed), []);
});

test('a worker whose writes fail says so, tries again, and leaves nothing out', async (t) => {
  const { filling, worker, write, terms } = await bareLog(t);
  const errors: unknown[] = [];
  let failures = 3;
  const failing: Filling = {
    ...filling,
    async fill(ends) {
      if (failures-- > 0) throw new Error('no store');
      return filling.fill(ends);
    },
  };
  await write('one', 'two');
  worker({ filling: failing, onError: (error) => errors.push(error) }).start();
  await until('both are in the index', async () => (await terms.countDocuments()) === 2);
  assert.equal(errors.length, 3);
});

test('a step that dies before it says how far it has come is done again', async (t) => {
  const { filling, terms, connection, log, chatId, write, wordsOf } = await bareLog(t);
  const [id = ''] = await write('once');
  const places = placeCollection(connection);
  const dying = new Proxy(places, { get: (target, key) => (key === 'bulkWrite' ? () => Promise.reject(new Error('killed')) : (Reflect.get(target, key) as (...parameters: unknown[]) => unknown).bind(target)) });
  await assert.rejects(createFilling({ terms, places: dying, log }).fill(new Map([[chatId, { seq: 1, rev: 0 }]])), /killed/);
  assert.deepEqual([await wordsOf(id), (await filling.placesOf([chatId])).size], [['once'], 0]);
  await whole(filling, chatId, { seq: 1, rev: 0 });
  assert.deepEqual([await terms.countDocuments(), (await filling.placesOf([chatId])).get(chatId)], [1, { seq: 1, rev: 0 }]);
});

test('a step of an earlier build moves nothing on in the new one', async (t) => {
  const { filling, terms, connection, log, chatId, write } = await bareLog(t);
  await write('one', 'two');
  await whole(filling, chatId, { seq: 2, rev: 0 });
  await write('three');
  let isAnew = false;
  const overtaken = createFilling({
    terms,
    places: placeCollection(connection),
    log: {
      async between(stretches) {
        if (!isAnew) {
          isAnew = true;
          await filling.beginAnew();
          await terms.deleteMany({});
          await filling.fill(new Map([[chatId, { seq: 1, rev: 0 }]]));
        }
        return log.between(stretches);
      },
    },
  });
  await overtaken.fill(new Map([[chatId, { seq: 3, rev: 0 }]]));
  assert.deepEqual([...(await filling.placesOf([chatId]))], [[chatId, { seq: 1, rev: 0 }]]);
  await whole(overtaken, chatId, { seq: 3, rev: 0 });
  assert.equal(await terms.countDocuments(), 3);
});

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
  const { filling, worker, write, writeTo, chatId } = await bareLog(t);
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
  const { filling, worker, write, chatId } = await bareLog(t);
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
  const { filling, writeTo } = await bareLog(t);
  const queue = createSearchQueue();
  await writeTo(idOf(2), ...Array.from({ length: 300 }, () => 'long'));
  queue.add(idOf(2), { seq: 300, rev: 0 });
  await writeTo(idOf(3), 'short');
  queue.add(idOf(3), { seq: 1, rev: 0 });
  for (let step = 0; step < 2; step++) await fillNext(filling, queue);
  assert.equal((await filling.placesOf([idOf(3)])).get(idOf(3))?.seq, 1);
});

test('of long texts one step takes fewer, and none is left out', async (t) => {
  const { filling, terms, chatId, write } = await bareLog(t);
  await write(...Array.from({ length: 20 }, () => 'word '.repeat(400)));
  await filling.fill(new Map([[chatId, { seq: 20, rev: 0 }]]));
  assert.equal((await filling.placesOf([chatId])).get(chatId)?.seq, 8);
  await whole(filling, chatId, { seq: 20, rev: 0 });
  assert.equal(await terms.countDocuments(), 20);
});

test('of the longest texts one step takes one', async (t) => {
  const { filling, chatId, write } = await bareLog(t);
  await write(...Array.from({ length: 10 }, () => '字'.repeat(8000)));
  await filling.fill(new Map([[chatId, { seq: 10, rev: 0 }]]));
  assert.equal((await filling.placesOf([chatId])).get(chatId)?.seq, 1);
});

/** How many steps it takes until the chat is in the index, and the most words one of them has written. */
async function stepsUntilFound({ filling, connection, terms, log }: Scene, queue: SearchQueue, chatId: string): Promise<{ steps: number; most: number }> {
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
    const scene = await bareLog(t);
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
  const { filling, writeTo } = await bareLog(t);
  const queue = createSearchQueue();
  await writeTo(idOf(2), ...Array.from({ length: 100 }, () => 'word'));
  queue.note(idOf(2), { seq: 99, rev: 0 });
  await fillNext(filling, queue);
  queue.note(idOf(2), { seq: 100, rev: 0 });
  await writeTo(idOf(3), 'word');
  queue.note(idOf(3), { seq: 1, rev: 0 });
  assert.deepEqual([...queue.next().keys()], [idOf(3)]);
});

test('two processes on one database bring the messages of both into the index, each once', async (t) => {
  const one = await buildTestApp(t);
  const other = await buildTestApp(t, { mongodbUri: one.mongodbUri });
  const [ann, bob] = await Promise.all([one.person('Ann'), one.person('Bob')]);
  const { id: chatId } = await ann.call('chats.open', { userId: bob.id });
  const texts = Array.from({ length: 40 }, (_, index) => `tea ${index}`);
  await Promise.all(texts.map((text, index) => (index % 2 ? one : other).dispatch.call('messages.send', ann.caller, { chatId, text })));
  await untilFound(bob, 'tea', texts);
});

test('the next process brings into the index what the one before it had stored and not yet indexed', async (t) => {
  const before = await buildTestApp(t);
  const [ann, bob] = await Promise.all([before.person('Ann'), before.person('Bob')]);
  const { id } = await ann.call('messages.send', { to: bob.id, text: 'in the index' });
  await untilIndexed(t, before.mongodbUri);
  const sending = ann.call('messages.send', { to: bob.id, text: 'sent last' });
  await ann.call('messages.edit', { id, text: 'edited last' });
  await sending;
  // Its worker has had no time to look at these.
  await before.close();
  const after = await buildTestApp(t, { mongodbUri: before.mongodbUri });
  const find = async (search: string): Promise<unknown> => after.dispatch.call('search.messages', bob.caller, { search });
  for (const search of ['sent last', 'edited last']) await until(`${search} is found`, async () => ((await find(search)) as { items: unknown[] }).items.length === 1);
  assert.deepEqual(await find('index'), { items: [], more: false });
});
