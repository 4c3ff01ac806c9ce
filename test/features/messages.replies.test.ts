/** Replies and reactions: what they show, to whom, and that it stays honest. */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { test } from 'node:test';
import { Types } from 'mongoose';
import { AppError, type ErrorCode } from '../../src/core/errors.ts';
import type { Message } from '../../src/core/message.ts';
import { buildTestApp, connect } from '../helpers/app.ts';
import { until } from '../helpers/until.ts';

const refusedWith = (code: ErrorCode) => (error: unknown): boolean => error instanceof AppError && error.code === code;

test('a reply shows what it replies to as that is now: edited, or removed', async (t) => {
  const { person } = await buildTestApp(t);
  const [ann, bob] = await Promise.all([person('Ann'), person('Bob')]);
  const original = await ann.call('messages.send', { to: bob.id, text: '🐴'.repeat(150) });
  const { chatId } = original;
  const socket = await ann.socket();
  const reply = await bob.call('messages.send', { chatId, text: 'yes', replyTo: original.id });
  assert.deepEqual(reply.replyTo, { id: original.id, seq: 1, senderId: ann.id, text: '🐴'.repeat(100) });
  assert.deepEqual((await socket.next('message.created')).params, reply);
  assert.deepEqual(await ann.call('messages.get', { id: reply.id }), reply);
  await ann.call('messages.edit', { id: original.id, text: 'another' });
  assert.equal((await ann.call('messages.list', { chatId })).items[1]?.replyTo?.text, 'another');
  assert.equal((await ann.call('messages.list', { chatId, after: 1 })).items[0]?.replyTo?.text, 'another');
  await ann.call('messages.remove', { id: original.id });
  const { replyTo } = (await ann.call('chats.list')).items[0]?.lastMessage ?? {};
  assert.deepEqual([replyTo?.text, replyTo?.removedAt !== undefined], [undefined, true]);
  await assert.rejects(bob.call('messages.send', { chatId, text: 'again', replyTo: original.id }), refusedWith('MESSAGE_REMOVED'));
});

test('a reply to somebody one has no chat with is refused, and opens none', async (t) => {
  const { person } = await buildTestApp(t);
  const [ann, bob, eve] = await Promise.all([person('Ann'), person('Bob'), person('Eve')]);
  const { id } = await ann.call('messages.send', { to: bob.id, text: 'one' });
  const socket = await eve.socket();
  await assert.rejects(ann.call('messages.send', { to: eve.id, text: 'two', replyTo: id }), refusedWith('MESSAGE_NOT_FOUND'));
  // Nor where the id is one that is known.
  await assert.rejects(ann.call('messages.send', { id, to: eve.id, text: 'two', replyTo: id }), refusedWith('MESSAGE_NOT_FOUND'));
  assert.deepEqual((await eve.call('chats.list')).items, []);
  await socket.call('chats.receive', { chats: {} });
  assert.deepEqual(socket.events.map(({ method }) => method), []);
});

test('a reply to a chat and to somebody at once is refused as any message is', async (t) => {
  const { person } = await buildTestApp(t);
  const [ann, bob, eve] = await Promise.all([person('Ann'), person('Bob'), person('Eve')]);
  const { id, chatId } = await ann.call('messages.send', { to: bob.id, text: 'one' });
  await assert.rejects(ann.call('messages.send', { chatId, to: eve.id, text: 'two', replyTo: id }), refusedWith('VALIDATION_FAILED'));
});

test('a reply that is repeated is stored once, and answered as the first time', async (t) => {
  const { person } = await buildTestApp(t);
  const [ann, bob] = await Promise.all([person('Ann'), person('Bob')]);
  const original = await ann.call('messages.send', { to: bob.id, text: 'hello' });
  const { chatId } = original;
  const id = randomUUID();
  const first = await bob.call('messages.send', { id, chatId, text: 'yes', replyTo: original.id });
  assert.deepEqual(await bob.call('messages.send', { id, chatId, text: 'yes', replyTo: original.id }), { ...first, deduplicated: true });
  await assert.rejects(bob.call('messages.send', { id, chatId, text: 'yes' }), refusedWith('CONFLICT'));
});

test('nobody replies to a message of another chat, or to one they do not see', async (t) => {
  const { person } = await buildTestApp(t);
  const [ann, bob, eve] = await Promise.all([person('Ann'), person('Bob'), person('Eve')]);
  const secret = await ann.call('messages.send', { to: bob.id, text: 'secret' });
  const { chatId } = await ann.call('messages.send', { to: eve.id, text: 'hello' });
  for (const replyTo of [secret.id, randomUUID()]) {
    await assert.rejects(eve.call('messages.send', { chatId, text: 'what?', replyTo }), refusedWith('MESSAGE_NOT_FOUND'));
    await assert.rejects(ann.call('messages.send', { chatId, text: 'what?', replyTo }), refusedWith('MESSAGE_NOT_FOUND'));
  }
});

test('who came later hears neither the words nor the changes of messages from before, in no way', async (t) => {
  const { person } = await buildTestApp(t);
  const [ann, bob] = await Promise.all([person('Ann'), person('Bob')]);
  const { id: chatId } = await ann.call('groups.create', { title: 'Chess', settings: { history: 'joined' } });
  const early = await ann.call('messages.send', { chatId, text: 'secret' });
  await ann.call('groups.add', { id: chatId, userIds: [bob.id] });
  const [heard, own] = await Promise.all([bob.socket(), ann.socket()]);
  const reply = await ann.call('messages.send', { chatId, text: 'as I said', replyTo: early.id });
  assert.deepEqual((await own.next('message.created')).params['replyTo'], { id: early.id, seq: 2, senderId: ann.id, text: 'secret' });
  assert.deepEqual((await heard.next('message.created')).params['replyTo'], { id: early.id, seq: 2 });
  await ann.call('messages.edit', { id: early.id, text: 'secret, too' });
  assert.deepEqual((await heard.next('message.passed')).params, { chatId, rev: 1 });
  await ann.call('messages.react', { id: reply.id, emoji: '👍' });
  assert.deepEqual((await heard.next('message.reacted')).params['replyTo'], { id: early.id, seq: 2 });
  const seen = [
    await bob.call('messages.get', { id: reply.id }),
    await bob.call('messages.list', { chatId }),
    await bob.call('chats.list'),
    await bob.call('messages.sync'),
    await bob.call('messages.react', { id: reply.id, emoji: '❤️' }),
    heard.events,
  ];
  assert.ok(!JSON.stringify(seen).includes('secret'));
  await assert.rejects(bob.call('messages.react', { id: early.id, emoji: '👍' }), refusedWith('MESSAGE_NOT_FOUND'));
  await assert.rejects(bob.call('messages.send', { chatId, text: 'what?', replyTo: early.id }), refusedWith('MESSAGE_NOT_FOUND'));
});

test('reactions are counted by emoji with who has reacted, in their order, and can be taken back', async (t) => {
  const { person } = await buildTestApp(t);
  const [ann, bob] = await Promise.all([person('Ann'), person('Bob')]);
  const { id } = await ann.call('messages.send', { to: bob.id, text: 'hello' });
  const socket = await ann.socket();
  await bob.call('messages.react', { id, emoji: '👍' });
  const reacted = await ann.call('messages.react', { id, emoji: '👍' });
  assert.deepEqual(reacted.reactions, [{ emoji: '👍', count: 2, userIds: [bob.id, ann.id] }]);
  await socket.next('message.reacted');
  assert.deepEqual((await socket.next('message.reacted')).params, reacted);
  assert.deepEqual(await ann.call('messages.react', { id, emoji: '👍' }), reacted, 'the same again is no change');
  // The same heart, with and without the sign that it is to be a picture.
  await ann.call('messages.react', { id, emoji: '❤' });
  assert.deepEqual((await bob.call('messages.react', { id, emoji: '❤️' })).reactions?.[1], { emoji: '❤️', count: 2, userIds: [ann.id, bob.id] });
  await bob.call('messages.unreact', { id, emoji: '👍' });
  await ann.call('messages.unreact', { id, emoji: '👍' });
  for (const one of [ann, bob]) await one.call('messages.unreact', { id, emoji: '❤️' });
  const bare = await ann.call('messages.get', { id });
  assert.deepEqual([bare.reactions, bare.rev], [undefined, 8]);
});

test('however many of its signs for pictures an emoji comes without, it is the same reaction', async (t) => {
  const { person } = await buildTestApp(t);
  const [ann, bob] = await Promise.all([person('Ann'), person('Bob')]);
  const { id } = await ann.call('messages.send', { to: bob.id, text: 'hello' });
  const emojis = ['👨‍❤️‍👨', '👁️‍🗨️', '🕵🏽‍♀️'];
  for (const emoji of emojis) {
    await ann.call('messages.react', { id, emoji });
    await bob.call('messages.react', { id, emoji: emoji.replaceAll('\uFE0F', '') });
  }
  assert.deepEqual((await ann.call('messages.get', { id })).reactions, emojis.map((emoji) => ({ emoji, count: 2, userIds: [ann.id, bob.id] })));
});

test('one emoji is a reaction and nothing else is; nobody has more than three', async (t) => {
  const { person } = await buildTestApp(t);
  const ann = await person('Ann');
  const { id } = await ann.call('messages.send', { to: ann.id, text: 'hello' });
  for (const emoji of ['', 'a', '1', '👍👍', '👍a', ' 👍', '\u{1F3FB}\u{200D}', '\uFE0F', '👨‍👩', '$gt']) await assert.rejects(ann.call('messages.react', { id, emoji }), refusedWith('VALIDATION_FAILED'), emoji);
  for (const emoji of ['👩🏽‍🚀', '🇩🇪', '1️⃣']) await ann.call('messages.react', { id, emoji });
  await assert.rejects(ann.call('messages.react', { id, emoji: '🏴󠁧󠁢󠁳󠁣󠁴󠁿' }), refusedWith('TOO_MANY_REACTIONS'));
  await ann.call('messages.remove', { id });
  await assert.rejects(ann.call('messages.react', { id, emoji: '👍' }), refusedWith('MESSAGE_REMOVED'));
  assert.equal((await ann.call('messages.get', { id })).reactions, undefined);
});

test('reactions of many at once all count, in two processes', async (t) => {
  const one = await buildTestApp(t);
  const other = await buildTestApp(t, { mongodbUri: one.mongodbUri });
  const people = await Promise.all(Array.from({ length: 10 }, () => one.person('Somebody')));
  const [ann] = people;
  const { id: chatId } = (await ann?.call('groups.create', { title: 'Chess', userIds: people.map((person) => person.id) })) ?? {};
  const { id } = (await ann?.call('messages.send', { chatId, text: 'hello' })) ?? {};
  await Promise.all(people.map(({ caller }, index) => (index % 2 ? one : other).dispatch.call('messages.react', caller, { id, emoji: '👍' })));
  const { reactions } = (await ann?.call('messages.get', { id })) ?? {};
  assert.deepEqual([reactions?.[0]?.count, new Set(reactions?.[0]?.userIds).size], [10, 10]);
});

test('of more than a hundred who have reacted the first are named, and before them whoever asks, if they are one of the others', async (t) => {
  const app = await buildTestApp(t);
  const [ann, bob] = await Promise.all([app.person('Ann'), app.person('Bob')]);
  const { id, chatId } = await ann.call('messages.send', { to: bob.id, text: 'hello' });
  const others = Array.from({ length: 101 }, () => new Types.ObjectId());
  const connection = await connect(t, app.mongodbUri);
  await connection.collection('messages').updateOne({ chatId: new Types.ObjectId(chatId) }, { $set: { reactions: [{ emoji: '👍', userIds: others }] } });
  const [first, own] = [others.slice(0, 100).map(String), [bob.id, ...others.slice(0, 99).map(String)]];
  const socket = await ann.socket();
  const named = (message: Message | undefined) => [message?.reactions?.[0]?.count, message?.reactions?.[0]?.userIds];
  assert.deepEqual(named(await bob.call('messages.react', { id, emoji: '👍' })), [102, own]);
  assert.deepEqual(named(await bob.call('messages.react', { id, emoji: '👍' })), [102, own], 'repeated');
  assert.deepEqual(named((await socket.next('message.reacted')).params as Message), [102, first]);
  assert.deepEqual(named((await bob.call('messages.list', { chatId })).items[0]), [102, own]);
  assert.deepEqual(named(await bob.call('messages.get', { id })), [102, own]);
  assert.deepEqual(named((await bob.call('messages.sync', {})).chats[0]?.messages[0]), [102, own]);
  assert.deepEqual(named((await bob.call('chats.list')).items[0]?.lastMessage), [102, own]);
  assert.deepEqual(named((await bob.call('chats.get', { id: chatId })).lastMessage), [102, own]);
  const found = await until('it is found', async () => (await bob.call('search.messages', { search: 'hello' })).items[0]);
  assert.deepEqual(named(found), [102, own]);
  assert.deepEqual(named(await ann.call('messages.get', { id })), [102, first]);
  assert.deepEqual(named(await bob.call('messages.unreact', { id, emoji: '👍' })), [101, first]);
});

test('a message can be edited for as long as the server is set to', async (t) => {
  const { person } = await buildTestApp(t, { env: { EDIT_HOURS: '0' } });
  const ann = await person('Ann');
  const { id } = await ann.call('messages.send', { to: ann.id, text: 'hello' });
  await assert.rejects(ann.call('messages.edit', { id, text: 'hi' }), refusedWith('EDIT_TOO_LATE'));
});

test('admins and owners remove what others have sent, members do not; a notice stays', async (t) => {
  const { person } = await buildTestApp(t);
  const [ann, bob, cem] = await Promise.all([person('Ann'), person('Bob'), person('Cem')]);
  const { id: chatId } = await ann.call('groups.create', { title: 'Chess', userIds: [bob.id, cem.id] });
  const [notice] = (await ann.call('messages.list', { chatId })).items;
  const [one, other] = [await bob.call('messages.send', { chatId, text: 'one' }), await ann.call('messages.send', { chatId, text: 'other' })];
  await assert.rejects(cem.call('messages.remove', { id: one.id }), refusedWith('NOT_THE_SENDER'));
  await ann.call('messages.remove', { id: one.id });
  await ann.call('groups.appoint', { id: chatId, userId: cem.id, role: 'admin' });
  await cem.call('messages.remove', { id: other.id });
  for (const operation of ['messages.remove', 'messages.react', 'messages.edit'] as const) {
    await assert.rejects(ann.call(operation, { id: notice?.id, ...(operation === 'messages.react' && { emoji: '👍' }), ...(operation === 'messages.edit' && { text: 'x' }) }), refusedWith('NOT_CHANGEABLE'));
  }
  const { chatId: between } = await ann.call('messages.send', { to: bob.id, text: 'hello' });
  const { id } = await bob.call('messages.send', { chatId: between, text: 'hi' });
  await assert.rejects(ann.call('messages.remove', { id }), refusedWith('NOT_THE_SENDER'));
});
