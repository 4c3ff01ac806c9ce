/** Private chats: one for each pair, and the list of mine. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Types } from 'mongoose';
import { AppError, type ErrorCode } from '../../src/core/errors.ts';
import { buildTestApp, connect } from '../helpers/app.ts';
import { openSocket } from '../helpers/socket.ts';

const refusedWith = (code: ErrorCode) => (error: unknown): boolean => error instanceof AppError && error.code === code;

test('two people who open their chat at the same instant, in two processes, have one chat', async (t) => {
  const one = await buildTestApp(t);
  const other = await buildTestApp(t, { mongodbUri: one.mongodbUri });
  const [ann, bob] = await Promise.all([one.person('Ann'), other.person('Bob')]);
  const opened = await Promise.all(Array.from({ length: 20 }, (_, index) => (index % 2 ? ann.call('chats.open', { userId: bob.id }) : bob.call('chats.open', { userId: ann.id }))));
  assert.equal(new Set(opened.map(({ id }) => id)).size, 1);
  for (const person of [ann, bob]) {
    const { items } = await person.call('chats.list');
    assert.deepEqual(items.map(({ id, members }) => [id, members.length]), [[opened[0]?.id, 2]]);
  }
});

test('whoever is connected hears of a new chat once, and of what is said in it', async (t) => {
  const { person } = await buildTestApp(t);
  const [ann, bob] = await Promise.all([person('Ann'), person('Bob')]);
  const socket = await bob.socket();
  const chat = await ann.call('chats.open', { userId: bob.id });
  await ann.call('chats.open', { userId: bob.id });
  assert.deepEqual((await socket.next('chat.created')).params, await bob.call('chats.get', { id: chat.id }));
  await ann.call('messages.send', { chatId: chat.id, text: 'hello' });
  await socket.next('message.created');
  assert.deepEqual(socket.events, []);
});

test('a chat with oneself is a place for notes', async (t) => {
  const { person } = await buildTestApp(t);
  const ann = await person('Ann');
  const { id, members } = await ann.call('chats.open', { userId: ann.id });
  assert.deepEqual(members.map(({ user }) => user.id), [ann.id]);
  const note = await ann.call('messages.send', { to: ann.id, text: 'buy milk' });
  assert.equal(note.chatId, id);
  assert.equal((await ann.call('chats.get', { id })).unread, 0);
});

test('an opening that a crash has left half done is completed by the next one', async (t) => {
  const { person, mongodbUri } = await buildTestApp(t);
  const [ann, bob] = await Promise.all([person('Ann'), person('Bob')]);
  const connection = await connect(t, mongodbUri);
  const _id = new Types.ObjectId();
  await connection.collection('chats').insertOne({ _id, kind: 'private', pairKey: [ann.id, bob.id].sort().join(':'), createdAt: new Date(), head: { seq: 0, at: new Date() } });
  const chat = await bob.call('chats.open', { userId: ann.id });
  assert.deepEqual([chat.id, chat.members.length], [_id.toHexString(), 2]);
});

test('a chat in which nothing was said is announced again by who opens it: the first time may have been lost', async (t) => {
  const one = await buildTestApp(t);
  const other = await buildTestApp(t, { mongodbUri: one.mongodbUri });
  const [ann, bob] = await Promise.all([one.person('Ann'), one.person('Bob')]);
  const socket = await openSocket(t, other.url, bob.accessToken);
  const chat = await ann.call('chats.open', { userId: bob.id });
  assert.deepEqual(await other.dispatch.call('chats.open', ann.caller, { userId: bob.id }), chat);
  assert.equal((await socket.next('chat.created')).params['id'], chat.id);
  await other.dispatch.call('messages.send', ann.caller, { chatId: chat.id, text: 'hello' });
  await socket.next('message.created');
});

test('the order of my chats is that of their messages, also where a crash has left the heads behind', async (t) => {
  const { person, mongodbUri } = await buildTestApp(t);
  const [ann, bob, cem] = await Promise.all([person('Ann'), person('Bob'), person('Cem')]);
  const first = await ann.call('messages.send', { to: bob.id, text: 'first' });
  const second = await ann.call('messages.send', { to: cem.id, text: 'second' });
  const connection = await connect(t, mongodbUri);
  const chats = connection.collection('chats');
  await chats.updateOne({ _id: new Types.ObjectId(second.chatId) }, { $set: { head: { seq: 0, at: new Date(0) } } });
  const { items } = await ann.call('chats.list');
  assert.deepEqual(items.map(({ id }) => id), [second.chatId, first.chatId]);
});

test('my chats come with the most recently active first, page by page', async (t) => {
  const { person } = await buildTestApp(t);
  const ann = await person('Ann');
  const others = await Promise.all(['B', 'C', 'D', 'E', 'F'].map((name) => person(name)));
  const ids: string[] = [];
  for (const other of others) ids.unshift((await ann.call('messages.send', { to: other.id, text: 'hello' })).chatId);
  const [oldest] = ids.splice(-1);
  await ann.call('messages.send', { chatId: oldest, text: 'again' });
  ids.unshift(oldest ?? '');
  const first = await ann.call('chats.list', { limit: 3 });
  assert.deepEqual([first.items.map(({ id }) => id), first.more], [ids.slice(0, 3), true]);
  const second = await ann.call('chats.list', { limit: 3, cursor: first.cursor });
  assert.deepEqual([second.items.map(({ id }) => id), second.more, second.cursor], [ids.slice(3), false, undefined]);
  for (const cursor of ['abc', '0'.repeat(24), Buffer.from(`0.${'9'.repeat(15)}9.${'0'.repeat(24)}`).toString('base64url')]) {
    await assert.rejects(ann.call('chats.list', { cursor }), refusedWith('VALIDATION_FAILED'), cursor);
  }
});

test('whatever becomes of the chat at which a page ended, the next page goes on behind it', async (t) => {
  const { person } = await buildTestApp(t);
  const ann = await person('Ann');
  const others = await Promise.all(['B', 'C', 'D', 'E', 'F'].map((name) => person(name)));
  const ids: string[] = [];
  for (const other of others) ids.unshift((await ann.call('messages.send', { to: other.id, text: 'hello' })).chatId);
  const { id: group } = await ann.call('groups.create', { title: 'Group' });
  const listed = async (cursor: string | undefined, limit = 5): Promise<string[]> => (await ann.call('chats.list', { cursor, limit })).items.map(({ id }) => id);
  const { cursor: afterGroup } = await ann.call('chats.list', { limit: 1 });
  const { cursor: afterTwo } = await ann.call('chats.list', { limit: 3 });
  await ann.call('groups.leave', { id: group });
  assert.deepEqual(await listed(afterGroup), ids, 'it was left');
  await ann.call('messages.send', { chatId: ids[1], text: 'to the top' });
  assert.deepEqual(await listed(afterTwo), ids.slice(2), 'it has gone to the top');
  await ann.call('chats.clear', { id: ids[1] });
  assert.deepEqual(await listed(afterTwo), ids.slice(2), 'it was cleared');
  await ann.call('chats.arrange', { id: ids[1], pinned: true, archived: true });
  assert.deepEqual(await listed(afterTwo, 2), ids.slice(2, 4), 'it is archived');
});

test('unread counts what others sent and I have not read; sending reads, reading never goes back', async (t) => {
  const { person } = await buildTestApp(t);
  const [ann, bob] = await Promise.all([person('Ann'), person('Bob')]);
  const say = (from: typeof ann, to: typeof ann) => from.call('messages.send', { to: to.id, text: 'hello' });
  const { chatId } = await say(ann, bob);
  await say(ann, bob);
  const unread = async (of: typeof ann) => (await of.call('chats.get', { id: chatId })).unread;
  assert.deepEqual([await unread(ann), await unread(bob)], [0, 2]);

  const socket = await ann.socket();
  await bob.call('chats.read', { id: chatId, seq: 1 });
  assert.deepEqual((await socket.next('chat.read')).params, { chatId, marks: [{ userId: bob.id, seq: 1 }] });
  await bob.call('chats.read', { id: chatId, seq: 0 });
  assert.equal(await unread(bob), 1);
  await bob.call('chats.read', { id: chatId, seq: 1_000_000 });
  assert.equal(await unread(bob), 0);
  await say(bob, ann);
  await say(bob, ann);
  await say(ann, bob);
  assert.deepEqual([await unread(ann), await unread(bob)], [0, 1]);
});

test('lists and unread counts are right also where a crash has left heads and read marks behind, and are repaired', async (t) => {
  const one = await buildTestApp(t);
  const [ann, bob] = await Promise.all([one.person('Ann'), one.person('Bob')]);
  const { chatId } = await ann.call('messages.send', { to: bob.id, text: 'one' });
  await bob.call('messages.send', { chatId, text: 'two' });
  await ann.call('messages.send', { chatId, text: 'three' });
  await one.close();
  const connection = await connect(t, one.mongodbUri);
  const heads = connection.collection<{ head: { seq: number } }>('chats');
  const marks = connection.collection<{ userId: Types.ObjectId; readSeq: number }>('memberships');
  await heads.updateOne({}, { $set: { 'head.seq': 0 } });
  await marks.updateMany({}, { $set: { readSeq: 0 } });

  const next = await buildTestApp(t, { mongodbUri: one.mongodbUri });
  const seen = async (person: typeof ann) => {
    const summary = (await next.dispatch.call('chats.get', person.caller, { id: chatId })) as { unread: number; head: { seq: number } };
    return [summary.head.seq, summary.unread];
  };
  assert.deepEqual([await seen(ann), await seen(bob)], [[3, 0], [3, 1]]);
  await next.dispatch.call('messages.send', ann.caller, { chatId, text: 'four' });
  await next.close();
  assert.equal((await heads.findOne({}))?.head.seq, 4);
  assert.equal((await marks.findOne({ userId: new Types.ObjectId(bob.id) }))?.readSeq, 2);
});

test('a stranger cannot see, read or list a chat', async (t) => {
  const { person } = await buildTestApp(t);
  const [ann, bob, eve] = await Promise.all([person('Ann'), person('Bob'), person('Eve')]);
  const { id } = await ann.call('chats.open', { userId: bob.id });
  for (const chat of [id, '0'.repeat(24)]) {
    await assert.rejects(eve.call('chats.get', { id: chat }), refusedWith('CHAT_NOT_FOUND'));
    await assert.rejects(eve.call('chats.read', { id: chat, seq: 1 }), refusedWith('CHAT_NOT_FOUND'));
  }
  assert.deepEqual((await eve.call('chats.list')).items, []);
  await assert.rejects(ann.call('chats.open', { userId: '0'.repeat(24) }), refusedWith('USER_NOT_FOUND'));
});
