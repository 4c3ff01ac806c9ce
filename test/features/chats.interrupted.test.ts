/** Chats where something comes in between: what another process does in that moment, or a crash. */
import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { Types } from 'mongoose';
import { toChange } from '../../src/features/chats/group.changes.ts';
import { buildTestApp, connect } from '../helpers/app.ts';
import { holderOf } from '../helpers/held.ts';
import type { Output, Person } from '../helpers/people.ts';

/** Two processes, whose people act at the first; its writes can be held up. */
async function twoProcesses(t: TestContext) {
  const one = await buildTestApp(t);
  const hold = holderOf(t, one);
  const other = await buildTestApp(t, { mongodbUri: one.mongodbUri });
  const [ann, bob, cem] = await Promise.all([one.person('Ann'), one.person('Bob'), one.person('Cem')]);
  const elsewhere = (person: Person, name: string, input: object) => other.dispatch.call(name, person.caller, input);
  return { ann, bob, cem, hold, elsewhere, mongodbUri: one.mongodbUri };
}

const textsIn = async (person: Person, chatId: string) => (await person.call('messages.list', { chatId })).items.map(({ text }) => text);

test('of two processes that make the same private chat at once the later one takes that of the other', async (t) => {
  const { ann, bob, hold, elsewhere } = await twoProcesses(t);
  let first: unknown;
  hold('Chat', 'insertOne', async () => (first = await elsewhere(bob, 'chats.open', { userId: ann.id })));
  const second = await ann.call('chats.open', { userId: bob.id });
  assert.deepEqual(second, first);
  assert.equal(second.members.length, 2);
});

test('a block that is made while the chat of the two comes to be holds in it', async (t) => {
  const { ann, bob, hold, elsewhere } = await twoProcesses(t);
  const held = hold('Membership', 'bulkWrite', () => elsewhere(ann, 'blocks.create', { userId: bob.id }));
  const { chatId } = await bob.call('messages.send', { to: ann.id, text: 'unseen' });
  assert.equal(held(), 1);
  assert.deepEqual((await ann.call('messages.sync')).chats.flatMap(({ messages }) => messages), []);
  await assert.rejects(ann.call('messages.send', { chatId, text: 'no' }), { code: 'BLOCKED' });
});

test('what is sent while a block ends is either told and to be seen from then on, or neither', async (t) => {
  const { ann, bob, hold } = await twoProcesses(t);
  const { chatId } = await ann.call('messages.send', { to: bob.id, text: 'before' });
  await ann.call('blocks.create', { userId: bob.id });
  await bob.call('messages.send', { chatId, text: 'unseen' });
  const socket = await ann.socket();
  const held = hold('Membership', 'findOneAndUpdate', () => bob.call('messages.send', { chatId, text: 'meanwhile' }));
  await ann.call('blocks.remove', { userId: bob.id });
  assert.equal(held(), 1);
  await bob.call('messages.send', { chatId, text: 'after' });
  await socket.call('users.me');
  const told = socket.events.flatMap(({ method, params }) => (method === 'message.created' ? [params['text']] : []));
  assert.equal(told.at(-1), 'after');
  assert.deepEqual(await textsIn(ann, chatId), ['before', ...told]);
});

test('a group is not changed by what was decided before another process has changed it', async (t) => {
  const { ann, bob, cem, hold, elsewhere } = await twoProcesses(t);
  const { id } = await ann.call('groups.create', { title: 'Chess', userIds: [bob.id] });
  const held = hold('Chat', 'updateOne', () => elsewhere(ann, 'groups.ban', { id, userId: cem.id }));
  assert.deepEqual((await bob.call('groups.add', { id, userIds: [cem.id] })).added, []);
  assert.equal(held(), 1);
  await assert.rejects(cem.call('chats.get', { id }), { code: 'CHAT_NOT_FOUND' });
  const { items } = await ann.call('messages.list', { chatId: id });
  assert.deepEqual(items.map(({ notice }) => notice?.type), ['group.created', 'member.banned']);
});

test('a change of a group that a crash has cut off is completed, though nobody asks for the group', async (t) => {
  const { ann, bob, mongodbUri } = await twoProcesses(t);
  const { id } = await ann.call('groups.create', { title: 'Chess', userIds: [bob.id] });
  const socket = await bob.socket();
  const leaving = toChange({ notice: { type: 'member.left', actorId: bob.id }, members: [{ userId: new Types.ObjectId(bob.id), role: null, leaves: true }] }, 2);
  const chats = (await connect(t, mongodbUri)).collection('chats');
  await chats.updateOne({ _id: new Types.ObjectId(id) }, { $set: { change: { ...leaving, at: new Date(Date.now() - 60_000) } } });
  assert.deepEqual((await socket.next('chat.left')).params, { chatId: id });
  const { items } = await ann.call('messages.list', { chatId: id });
  assert.deepEqual(items.map(({ notice }) => notice?.type), ['group.created', 'member.left']);
  assert.equal((await ann.call('chats.get', { id })).memberCount, 1);
});

test('a head that is stored vouches for the mark of who has sent, wherever a crash comes in', async (t) => {
  const one = await buildTestApp(t);
  const [ann, bob] = await Promise.all([one.person('Ann'), one.person('Bob')]);
  const { id } = await ann.call('chats.open', { userId: bob.id });
  const { db } = await connect(t, one.mongodbUri);
  // From now on no mark is written: what comes before marks is all that there will be.
  await db?.command({ collMod: 'memberships', validator: { never: true } });
  await ann.call('messages.send', { chatId: id, text: 'hello' });
  await assert.rejects(one.close(), /could not be written/);
  await db?.command({ collMod: 'memberships', validator: {} });
  const next = await buildTestApp(t, { mongodbUri: one.mongodbUri });
  const { unread, members } = (await next.dispatch.call('chats.get', ann.caller, { id })) as Output<'chats.get'>;
  assert.deepEqual([unread, members.find(({ user }) => user.id === ann.id)?.readSeq], [0, 1]);
});
