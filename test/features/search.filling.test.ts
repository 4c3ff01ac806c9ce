/** Search: how the index follows the log, through failures, restarts and other processes. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { messageCollection, toUuid } from '../../src/features/messages/message.model.ts';
import { placeCollection } from '../../src/features/search/place.model.ts';
import { createFilling, type Filling } from '../../src/features/search/search.filling.ts';
import { buildTestApp } from '../helpers/app.ts';
import { indexedLog, whole } from '../helpers/indexed.log.ts';
import { untilFound, untilIndexed } from '../helpers/search.ts';
import { until } from '../helpers/until.ts';

test('a start finds what no note tells of, and goes on where the index stopped', async (t) => {
  const { worker, write, terms, filling, chatId, wordsOf } = await indexedLog(t);
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
  const { log, filling, terms, chatId, write, wordsOf, connection } = await indexedLog(t);
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
  const { filling, worker, write, terms } = await indexedLog(t);
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
  const { filling, terms, connection, log, chatId, write, wordsOf } = await indexedLog(t);
  const [id = ''] = await write('once');
  const places = placeCollection(connection);
  const dying = new Proxy(places, { get: (target, key) => (key === 'bulkWrite' ? () => Promise.reject(new Error('killed')) : (Reflect.get(target, key) as (...parameters: unknown[]) => unknown).bind(target)) });
  await assert.rejects(createFilling({ terms, places: dying, log }).fill(new Map([[chatId, { seq: 1, rev: 0 }]])), /killed/);
  assert.deepEqual([await wordsOf(id), (await filling.placesOf([chatId])).size], [['once'], 0]);
  await whole(filling, chatId, { seq: 1, rev: 0 });
  assert.deepEqual([await terms.countDocuments(), (await filling.placesOf([chatId])).get(chatId)], [1, { seq: 1, rev: 0 }]);
});

test('a step of an earlier build moves nothing on in the new one', async (t) => {
  const { filling, terms, connection, log, chatId, write } = await indexedLog(t);
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
