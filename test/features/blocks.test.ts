/** Blocking: whoever is blocked reaches nobody, and learns nothing. */
import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { Types } from 'mongoose';
import { AppError } from '../../src/core/errors.ts';
import { buildTestApp, connect, type TestApp } from '../helpers/app.ts';
import type { Output, Person } from '../helpers/people.ts';
import { textsFor, untilFound } from '../helpers/search.ts';
import type { TestSocket } from '../helpers/socket.ts';

const isCode = (code: string) => (error: unknown): boolean => error instanceof AppError && error.code === code;
const send = (person: Person, to: Person, text: string) => person.call('messages.send', { to: to.id, text });
const block = (person: Person, other: Person) => person.call('blocks.create', { userId: other.id });
const unblock = (person: Person, other: Person) => person.call('blocks.remove', { userId: other.id });
const textsIn = async (person: Person, chatId: string) => (await person.call('messages.list', { chatId })).items.map(({ text }) => text);

/** What has come so far, by name; the answer has come after whatever was told before. */
async function heard(socket: TestSocket): Promise<string[]> {
  await socket.call('chats.receive', { chats: {} });
  return socket.events.splice(0).map(({ method }) => method);
}

interface Pair extends TestApp {
  ann: Person;
  bob: Person;
  chatId: string;
}

/** Two people with a message of each in their chat. */
async function talking(t: TestContext): Promise<Pair> {
  const app = await buildTestApp(t);
  const [ann, bob] = await Promise.all([app.person('Ann'), app.person('Bob')]);
  const { chatId } = await send(ann, bob, 'from Ann');
  await send(bob, ann, 'from Bob');
  return { ...app, ann, bob, chatId };
}

test('what a blocked person writes is stored for them, and whoever blocks them finds it nowhere', async (t) => {
  const { ann, bob, chatId } = await talking(t);
  const socket = await ann.socket();
  await block(ann, bob);
  assert.deepEqual(await heard(socket), ['chat.arranged', 'block.created']);
  const sent = await send(bob, ann, 'are you there?');
  assert.equal(sent.seq, 3);
  assert.deepEqual(await textsIn(bob, chatId), ['from Ann', 'from Bob', 'are you there?']);
  await untilFound(bob, 'there', ['are you there?']);

  assert.deepEqual((await socket.next('message.withheld')).params, { chatId, seq: 3, senderId: bob.id });
  assert.deepEqual(await heard(socket), []);
  assert.deepEqual(await textsIn(ann, chatId), ['from Ann', 'from Bob']);
  assert.deepEqual(await textsFor(ann, 'there'), []);
  for (const name of ['messages.get', 'messages.remove', 'messages.hide'] as const) await assert.rejects(ann.call(name, { id: sent.id }), isCode('MESSAGE_NOT_FOUND'), name);
  const { unread, lastMessage, members } = await ann.call('chats.get', { id: chatId });
  assert.deepEqual([unread, lastMessage?.text], [1, 'from Bob']);
  assert.deepEqual(Object.fromEntries(members.map(({ user, readSeq }) => [user.id, readSeq])), { [ann.id]: 1, [bob.id]: 3 });
  assert.deepEqual(await ann.call('chats.unread'), { messages: 1, chats: 1 });
  const { chats } = await ann.call('messages.sync');
  assert.deepEqual(chats.map(({ messages }) => messages.map(({ text }) => text)), [['from Ann', 'from Bob']]);
});

test('whoever blocks somebody cannot write to them, edit or react there, until they unblock them', async (t) => {
  const { ann, bob, chatId } = await talking(t);
  const [own, theirs] = (await ann.call('messages.list', { chatId })).items;
  await block(ann, bob);
  const attempts = {
    'by the chat': () => ann.call('messages.send', { chatId, text: 'no' }),
    'by the person': () => send(ann, bob, 'no'),
    'as an edit': () => ann.call('messages.edit', { id: own?.id, text: 'no' }),
    'as a reaction': () => ann.call('messages.react', { id: theirs?.id, emoji: '👎' }),
  };
  for (const [how, attempt] of Object.entries(attempts)) await assert.rejects(attempt(), isCode('BLOCKED'), how);
  await ann.call('messages.remove', { id: own?.id });
  await unblock(ann, bob);
  assert.equal((await send(ann, bob, 'hello again')).seq, 3);
});

test('whoever is blocked sees the chat as if nothing had happened', async (t) => {
  const { ann, bob, chatId } = await talking(t);
  await ann.call('chats.receive', { chats: { [chatId]: 2 } });
  await ann.call('chats.read', { id: chatId, seq: 2 });
  const socket = await bob.socket();
  const look = async () => ({ chat: await bob.call('chats.get', { id: chatId }), opened: await bob.call('chats.open', { userId: ann.id }), user: await bob.call('users.get', { id: ann.id }) });
  const before = await look();
  // That she had read until then may be told only now.
  await heard(socket);
  await block(ann, bob);
  assert.deepEqual(await look(), before);
  await send(bob, ann, 'are you there?');
  await ann.call('chats.read', { id: chatId, seq: 3 });
  await ann.call('chats.receive', { chats: { [chatId]: 3 } });
  assert.deepEqual(await heard(socket), ['message.created']);
  const { chat } = await look();
  assert.deepEqual(chat.members.find(({ user }) => user.id === ann.id), before.chat.members.find(({ user }) => user.id === ann.id));
  assert.equal(chat.lastMessage?.text, 'are you there?');
});

test('once somebody is unblocked what they wrote meanwhile stays unseen, and what comes then is told', async (t) => {
  const { ann, bob, chatId } = await talking(t);
  await block(ann, bob);
  await send(bob, ann, 'unseen');
  await send(bob, ann, 'unseen too');
  const socket = await ann.socket();
  await unblock(ann, bob);
  assert.deepEqual(await heard(socket), ['chat.arranged', 'block.removed']);
  const reply = await bob.call('messages.send', { chatId, text: 'seen', replyTo: (await bob.call('messages.list', { chatId })).items[2]?.id });
  assert.deepEqual((await socket.next('message.created')).params, { ...reply, replyTo: { id: reply.replyTo?.id, seq: 3 } });
  assert.deepEqual(await textsIn(ann, chatId), ['from Ann', 'from Bob', 'seen']);
  assert.equal((await ann.call('chats.get', { id: chatId })).unread, 2);
});

test('a chat that a blocked person opens is there for them alone, and for both once they are unblocked', async (t) => {
  const { person } = await buildTestApp(t);
  const [ann, bob] = await Promise.all([person('Ann'), person('Bob')]);
  await block(ann, bob);
  const socket = await ann.socket();
  const opened = await bob.call('chats.open', { userId: ann.id });
  assert.deepEqual(opened.members.map(({ user }) => user.id).sort(), [ann.id, bob.id].sort());
  await send(bob, ann, 'hello?');
  assert.deepEqual(await heard(socket), []);
  assert.deepEqual((await ann.call('chats.list')).items, []);
  assert.deepEqual((await ann.call('messages.sync')).chats, []);
  await assert.rejects(ann.call('chats.get', { id: opened.id }), isCode('CHAT_NOT_FOUND'));
  for (const name of ['chats.clear', 'chats.arrange'] as const) await assert.rejects(ann.call(name, { id: opened.id }), isCode('CHAT_NOT_FOUND'));
  await assert.rejects(ann.call('chats.open', { userId: bob.id }), isCode('BLOCKED'));
  await assert.rejects(send(ann, bob, 'hello'), isCode('BLOCKED'));

  await unblock(ann, bob);
  await heard(socket);
  await bob.call('messages.send', { chatId: opened.id, text: 'hello!' });
  await socket.next('message.created');
  assert.deepEqual(await textsIn(ann, opened.id), ['hello!']);
  assert.deepEqual((await ann.call('chats.list')).items.map(({ unread }) => unread), [1]);
});

test('whoever blocks somebody makes no chat with them, and the other one hears nothing', async (t) => {
  const { person } = await buildTestApp(t);
  const [ann, bob] = await Promise.all([person('Ann'), person('Bob')]);
  const socket = await bob.socket();
  await block(ann, bob);
  await assert.rejects(ann.call('chats.open', { userId: bob.id }), isCode('BLOCKED'));
  await assert.rejects(send(ann, bob, 'hello'), isCode('BLOCKED'));
  assert.deepEqual(await heard(socket), []);
  assert.deepEqual((await bob.call('chats.list')).items, []);
});

test('a new text of a blocked person does not reach whoever blocks them: the message is gone for them; one that cannot be edited stays', async (t) => {
  const { ann, bob, chatId, published } = await talking(t);
  const [theirs] = (await ann.call('messages.list', { chatId, after: 1 })).items;
  const socket = await ann.socket();
  await block(ann, bob);
  await heard(socket);
  const edit = (text: string) => bob.call('messages.edit', { id: theirs?.id, text });
  await edit('from Bob');
  assert.deepEqual(await textsIn(ann, chatId), ['from Ann', 'from Bob']);
  assert.equal((await edit('something bad')).text, 'something bad');
  assert.deepEqual(await heard(socket), ['chat.arranged', 'message.passed']);
  assert.deepEqual(await textsIn(ann, chatId), ['from Ann']);
  assert.deepEqual(await textsIn(bob, chatId), ['from Ann', 'something bad']);
  assert.ok(published.some(({ event }) => event.name === 'message.edited'));
});

test('what a blocked person edits is hidden however much already is, and does not count as what one has hidden oneself', async (t) => {
  const { ann, bob, chatId, mongodbUri } = await talking(t);
  const theirs = [(await ann.call('messages.list', { chatId, after: 1 })).items[0]?.id, (await send(bob, ann, 'more')).id];
  const memberships = (await connect(t, mongodbUri)).collection('memberships');
  const hidden = Array.from({ length: 999 }, (_, number) => ({ from: 10 + 2 * number, to: 10 + 2 * number }));
  await memberships.updateOne({ chatId: new Types.ObjectId(chatId), userId: new Types.ObjectId(ann.id) }, { $set: { hidden } });
  await block(ann, bob);
  await bob.call('messages.edit', { id: theirs[0], text: 'something bad' });
  const [own] = (await ann.call('messages.list', { chatId })).items;
  await ann.call('messages.hide', { id: own?.id });
  await assert.rejects(ann.call('messages.hide', { id: theirs[1] }), isCode('TOO_MUCH_HIDDEN'), 'of one\'s own there is a most');
  assert.deepEqual(await textsIn(ann, chatId), ['more']);
  await bob.call('messages.edit', { id: theirs[1], text: 'something worse' });
  assert.deepEqual(await textsIn(ann, chatId), []);
  const { mine } = await ann.call('chats.get', { id: chatId });
  assert.deepEqual([mine.hidden[0], mine.hidden.length], [{ from: 1, to: 3 }, 1001]);
  assert.deepEqual((await ann.call('chats.clear', { id: chatId })).hidden.slice(0, 1), hidden.slice(0, 1), 'what is cleared need not be hidden');
});

test('in a common group both go on to see what the other writes', async (t) => {
  const { person } = await buildTestApp(t);
  const [ann, bob] = await Promise.all([person('Ann'), person('Bob')]);
  const { id } = await ann.call('groups.create', { title: 'Chess', userIds: [bob.id] });
  await block(ann, bob);
  await bob.call('messages.send', { chatId: id, text: 'e4' });
  await ann.call('messages.send', { chatId: id, text: 'e5' });
  for (const one of [ann, bob]) assert.deepEqual((await textsIn(one, id)).filter(Boolean), ['e4', 'e5']);
});

test('between whom there is a block neither brings the other into a group: they are left out, as are those who do not want to be added', async (t) => {
  const { person } = await buildTestApp(t);
  const [ann, bob, cem, dan] = await Promise.all([person('Ann'), person('Bob'), person('Cem'), person('Dan')]);
  await block(ann, bob);
  await cem.call('users.update', { id: 'me', privacy: { groups: 'nobody' } });
  for (const [maker, other] of [[ann, bob], [bob, ann]] as const) {
    const { id, memberCount } = await maker.call('groups.create', { title: 'Chess', userIds: [other.id, cem.id, dan.id] });
    assert.equal(memberCount, 2);
    assert.deepEqual(await maker.call('groups.add', { id, userIds: [other.id, cem.id, dan.id] }), { added: [] });
  }
  await cem.call('users.update', { id: 'me', privacy: { groups: 'contacts' } });
  const { id } = await dan.call('groups.create', { title: 'Chess' });
  assert.deepEqual(await dan.call('groups.add', { id, userIds: [cem.id] }), { added: [] });
  await cem.call('chats.open', { userId: dan.id });
  assert.deepEqual(await dan.call('groups.add', { id, userIds: [cem.id, ann.id, bob.id] }), { added: [cem.id, ann.id, bob.id] });
});

test('whom I block is told to my other devices, listed by id, and part of a sync when it has changed', async (t) => {
  const { person } = await buildTestApp(t);
  const [ann, bob, cem] = await Promise.all([person('Ann'), person('Bob'), person('Cem')]);
  const socket = await ann.socket();
  await block(ann, bob);
  assert.deepEqual((await socket.next('block.created')).params, { userId: bob.id });
  const first = await ann.call('messages.sync');
  assert.deepEqual(first.blocked, [bob.id]);
  assert.equal((await bob.call('messages.sync')).blocked, undefined);
  await block(ann, cem);
  const second = await ann.call('messages.sync', { cursor: first.cursor });
  assert.deepEqual(second.blocked, [bob.id, cem.id].sort());
  const list = (input: object): Promise<Output<'blocks.list'>> => ann.call('blocks.list', input);
  const page = await list({ limit: 1 });
  const rest = await list({ after: page.items[0]?.id });
  assert.deepEqual([[...page.items, ...rest.items].map(({ id }) => id), page.more, rest.more], [[bob.id, cem.id].sort(), true, false]);
  await unblock(ann, bob);
  assert.deepEqual((await socket.next('block.removed')).params, { userId: bob.id });
  assert.deepEqual((await ann.call('messages.sync', { cursor: second.cursor })).blocked, [cem.id]);
});

test('blocking twice, also at once, is blocking once, and unblocking whom one does not block is nothing', async (t) => {
  const { ann, bob, chatId } = await talking(t);
  await unblock(ann, bob);
  const socket = await ann.socket();
  await Promise.all([block(ann, bob), block(ann, bob), block(ann, bob)]);
  await block(ann, bob);
  assert.deepEqual(await heard(socket), ['chat.arranged', 'block.created']);
  await Promise.all([unblock(ann, bob), unblock(ann, bob)]);
  assert.deepEqual(await heard(socket), ['chat.arranged', 'block.removed']);
  assert.deepEqual((await ann.call('chats.get', { id: chatId })).mine.hidden, []);
});

test('nobody blocks themselves, somebody who is not there, or more people than one can', async (t) => {
  const { person, mongodbUri } = await buildTestApp(t);
  const [ann, bob] = await Promise.all([person('Ann'), person('Bob')]);
  await assert.rejects(ann.call('blocks.create', { userId: ann.id }), isCode('NOT_WITH_YOURSELF'));
  await assert.rejects(ann.call('blocks.create', { userId: 'f'.repeat(24) }), isCode('USER_NOT_FOUND'));
  const blocks = (await connect(t, mongodbUri)).collection<{ _id: string }>('blocks');
  const others = Array.from({ length: 1000 }, () => new Types.ObjectId());
  await blocks.insertMany(others.map((otherId) => ({ _id: `${ann.id}:${otherId.toHexString()}`, userId: new Types.ObjectId(ann.id), otherId, blocked: true, version: 1, changedAt: new Date() })));
  await assert.rejects(block(ann, bob), isCode('TOO_MANY_BLOCKED'));
  await blocks.deleteOne({ otherId: others[0] });
  await block(ann, bob);
  await block(ann, bob);
  assert.equal(await blocks.countDocuments({ blocked: true }), 1000, 'what is so already is no change');
});

test('when both block each other each is told of their own block only, and neither reaches the other', async (t) => {
  const { ann, bob, chatId } = await talking(t);
  await block(ann, bob);
  await block(bob, ann);
  for (const one of [ann, bob]) await assert.rejects(one.call('messages.send', { chatId, text: 'no' }), isCode('BLOCKED'));
  await unblock(ann, bob);
  await ann.call('messages.send', { chatId, text: 'unseen' });
  assert.deepEqual(await textsIn(bob, chatId), ['from Ann', 'from Bob']);
  await assert.rejects(bob.call('messages.send', { chatId, text: 'no' }), isCode('BLOCKED'));
});

test('a block that a crash has left half made is completed, and so is its end', async (t) => {
  const { ann, bob, chatId, mongodbUri } = await talking(t);
  const socket = await ann.socket();
  const blocks = (await connect(t, mongodbUri)).collection<{ _id: string }>('blocks');
  await blocks.insertOne({ _id: `${ann.id}:${bob.id}`, userId: new Types.ObjectId(ann.id), otherId: new Types.ObjectId(bob.id), blocked: true, version: 1, changedAt: new Date() } as { _id: string });
  await socket.next('block.created');
  await bob.call('messages.send', { chatId, text: 'unseen' });
  assert.deepEqual(await textsIn(ann, chatId), ['from Ann', 'from Bob']);
  await blocks.updateOne({}, { $set: { blocked: false, version: 2 }, $currentDate: { changedAt: true } });
  await socket.next('block.removed');
  await bob.call('messages.send', { chatId, text: 'seen' });
  assert.deepEqual(await textsIn(ann, chatId), ['from Ann', 'from Bob', 'seen']);
});

test('a block and a first message at the same instant: either the message came before, or it is not seen', async (t) => {
  const { person } = await buildTestApp(t);
  for (let round = 0; round < 10; round++) {
    const [ann, bob] = await Promise.all([person('Ann'), person('Bob')]);
    await Promise.all([block(ann, bob), send(bob, ann, 'first')]);
    await send(bob, ann, 'later');
    const seen = (await ann.call('messages.sync')).chats.flatMap(({ messages }) => messages.map(({ text }) => text));
    assert.ok(seen.length === 0 || (seen.length === 1 && seen[0] === 'first'), seen.join());
    await assert.rejects(send(ann, bob, 'no'), isCode('BLOCKED'));
  }
});
