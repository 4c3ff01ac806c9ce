/** Search: whose messages are found by whom. */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { test } from 'node:test';
import { Types } from 'mongoose';
import { AppError } from '../../src/core/errors.ts';
import { createMessageHistory } from '../../src/features/messages/message.history.ts';
import { messageCollection } from '../../src/features/messages/message.model.ts';
import { toUuid } from '../../src/features/search/search.ids.ts';
import { createSearchService } from '../../src/features/search/search.service.ts';
import { termCollection } from '../../src/features/search/term.model.ts';
import { buildTestApp, connect } from '../helpers/app.ts';
import { textsFor, untilFound, untilIndexed } from '../helpers/search.ts';

const isNotFound = (error: unknown): boolean => error instanceof AppError && error.code === 'CHAT_NOT_FOUND';

test('nobody finds a word of a chat that they are not in, and naming it tells not even that it exists', async (t) => {
  const { person } = await buildTestApp(t);
  const [ann, bob, eve] = await Promise.all([person('Ann'), person('Bob'), person('Eve')]);
  const { chatId } = await ann.call('messages.send', { to: bob.id, text: 'a secret' });
  await untilFound(bob, 'secret', ['a secret']);
  assert.deepEqual(await textsFor(eve, 'secret'), []);
  assert.deepEqual(await textsFor(eve, 'secret', { senderId: ann.id }), []);
  for (const id of [chatId, 'f'.repeat(24)]) await assert.rejects(eve.call('search.messages', { search: 'secret', chatId: id }), isNotFound);
});

test('who has left a group, was expelled, banned, or outlived it finds nothing of it any more, and everything again when they are back', async (t) => {
  const { person } = await buildTestApp(t);
  const [ann, bob, cem, dan] = await Promise.all([person('Ann'), person('Bob'), person('Cem'), person('Dan')]);
  const { id } = await ann.call('groups.create', { title: 'Chess', userIds: [bob.id, cem.id, dan.id] });
  await ann.call('messages.send', { chatId: id, text: 'gambit' });
  for (const one of [ann, bob, cem, dan]) await untilFound(one, 'gambit', ['gambit']);
  await bob.call('groups.leave', { id });
  await ann.call('groups.expel', { id, userId: cem.id });
  await ann.call('groups.ban', { id, userId: dan.id });
  for (const one of [bob, cem, dan]) {
    assert.deepEqual(await textsFor(one, 'gambit'), []);
    await assert.rejects(textsFor(one, 'gambit', { chatId: id }), isNotFound);
  }
  await ann.call('groups.add', { id, userIds: [bob.id] });
  assert.deepEqual(await textsFor(bob, 'gambit'), ['gambit']);
  await ann.call('groups.remove', { id });
  for (const one of [ann, bob]) assert.deepEqual(await textsFor(one, 'gambit'), []);
});

test('who is expelled while their search is under way gets nothing of the group any more', async (t) => {
  const { person, services, mongodbUri } = await buildTestApp(t);
  const [ann, bob] = await Promise.all([person('Ann'), person('Bob')]);
  const { id } = await ann.call('groups.create', { title: 'Chess', userIds: [bob.id] });
  await ann.call('messages.send', { chatId: id, text: 'gambit' });
  await untilFound(bob, 'gambit', ['gambit']);
  const connection = await connect(t, mongodbUri);
  const history = createMessageHistory(messageCollection(connection), { settled: () => Promise.resolve() });
  const search = createSearchService({
    terms: termCollection(connection),
    chats: services.chats,
    async findMessages(ids, viewer) {
      await ann.call('groups.expel', { id, userId: bob.id });
      return history.findAll(ids, viewer);
    },
  });
  assert.deepEqual(await search.messages(bob.caller, { search: 'gambit', limit: 20 }), { items: [], more: false });
});

test('a newcomer from whom history is hidden finds only what came after', async (t) => {
  const { person } = await buildTestApp(t);
  const [ann, bob, cem] = await Promise.all([person('Ann'), person('Bob'), person('Cem')]);
  const { id } = await ann.call('groups.create', { title: 'Chess', settings: { history: 'joined' }, userIds: [cem.id] });
  const early = Array.from({ length: 130 }, (_, index) => `move early ${index}`);
  for (const text of early) await ann.call('messages.send', { chatId: id, text });
  await ann.call('groups.add', { id, userIds: [bob.id] });
  await ann.call('messages.send', { chatId: id, text: 'move late' });
  await untilFound(cem, 'late', ['move late']);
  for (const filters of [{}, { chatId: id }, { senderId: ann.id }]) assert.deepEqual(await textsFor(bob, 'move', filters), ['move late']);
  assert.deepEqual(await textsFor(bob, 'early'), []);
  assert.equal((await textsFor(cem, 'early')).length, 100);
});

test('however much of what somebody does not see has the word, they are told nothing of it, not even where it stands', async (t) => {
  const server = await buildTestApp(t);
  const [ann, bob] = await Promise.all([server.person('Ann'), server.person('Bob')]);
  const layoffs = (chatId: string) => ann.call('messages.send', { chatId, text: 'layoffs' });
  const { id: joined } = await ann.call('groups.create', { title: 'Chess', settings: { history: 'joined' } });
  await layoffs(joined);
  await ann.call('groups.add', { id: joined, userIds: [bob.id] });
  const { id: cleared } = await ann.call('groups.create', { title: 'Draughts', userIds: [bob.id] });
  await layoffs(cleared);
  await bob.call('chats.clear', { id: cleared });
  const { chatId: blocked } = await ann.call('messages.send', { to: bob.id, text: 'hello' });
  await bob.call('blocks.create', { userId: ann.id });
  await layoffs(blocked);
  await untilIndexed(t, server.mongodbUri);
  const terms = termCollection(await connect(t, server.mongodbUri));
  const ofEach = await terms.find({ words: 'layoffs' }).toArray();
  assert.equal(ofEach.length, 3);
  // As many as are looked at for one answer, and more.
  await terms.insertMany(ofEach.flatMap((one) => Array.from({ length: 2200 }, () => ({ ...one, _id: toUuid(randomUUID()) }))));
  for (const filters of [{}, { chatId: joined }, { chatId: cleared }, { chatId: blocked }, { senderId: ann.id }]) {
    assert.deepEqual(await bob.call('search.messages', { search: 'layoffs', ...filters }), { items: [], more: false });
  }
});

test('notices are not searched', async (t) => {
  const { person } = await buildTestApp(t);
  const ann = await person('Ann');
  const { id } = await ann.call('groups.create', { title: 'Chess' });
  await ann.call('groups.update', { id, title: 'Draughts' });
  await ann.call('messages.send', { chatId: id, text: 'hello' });
  await untilFound(ann, 'hello', ['hello']);
  for (const search of ['chess', 'draughts', 'group']) assert.deepEqual(await textsFor(ann, search), []);
});

test('what the index says is never believed: neither words that a message has not, nor another chat', async (t) => {
  const server = await buildTestApp(t);
  const [ann, bob, eve] = await Promise.all([server.person('Ann'), server.person('Bob'), server.person('Eve')]);
  await ann.call('messages.send', { to: bob.id, text: 'a secret' });
  const { chatId } = await eve.call('messages.send', { to: eve.id, text: 'notes' });
  await untilFound(eve, 'notes', ['notes']);
  await untilFound(bob, 'secret', ['a secret']);
  const terms = (await connect(t, server.mongodbUri)).collection('searchTerms');
  await terms.updateMany({}, { $set: { chatId: new Types.ObjectId(chatId), words: ['secret', 'notes'] } });
  assert.deepEqual(await textsFor(eve, 'secret'), []);
  assert.deepEqual(await textsFor(eve, 'notes'), ['notes']);
});
