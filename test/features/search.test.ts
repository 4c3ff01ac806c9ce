/** Search: which messages the words find. */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { test, type TestContext } from 'node:test';
import { Types } from 'mongoose';
import { AppError } from '../../src/core/errors.ts';
import { createMessageHistory } from '../../src/features/messages/message.history.ts';
import { messageCollection } from '../../src/features/messages/message.model.ts';
import { toUuid } from '../../src/features/search/search.ids.ts';
import { createSearchService } from '../../src/features/search/search.service.ts';
import { byWords, termCollection } from '../../src/features/search/term.model.ts';
import { buildTestApp, connect, freshDatabase, type TestApp } from '../helpers/app.ts';
import type { Person } from '../helpers/people.ts';
import { profile } from '../helpers/profile.ts';
import { allPages, textsFor, untilFound, untilIndexed } from '../helpers/search.ts';
import { mentions } from '../helpers/store.ts';
import { until } from '../helpers/until.ts';

interface Scene extends TestApp {
  ann: Person;
  bob: Person;
  chatId: string;
  find: (search: string, filters?: object) => Promise<string[]>;
}

/** Ann has sent these texts to Bob, who can search for them. */
async function spoken(t: TestContext, texts: readonly string[]): Promise<Scene> {
  const server = await buildTestApp(t);
  const [ann, bob] = await Promise.all([server.person('Ann'), server.person('Bob')]);
  const { id: chatId } = await ann.call('chats.open', { userId: bob.id });
  for (const text of texts) await ann.call('messages.send', { chatId, text });
  await untilIndexed(t, server.mongodbUri);
  return { ...server, ann, bob, chatId, find: (search, filters) => textsFor(bob, search, filters) };
}

test('a word, or the beginning of one, finds a message, whatever its case and accents', async (t) => {
  const { find } = await spoken(t, ['Meet me at the Café', 'no such thing', 'ELODIE waits', 'snake_case']);
  for (const search of ['cafe', 'CAFÉ', 'caf', 'Cafe\u0301', 'c']) assert.deepEqual(await find(search), ['Meet me at the Café'], search);
  for (const search of ['élodie', 'elo']) assert.deepEqual(await find(search), ['ELODIE waits'], search);
  assert.deepEqual(await find('afe'), []);
  assert.deepEqual(await find('snake_'), ['snake_case']);
});

test('letters that have no accent to take off are found by how they are written without them, and they find those', async (t) => {
  const { find } = await spoken(t, ['Lange Straße', 'do Łodzi, Łódź', 'på Køge, ære', 'đường phố', 'ISPARTA', 'ο ΔΡΟΜΟΣ', 'þórður', 'cœur']);
  for (const search of ['strasse', 'STRASSE', 'straße', 'STRAẞE', 'strass']) assert.deepEqual(await find(search), ['Lange Straße'], search);
  for (const search of ['lodz', 'Łódź']) assert.deepEqual(await find(search), ['do Łodzi, Łódź'], search);
  for (const search of ['koge', 'KØGE', 'aere']) assert.deepEqual(await find(search), ['på Køge, ære'], search);
  for (const search of ['duong', 'ĐƯỜNG']) assert.deepEqual(await find(search), ['đường phố'], search);
  for (const search of ['ısparta', 'isparta']) assert.deepEqual(await find(search), ['ISPARTA'], search);
  for (const search of ['δρόμος', 'δρομοσ', 'δρομ']) assert.deepEqual(await find(search), ['ο ΔΡΟΜΟΣ'], search);
  for (const search of ['thordur', 'Þórður']) assert.deepEqual(await find(search), ['þórður'], search);
  for (const search of ['coeur', 'CŒUR']) assert.deepEqual(await find(search), ['cœur'], search);
});

test('of several words all have to fit, in any order', async (t) => {
  const { find } = await spoken(t, ['tea and cake', 'tea alone', 'cake alone']);
  assert.deepEqual(await find('cake tea'), ['tea and cake']);
  assert.deepEqual(await find('te al'), ['tea alone']);
  assert.deepEqual(await find('tea cake alone'), []);
});

test('Russian words are found by what they begin with, in any of their forms', async (t) => {
  const { find } = await spoken(t, ['Вчера встретили ёжика', 'Завтра встреча в кафе', 'Всё хорошо']);
  assert.deepEqual(await find('встре'), ['Завтра встреча в кафе', 'Вчера встретили ёжика']);
  assert.deepEqual(await find('ВСТРЕЧ'), ['Завтра встреча в кафе']);
  assert.deepEqual(await find('ежик'), ['Вчера встретили ёжика']);
  assert.deepEqual(await find('все хор'), ['Всё хорошо']);
});

test('of scripts without spaces any part is found, and only where it stands in one piece', async (t) => {
  const { find } = await spoken(t, ['我爱北京天安门', '京北', '東京タワーに行きました', '안녕하세요 여러분', 'สวัสดีครับ', 'iPhone手机好用', '海南 南海']);
  for (const search of ['北京', '京天安', '门', '我', '爱北']) assert.deepEqual(await find(search), ['我爱北京天安门'], search);
  assert.deepEqual(await find('京北'), ['京北']);
  assert.deepEqual(await find('北京 京北'), []);
  assert.deepEqual(await find('京'), ['東京タワーに行きました', '京北', '我爱北京天安门']);
  for (const search of ['タワー', 'タ', '行き', 'ﾀﾜｰ']) assert.deepEqual(await find(search), ['東京タワーに行きました'], search);
  for (const search of ['녕하', '요', '여러분 안녕']) assert.deepEqual(await find(search), ['안녕하세요 여러분'], search);
  assert.deepEqual(await find('ดีครับ'), ['สวัสดีครับ']);
  for (const search of ['手机', 'iph 手机', '机好']) assert.deepEqual(await find(search), ['iPhone手机好用'], search);
  assert.deepEqual(await find('好机'), []);
  assert.deepEqual(await find('海南海'), []);
  assert.deepEqual(await find('南海 海南'), ['海南 南海']);
});

test('signs, emoji and marks alone find nothing, and signs make no pattern of a word', async (t) => {
  const { find } = await spoken(t, ['a.*b $(rm) [^x] 👍', '👍👍👍', 'plain']);
  for (const search of ['.*', '👍', '\u0301', '$', '%', '[^]', '!!!', '@']) assert.deepEqual(await find(search), [], search);
  assert.deepEqual(await find('^plain$'), ['plain']);
  assert.deepEqual(await find('pl.in'), []);
  assert.deepEqual(await find('(rm)'), ['a.*b $(rm) [^x] 👍']);
});

test('the longest texts are found whole, and words without end by how they begin', async (t) => {
  const words = Array.from({ length: 3000 }, (_, index) => index.toString(36)).join(' ').slice(0, 7990);
  const endless = 'ж'.repeat(8000);
  // Each of them once, so that each pair is another.
  const characters = String.fromCodePoint(...Array.from({ length: 8000 }, (_, index) => 0x4e00 + index));
  const { find } = await spoken(t, [`${words} finally`, endless, characters]);
  for (const search of ['finally', `${words.split(' ').at(-2) ?? ''} 10`]) assert.deepEqual(await find(search), [`${words} finally`], search);
  for (const length of [200, 40]) assert.deepEqual(await find('ж'.repeat(length)), [endless]);
  for (const place of [0, 2500, 4000, 7998]) assert.deepEqual(await find(characters.slice(place, place + 2)), [characters], String(place));
});

test('chat, sender, before and after narrow what is found', async (t) => {
  const { ann, bob, chatId, find, person, mongodbUri } = await spoken(t, ['tea one']);
  const cem = await person('Cem');
  // By the clock they have to be apart.
  const later = (than: { createdAt: string }) => until('a later time', () => Date.now() > Date.parse(than.createdAt));
  const two = await bob.call('messages.send', { chatId, text: 'tea two' });
  await later(two);
  const three = await cem.call('messages.send', { to: bob.id, text: 'tea three' });
  await untilIndexed(t, mongodbUri);
  assert.deepEqual(await find('tea'), ['tea three', 'tea two', 'tea one']);
  assert.deepEqual(await find('tea', { chatId }), ['tea two', 'tea one']);
  assert.deepEqual(await find('tea', { senderId: bob.id }), ['tea two']);
  assert.deepEqual(await find('tea', { senderId: ann.id, chatId: three.chatId }), []);
  assert.deepEqual(await find('tea', { before: three.createdAt, senderId: bob.id }), ['tea two']);
  assert.deepEqual(await find('tea', { before: two.createdAt }), ['tea one']);
  assert.deepEqual(await find('tea', { after: two.createdAt }), ['tea three']);
  assert.deepEqual(await find('tea', { after: two.createdAt, before: two.createdAt }), []);
});

test('an edited message is found by its new words alone, a removed one not at all, and of its words nothing stays', async (t) => {
  const { ann, bob, find, mongodbUri } = await spoken(t, ['first draft']);
  const id = (await bob.call('search.messages', { search: 'draft' })).items[0]?.id ?? '';
  await ann.call('messages.edit', { id, text: 'final version' });
  assert.deepEqual(await find('draft'), []);
  await untilFound(bob, 'final', ['final version']);
  await ann.call('messages.remove', { id });
  assert.deepEqual(await find('final'), []);
  await untilIndexed(t, mongodbUri);
  assert.equal(await mentions(await connect(t, mongodbUri), 'final', 'draft'), false);
});

test('paging shows each message once, and loses none, while new ones arrive', async (t) => {
  const { ann, chatId, bob, mongodbUri } = await spoken(t, Array.from({ length: 25 }, (_, index) => `tea ${index}`));
  const before = await textsFor(bob, 'tea');
  const paged = await allPages(bob, 'tea', 4, async (page) => {
    await ann.call('messages.send', { chatId, text: `tea later ${page}` });
    await untilIndexed(t, mongodbUri);
  });
  assert.deepEqual(paged.map(({ text }) => text), before);
  assert.equal(before.length, 25);
});

test('marks that make another letter count, as the voicing of kana and the vowels of Devanagari and Thai do', async (t) => {
  const { find } = await spoken(t, ['ガラス', 'グラフ', 'パパ', 'हिन्दी', 'दिन', 'น้ำ']);
  for (const [search, found] of [['ガラス', 'ガラス'], ['ラス', 'ガラス'], ['グラ', 'グラフ'], ['हिन्', 'हिन्दी'], ['दिन', 'दिन'], ['น้ำ', 'น้ำ']] as const) assert.deepEqual(await find(search), [found], search);
  for (const search of ['カラス', 'クラフ', 'ハハ', 'हन', 'दान', 'นำ']) assert.deepEqual(await find(search), [], search);
});

test('points of Hebrew and vowels of Arabic make no difference, and what breaks or joins a line unseen ends no word', async (t) => {
  const { find } = await spoken(t, ['שָׁלוֹם', 'سَلَام', 'Donau\u00ADdampf', 'می\u200Cخواهم', '한국어']);
  for (const [search, found] of [['שלום', 'שָׁלוֹם'], ['سلام', 'سَلَام'], ['donaudampf', 'Donau\u00ADdampf'], ['میخواهم', 'می\u200Cخواهم'], ['국어', '한국어']] as const) assert.deepEqual(await find(search), [found], search);
});

test('a page of one reads as many texts at once as any other', async (t) => {
  const uri = freshDatabase(t);
  const server = await buildTestApp(t, { mongodbUri: `${uri}?appName=searching` });
  const ann = await server.person('Ann');
  // The index knows pairs of characters: only the text says whether they stand in one piece.
  for (let number = 0; number < 150; number++) await ann.call('messages.send', { to: ann.id, text: '海南 南海' });
  await untilIndexed(t, uri);
  const stopNoting = await profile(await connect(t, uri), 'searching');
  assert.deepEqual(await ann.call('search.messages', { search: '海南海', limit: 1 }), { items: [], more: false });
  assert.equal((await stopNoting()).filter(({ collection }) => collection === 'messages').length, 2);
});

test('where texts are long an answer compares few of them, and others have their turn in between', async (t) => {
  const server = await buildTestApp(t);
  const ann = await server.person('Ann');
  for (let number = 0; number < 30; number++) await ann.call('messages.send', { to: ann.id, text: `海南 南海 ${'é'.repeat(7900)}` });
  await untilIndexed(t, server.mongodbUri);
  const { items, more } = await ann.call('search.messages', { search: '海南海', limit: 20 });
  assert.deepEqual([items, more], [[], true]);
  assert.deepEqual(await allPages(ann, '海南海', 20), []);

  const connection = await connect(t, server.mongodbUri);
  const history = createMessageHistory(messageCollection(connection), { settled: () => Promise.resolve() });
  let [turns, turnsOfOthers] = [-1, 0];
  const search = createSearchService({
    terms: termCollection(connection),
    chats: {
      ...server.services.chats,
      async viewsOf(userId, chatIds) {
        turnsOfOthers = turns;
        return server.services.chats.viewsOf(userId, chatIds);
      },
    },
    async findMessages(ids, viewer) {
      const found = await history.findAll(ids, viewer);
      const count = (): void => {
        turns += 1;
        if (turns < 1000) setImmediate(count);
      };
      count();
      return found;
    },
  });
  assert.equal((await search.messages(ann.caller, { search: '海南', limit: 20 })).items.length, 20);
  assert.ok(turnsOfOthers >= 20, `others had ${turnsOfOthers} turns`);
});

test('a cursor that no answer had is refused', async (t) => {
  const { bob } = await spoken(t, []);
  for (const cursor of ['abc', Buffer.from('999999999999999.zz').toString('base64url'), Buffer.from(`${'9'.repeat(15)}9.${'0'.repeat(32)}`).toString('base64url')]) {
    await assert.rejects(bob.call('search.messages', { search: 'tea', cursor }), (error) => error instanceof AppError && error.code === 'VALIDATION_FAILED', cursor);
  }
});

test('where the words of others lie in the way, and looking by a word takes long, everything is found all the same', async (t) => {
  const server = await buildTestApp(t);
  const [ann, eve] = await Promise.all([server.person('Ann'), server.person('Eve')]);
  const texts = Array.from({ length: 120 }, (_, number) => `knight ${number % 2 === 0 ? 'takes' : 'gives'} ${number}`);
  for (const text of texts) await ann.call('messages.send', { to: ann.id, text });
  const { chatId } = await eve.call('messages.send', { to: eve.id, text: 'knight' });
  await untilIndexed(t, server.mongodbUri);
  const connection = await connect(t, server.mongodbUri);
  const terms = termCollection(connection);
  const ofEve = (message: number) => ({ _id: toUuid(randomUUID()), chatId: new Types.ObjectId(chatId), seq: 2 + message, rev: 0, at: new Date(), words: Array.from({ length: 1000 }, (_word, word) => `knight${message}x${word}`) });
  await terms.insertMany(Array.from({ length: 100 }, (_, message) => ofEve(message)));

  let looksByWord = 0;
  // In the time that a hundred thousand words need, the store does not get through them.
  const hurried = Object.create(terms, {
    aggregate: {
      value(pipeline: object[], options: { hint: object; maxTimeMS: number }) {
        const isByWord = options.hint === byWords;
        if (isByWord) looksByWord += 1;
        return terms.aggregate(pipeline, isByWord ? { ...options, maxTimeMS: 1 } : options);
      },
    },
  }) as typeof terms;
  const history = createMessageHistory(messageCollection(connection), { settled: () => Promise.resolve() });
  const search = createSearchService({ terms: hurried, chats: server.services.chats, findMessages: (ids, viewer) => history.findAll(ids, viewer) });
  const found = await search.messages(ann.caller, { search: 'knight takes', limit: 100 });
  assert.deepEqual(found.items.map(({ text }) => text), texts.filter((text) => text.includes('takes')).reverse());
  assert.equal(looksByWord, 1);
});
