/** Catching up: page by page, and bounded. That it ends in the state of one who never left is what the histories prove. */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { test } from 'node:test';
import { Types } from 'mongoose';
import type { Message, Place } from '../../src/core/message.ts';
import { validate } from '../../src/core/validate.ts';
import { messageCollection, toUuid } from '../../src/features/messages/message.model.ts';
import { messagesContract } from '../../src/features/messages/messages.contract.ts';
import { fromCursor, toCursor } from '../../src/features/messages/sync.cursor.ts';
import { buildTestApp, connect } from '../helpers/app.ts';
import { addCrowd, inLongChat } from '../helpers/crowd.ts';
import type { Output } from '../helpers/people.ts';

test('sync answers page by page, over messages and over chats, and comes to an end', async (t) => {
  const { person } = await buildTestApp(t);
  const ann = await person('Ann');
  const others = await Promise.all(Array.from({ length: 5 }, () => person('Other')));
  for (const other of others) for (let number = 1; number <= 7; number++) await ann.call('messages.send', { to: other.id, text: String(number) });
  const places: Record<string, Place> = {};
  const seen: string[] = [];
  let pages = 0;
  for (let more = true, cursor: string | undefined; more; pages++) {
    const answer: Output<'messages.sync'> = await ann.call('messages.sync', { chats: places, limit: 4, ...(cursor && { cursor }) });
    for (const { chat, place, messages } of answer.chats) {
      places[chat.id] = place;
      seen.push(...messages.map(({ id }) => id));
    }
    assert.ok(answer.chats.reduce((sum, { messages }) => sum + messages.length, 0) <= 4);
    ({ more, cursor } = answer);
  }
  assert.deepEqual([seen.length, new Set(seen).size], [35, 35]);
  assert.ok(pages >= 9);
  const again = await ann.call('messages.sync', { chats: places });
  assert.deepEqual([again.chats.length, again.chats.flatMap(({ messages }) => messages), again.more], [5, [], false]);
});

test('a place beyond the end is brought back to the end', async (t) => {
  const { person } = await buildTestApp(t);
  const [ann, bob] = await Promise.all([person('Ann'), person('Bob')]);
  const { chatId } = await ann.call('messages.send', { to: bob.id, text: 'only one' });
  const { chats } = await bob.call('messages.sync', { chats: { [chatId]: { seq: 99, rev: 99 } } });
  assert.deepEqual(chats.map(({ place, messages }) => [place, messages]), [[{ seq: 1, rev: 0 }, []]]);
});

test('of thousands of changes none is left out, and those of messages that come as new ones come with them, passed over in portions', async (t) => {
  const { person, mongodbUri } = await buildTestApp(t);
  const [ann, bob] = await Promise.all([person('Ann'), person('Bob')]);
  const { longChatId: chatId } = await addCrowd(await connect(t, mongodbUri), ann.id, bob.id);
  const [first] = (await ann.call('messages.list', { chatId, around: 1 })).items;
  await ann.call('messages.react', { id: first?.id, emoji: '👍' });
  const changed: Message[] = [];
  const places: Record<string, Place> = { [chatId]: { seq: 2000, rev: 100 } };
  for (let more = true, cursor: string | undefined; more; ) {
    const answer: Output<'messages.sync'> = await ann.call('messages.sync', { chats: places, limit: 500, ...(cursor && { cursor }) });
    for (const { chat, place, messages } of answer.chats) {
      places[chat.id] = place;
      if (chat.id === chatId) changed.push(...messages.filter(({ seq }) => seq <= 2000));
    }
    ({ more, cursor } = answer);
  }
  assert.deepEqual(places[chatId], { seq: inLongChat, rev: inLongChat / 2 + 1 });
  // Every second message was changed once, in their order, and then the first.
  assert.deepEqual(changed.map(({ rev }) => rev), [...Array.from({ length: 900 }, (_, index) => 101 + index), inLongChat / 2 + 1]);

  // Those that are passed over are so in several answers.
  const steps: number[] = [];
  places[chatId] = { seq: 6, rev: 3 };
  for (let more = true, cursor: string | undefined; more; ) {
    const answer: Output<'messages.sync'> = await ann.call('messages.sync', { chats: places, limit: 500, ...(cursor && { cursor }) });
    const before = places[chatId].rev;
    for (const { chat, place } of answer.chats) places[chat.id] = place;
    steps.push(places[chatId].rev - before);
    ({ more, cursor } = answer);
  }
  assert.deepEqual(steps.filter((step) => step > 0), [4000, inLongChat / 2 + 1 - 4003]);
});

test('the longest cursor that a sync can give is taken back', () => {
  const [id, at, seq] = ['f'.repeat(24), 8.64e15, Number.MAX_SAFE_INTEGER];
  const state = { since: at, begun: at, after: id, member: { chatId: id, at, id }, told: { chatId: id, at, seq } };
  const cursor = toCursor(state);
  validate(messagesContract.operations['messages.sync'].input, { chats: {}, cursor });
  assert.deepEqual(fromCursor(cursor), state);
});

test('an answer ends after about a megabyte, also where not texts but names of people are long', async (t) => {
  const server = await buildTestApp(t);
  const [ann, bob] = await Promise.all([server.person('Ann'), server.person('Bob')]);
  const { chatId } = await ann.call('messages.send', { to: bob.id, text: 'one' });
  const messages = messageCollection(await connect(t, server.mongodbUri));
  const userIds = Array.from({ length: 100 }, () => new Types.ObjectId());
  const reactions = Array.from({ length: 50 }, (_, kind) => ({ emoji: String.fromCodePoint(0x1f600 + kind), userIds }));
  const documents = Array.from({ length: 100 }, (_, index) => ({ _id: toUuid(randomUUID()), chatId: new Types.ObjectId(chatId), seq: index + 2, senderId: new Types.ObjectId(ann.id), kind: 'text' as const, text: 'two', createdAt: new Date(), reactions }));
  await messages.insertMany(documents);

  const seqs: number[] = [];
  let longest = 0;
  let [place, cursor, more]: [Place, string | undefined, boolean] = [{ seq: 0, rev: 0 }, undefined, true];
  while (more) {
    const answer: Output<'messages.sync'> = await bob.call('messages.sync', { chats: { [chatId]: place }, limit: 500, ...(cursor !== undefined && { cursor }) });
    longest = Math.max(longest, JSON.stringify(answer).length);
    for (const { messages: some, place: next } of answer.chats) {
      seqs.push(...some.map(({ seq }) => seq));
      place = next;
    }
    ({ cursor, more } = answer);
  }
  assert.deepEqual(seqs, Array.from({ length: 101 }, (_, index) => index + 1));
  // It may go beyond by one read, which is 32 messages.
  assert.ok(longest < 6_000_000, `${longest} bytes`);
});
