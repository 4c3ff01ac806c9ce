/** What is a member's own in a chat: the others neither see nor hear it, all own devices do. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AppError, type ErrorCode } from '../../src/core/errors.ts';
import { buildTestApp } from '../helpers/app.ts';
import type { Person } from '../helpers/people.ts';

const refusedWith = (code: ErrorCode) => (error: unknown): boolean => error instanceof AppError && error.code === code;
const say = (from: Person, chatId: string, text = 'hello') => from.call('messages.send', { chatId, text });

test('what I mute, archive, pin or mark as unread is told to my devices alone, and stays so', async (t) => {
  const { person } = await buildTestApp(t);
  const [ann, bob] = await Promise.all([person('Ann'), person('Bob')]);
  const { chatId: id } = await ann.call('messages.send', { to: bob.id, text: 'hello' });
  const [phone, others] = await Promise.all([ann.socket(), bob.socket()]);
  const mutedUntil = '2030-01-01T00:00:00.000Z';
  const mine = await ann.call('chats.arrange', { id, mutedUntil, archived: true, pinned: true, markedUnread: true });
  assert.deepEqual([mine.mutedUntil, mine.archived, mine.pinned, mine.markedUnread], [mutedUntil, true, true, true]);
  assert.deepEqual((await phone.next('chat.arranged')).params, { chatId: id, mine });
  assert.deepEqual((await ann.call('chats.get', { id })).mine, mine);
  assert.deepEqual((await ann.call('messages.sync')).chats[0]?.mine, mine);
  const cleared = await ann.call('chats.arrange', { id, mutedUntil: null, archived: false });
  assert.deepEqual([cleared.mutedUntil, cleared.archived, cleared.pinned, cleared.version > mine.version], [undefined, false, true, true]);
  assert.deepEqual(await ann.call('chats.arrange', { id, archived: false }), cleared, 'what is so already is no change');
  await say(ann, id);
  await others.next('message.created');
  assert.deepEqual(others.events, []);
  assert.equal((await bob.call('chats.get', { id })).mine.pinned, false);
});

test('a chat that is marked as unread counts as unread until it is read', async (t) => {
  const { person } = await buildTestApp(t);
  const [ann, bob] = await Promise.all([person('Ann'), person('Bob')]);
  const { chatId: id } = await ann.call('messages.send', { to: bob.id, text: 'hello' });
  await bob.call('chats.read', { id, seq: 1 });
  assert.deepEqual(await bob.call('chats.unread'), { messages: 0, chats: 0 });
  await bob.call('chats.arrange', { id, markedUnread: true });
  assert.deepEqual(await bob.call('chats.unread'), { messages: 0, chats: 1 });
  await bob.call('chats.read', { id, seq: 1 });
  assert.deepEqual(await bob.call('chats.unread'), { messages: 0, chats: 0 });
});

test('what is pinned comes first, and what is archived can be listed apart', async (t) => {
  const { person } = await buildTestApp(t);
  const [ann, bob, cem, dan] = await Promise.all([person('Ann'), person('Bob'), person('Cem'), person('Dan')]);
  const ids: string[] = [];
  for (const other of [bob, cem, dan]) ids.push((await ann.call('messages.send', { to: other.id, text: 'hello' })).chatId);
  await ann.call('chats.arrange', { id: ids[0], pinned: true });
  await ann.call('chats.arrange', { id: ids[1], archived: true });
  const listed = async (input: object) => (await ann.call('chats.list', input)).items.map(({ id }) => ids.indexOf(id));
  assert.deepEqual([await listed({}), await listed({ archived: false }), await listed({ archived: true })], [[0, 2, 1], [0, 2], [1]]);
  const { cursor } = await ann.call('chats.list', { limit: 1 });
  assert.deepEqual(await listed({ cursor, limit: 1 }), [2], 'behind what is pinned');
});

test('who clears a chat sees nothing of it before something new comes; the others still see all', async (t) => {
  const { person } = await buildTestApp(t);
  const [ann, bob] = await Promise.all([person('Ann'), person('Bob')]);
  const sent = await ann.call('messages.send', { to: bob.id, text: 'old' });
  const { chatId: id } = sent;
  await say(ann, id, 'older');
  const phone = await bob.socket();
  const mine = await bob.call('chats.clear', { id });
  assert.equal(mine.clearedSeq, 2);
  assert.deepEqual((await phone.next('chat.arranged')).params, { chatId: id, mine });
  assert.deepEqual((await bob.call('chats.list')).items, []);
  assert.deepEqual((await bob.call('messages.list', { chatId: id })).items, []);
  assert.deepEqual(await bob.call('chats.unread'), { messages: 0, chats: 0 });
  await assert.rejects(bob.call('messages.get', { id: sent.id }), refusedWith('MESSAGE_NOT_FOUND'));
  const synced = (await bob.call('messages.sync')).chats[0];
  assert.deepEqual([synced?.messages, synced?.place, synced?.mine.clearedSeq], [[], { seq: 2, rev: 0 }, 2]);
  assert.equal((await ann.call('messages.list', { chatId: id })).items.length, 2);

  await say(ann, id, 'new');
  const [chat] = (await bob.call('chats.list')).items;
  assert.deepEqual([chat?.lastMessage?.text, chat?.unread], ['new', 1]);
  assert.deepEqual((await bob.call('messages.list', { chatId: id })).items.map(({ text }) => text), ['new']);
});

test('a chat is cleared up to what was seen, however often that is asked for, and is not marked as unread any more', async (t) => {
  const { person } = await buildTestApp(t);
  const [ann, bob] = await Promise.all([person('Ann'), person('Bob')]);
  const { chatId: id } = await ann.call('messages.send', { to: bob.id, text: 'seen' });
  await bob.call('chats.arrange', { id, markedUnread: true });
  const mine = await bob.call('chats.clear', { id, seq: 1 });
  assert.deepEqual([mine.clearedSeq, mine.markedUnread], [1, false]);
  await say(ann, id, 'not seen');
  assert.deepEqual(await bob.call('chats.clear', { id, seq: 1 }), mine, 'what is so already is no change');
  assert.deepEqual((await bob.call('messages.list', { chatId: id })).items.map(({ text }) => text), ['not seen']);
  assert.equal((await bob.call('chats.clear', { id, seq: 99 })).clearedSeq, 2, 'nothing that is to come is cleared');
});

test('a chat that is marked as unread counts while it is in the list', async (t) => {
  const { person } = await buildTestApp(t);
  const [ann, bob] = await Promise.all([person('Ann'), person('Bob')]);
  const { chatId: id } = await ann.call('messages.send', { to: bob.id, text: 'one' });
  await bob.call('chats.clear', { id });
  await bob.call('chats.arrange', { id, markedUnread: true });
  assert.deepEqual([(await bob.call('chats.list')).items.length, (await bob.call('chats.unread')).chats], [0, 0]);
  await bob.call('messages.send', { to: ann.id, text: 'two' });
  assert.deepEqual([(await bob.call('chats.list')).items.length, (await bob.call('chats.unread')).chats], [1, 1]);
});

test('what I remove for myself is gone for me alone: lists, counts, pages and the last message go round it', async (t) => {
  const { person } = await buildTestApp(t);
  const [ann, bob] = await Promise.all([person('Ann'), person('Bob')]);
  const { id: chatId } = await ann.call('chats.open', { userId: bob.id });
  const sent = [];
  for (let number = 1; number <= 10; number++) sent.push(await say(ann, chatId, String(number)));
  for (const number of [10, 3, 4, 9]) await bob.call('messages.hide', { id: sent[number - 1]?.id });
  const numbers = async (of: Person, request: object = {}) => (await of.call('messages.list', { chatId, ...request })).items.map(({ seq }) => seq);
  assert.deepEqual(await numbers(bob), [1, 2, 5, 6, 7, 8]);
  assert.deepEqual(await numbers(bob, { limit: 3 }), [6, 7, 8]);
  assert.deepEqual(await numbers(bob, { before: 6, limit: 2 }), [2, 5]);
  assert.deepEqual(await numbers(bob, { after: 2, limit: 2 }), [5, 6]);
  assert.deepEqual(await numbers(bob, { around: 4, limit: 4 }), [1, 2, 5, 6]);
  assert.deepEqual((await numbers(ann)).length, 10);
  const chat = await bob.call('chats.get', { id: chatId });
  assert.deepEqual([chat.lastMessage?.seq, chat.unread, chat.mine.hidden], [8, 6, [{ from: 3, to: 4 }, { from: 9, to: 10 }]]);
  await assert.rejects(bob.call('messages.get', { id: sent[2]?.id }), refusedWith('MESSAGE_NOT_FOUND'));
  const synced = (await bob.call('messages.sync', { limit: 500 })).chats[0];
  assert.deepEqual([synced?.messages.map(({ seq }) => seq), synced?.place.seq], [[1, 2, 5, 6, 7, 8], 10]);
});

test('own changes from two devices at once, in two processes, all come about', async (t) => {
  const one = await buildTestApp(t);
  const other = await buildTestApp(t, { mongodbUri: one.mongodbUri });
  const [ann, bob] = await Promise.all([one.person('Ann'), one.person('Bob')]);
  const { id: chatId } = await ann.call('chats.open', { userId: bob.id });
  const sent = [];
  for (let number = 1; number <= 8; number++) sent.push(await say(ann, chatId));
  await Promise.all(sent.map(({ id }, index) => (index % 2 ? one : other).dispatch.call('messages.hide', bob.caller, { id })));
  assert.deepEqual((await bob.call('chats.get', { id: chatId })).mine.hidden, [{ from: 1, to: 8 }]);
});
