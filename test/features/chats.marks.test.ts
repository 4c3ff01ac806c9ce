/** How far members have come: one number each for reading and for delivery, told to those it concerns. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Types } from 'mongoose';
import { AppError } from '../../src/core/errors.ts';
import type { Person } from '../helpers/people.ts';
import { buildTestApp, connect } from '../helpers/app.ts';
import { addCopies } from '../helpers/copies.ts';
import { holderOf } from '../helpers/held.ts';

const isCode = (code: string) => (error: unknown): boolean => error instanceof AppError && error.code === code;

const markOf = async (viewer: Person, chatId: string, of: Person) => {
  const { chats } = await viewer.call('messages.sync');
  const { readSeq, deliveredSeq } = chats.find(({ chat }) => chat.id === chatId)?.members.find(({ user }) => user.id === of.id) ?? {};
  return [readSeq, deliveredSeq];
};

test('what has reached a device is told in the chat, goes up alone, and never beyond the last message', async (t) => {
  const { person } = await buildTestApp(t);
  const [ann, bob] = await Promise.all([person('Ann'), person('Bob')]);
  const { chatId } = await ann.call('messages.send', { to: bob.id, text: 'one' });
  await ann.call('messages.send', { chatId, text: 'two' });
  const socket = await ann.socket();
  await bob.call('chats.receive', { chats: { [chatId]: 1 } });
  assert.deepEqual((await socket.next('chat.received')).params, { chatId, marks: [{ userId: bob.id, seq: 1 }] });
  await bob.call('chats.receive', { chats: { [chatId]: 0 } });
  await bob.call('chats.receive', { chats: { [chatId]: 99 } });
  assert.deepEqual((await socket.next('chat.received')).params, { chatId, marks: [{ userId: bob.id, seq: 2 }] });
  assert.deepEqual(await markOf(ann, chatId, bob), [0, 2]);
  assert.deepEqual(socket.events, []);
});

test('nobody raises a mark in a chat they are not in, also not who was in it', async (t) => {
  const { person, published, mongodbUri } = await buildTestApp(t);
  const [ann, bob, eve] = await Promise.all([person('Ann'), person('Bob'), person('Eve')]);
  const { chatId } = await ann.call('messages.send', { to: bob.id, text: 'one' });
  const { id } = await ann.call('groups.create', { title: 'Chess', userIds: [eve.id] });
  await eve.call('groups.leave', { id });
  const socket = await ann.socket();
  await eve.call('chats.receive', { chats: { [chatId]: 1, [id]: 2, ['0'.repeat(24)]: 1 } });
  for (const chat of [chatId, id]) await assert.rejects(eve.call('chats.read', { id: chat, seq: 2 }), isCode('CHAT_NOT_FOUND'));
  assert.ok(!published.some(({ event }) => ['chat.received', 'chat.read'].includes(event.name)));
  assert.deepEqual(socket.events, []);
  const ofEve = await (await connect(t, mongodbUri)).collection('memberships').find({ userId: new Types.ObjectId(eve.id) }).toArray();
  assert.deepEqual(ofEve.map((own) => [String(own['chatId']), Number(own['deliveredSeq'])]), [[id, 0]]);
});

test('however many acknowledge at once, it is one event for a chat', async (t) => {
  const { person, published } = await buildTestApp(t, { marksGather: 100 });
  const [ann, ...others] = await Promise.all(['Ann', 'Bob', 'Cem', 'Dan', 'Eve'].map((name) => person(name)));
  const { id } = await (ann as Person).call('groups.create', { title: 'Chess', userIds: others.map((one) => one.id) });
  await (ann as Person).socket();
  for (let number = 0; number < 5; number++) await (ann as Person).call('messages.send', { chatId: id, text: 'hello' });
  await Promise.all(others.flatMap((one) => [2, 4, 6, 3].map((seq) => one.call('chats.receive', { chats: { [id]: seq } }))));
  const told = published.filter(({ event }) => event.name === 'chat.received').map(({ event }) => event.payload as { marks: { seq: number }[] });
  assert.deepEqual(told.map(({ marks }) => marks.map(({ seq }) => seq)), [[6, 6, 6, 6]]);
});

test('whoever acknowledges thousands of chats that are not theirs holds up nobody, and has to wait for more', async (t) => {
  const { person } = await buildTestApp(t, { marksGather: 100 });
  const [ann, bob, eve] = await Promise.all([person('Ann'), person('Bob'), person('Eve')]);
  const { chatId } = await ann.call('messages.send', { to: bob.id, text: 'hello' });
  const socket = await ann.socket();
  const foreign = () => Object.fromEntries(Array.from({ length: 500 }, () => [new Types.ObjectId().toHexString(), 1]));
  const flood = Array.from({ length: 20 }, () => eve.call('chats.receive', { chats: foreign() }));
  await assert.rejects(eve.call('chats.receive', { chats: foreign() }), isCode('BUSY'));
  await bob.call('chats.receive', { chats: { [chatId]: 1 } });
  await Promise.all(flood);
  assert.deepEqual((await socket.next('chat.received')).params, { chatId, marks: [{ userId: bob.id, seq: 1 }] });
});

test('what somebody has read is told also if what others have received at the same time cannot be written', async (t) => {
  const server = await buildTestApp(t, { marksGather: 100 });
  const [ann, bob] = await Promise.all([server.person('Ann'), server.person('Bob')]);
  const { chatId } = await ann.call('messages.send', { to: bob.id, text: 'hello' });
  const socket = await ann.socket();
  const held = holderOf(t, server)('Membership', 'bulkWrite', () => Promise.reject(new AppError('UNAVAILABLE')));
  const received = bob.call('chats.receive', { chats: { [chatId]: 1 } });
  await bob.call('chats.read', { id: chatId, seq: 1 });
  await assert.rejects(received, isCode('UNAVAILABLE'));
  assert.equal(held(), 1);
  assert.deepEqual((await socket.next('chat.read')).params, { chatId, marks: [{ userId: bob.id, seq: 1 }] });
});

test('reading is told in a group to those who tell, and marks are found by sync', async (t) => {
  const { person } = await buildTestApp(t);
  const [ann, bob, cem] = await Promise.all([person('Ann'), person('Bob'), person('Cem')]);
  await cem.call('users.update', { id: 'me', privacy: { readReceipts: false } });
  const { id } = await ann.call('groups.create', { title: 'Chess', userIds: [bob.id, cem.id] });
  const { cursor } = await ann.call('messages.sync');
  const [anns, cems] = await Promise.all([ann.socket(), cem.socket()]);
  await bob.call('chats.read', { id, seq: 1 });
  await cem.call('chats.read', { id, seq: 1 });
  assert.deepEqual((await anns.next('chat.read')).params, { chatId: id, marks: [{ userId: bob.id, seq: 1 }] });
  await bob.call('chats.receive', { chats: {} });
  assert.deepEqual(anns.events, []);
  // Its answer comes after every event that was sent before.
  await cems.call('users.me');
  assert.deepEqual(cems.events.map(({ params }) => params), [{ chatId: id, marks: [{ userId: cem.id, seq: 1 }] }]);
  const { chats } = await ann.call('messages.sync', { chats: { [id]: { seq: 1, rev: 0 } }, cursor });
  const marks = new Map(chats[0]?.members.map(({ user, readSeq }) => [user.firstName, readSeq]));
  assert.deepEqual([marks.get('Bob'), marks.get('Cem')], [1, undefined]);
});

test('who has read a message is told to whoever sees it, of those who tell it and were there, and not of its sender', async (t) => {
  const { person } = await buildTestApp(t);
  const [ann, bob, cem, dan, eve] = await Promise.all([person('Ann'), person('Bob'), person('Cem'), person('Dan'), person('Eve')]);
  const { id: chatId } = await ann.call('groups.create', { title: 'Chess', userIds: [bob.id, cem.id, dan.id] });
  const { id, seq } = await ann.call('messages.send', { chatId, text: 'one' });
  await ann.call('groups.add', { id: chatId, userIds: [eve.id] });
  const seenBy = async (viewer: Person) => (await viewer.call('messages.seen', { id })).users.map((user) => user.id);
  assert.deepEqual(await seenBy(ann), []);
  await cem.call('users.update', { id: 'me', privacy: { readReceipts: false } });
  for (const one of [bob, cem, eve]) await one.call('chats.read', { id: chatId, seq });
  await dan.call('messages.send', { chatId, text: 'two' });
  assert.deepEqual(await seenBy(ann), [bob.id, dan.id].sort());
  assert.deepEqual(await seenBy(bob), [bob.id, dan.id].sort());
  assert.deepEqual(await seenBy(cem), [cem.id]);
  const stranger = await person('Fay');
  await assert.rejects(stranger.call('messages.seen', { id }), { code: 'MESSAGE_NOT_FOUND' });
});

test('who has seen a message goes by the marks alone: neither a message sent or edited while blocked, nor the end of the block, tells of it', async (t) => {
  const { person } = await buildTestApp(t);
  const [ann, bob] = await Promise.all([person('Ann'), person('Bob')]);
  const seenBy = async (id: string) => (await ann.call('messages.seen', { id })).users.map((user) => user.id);
  const { id: old, chatId } = await ann.call('messages.send', { to: bob.id, text: 'one' });
  await bob.call('messages.send', { chatId, text: 'two' });
  await bob.call('blocks.create', { userId: ann.id });
  await ann.call('messages.edit', { id: old, text: 'edited' });
  assert.deepEqual(await seenBy(old), [bob.id]);
  const { id: unseen } = await ann.call('messages.send', { chatId, text: 'three' });
  assert.deepEqual(await seenBy(unseen), []);
  await bob.call('blocks.remove', { userId: ann.id });
  const { id: last, seq } = await ann.call('messages.send', { chatId, text: 'four' });
  await bob.call('chats.read', { id: chatId, seq });
  for (const id of [old, unseen, last]) assert.deepEqual(await seenBy(id), [bob.id]);
});

test('in a group of more than 200 nobody is told who has read what, also not of who comes, and who begins to tell', async (t) => {
  const { person, mongodbUri } = await buildTestApp(t);
  const [ann, bob] = await Promise.all([person('Ann'), person('Bob')]);
  const copies = await addCopies(t, mongodbUri, 200);
  const { id: chatId } = await ann.call('groups.create', { title: 'Crowd', userIds: copies });
  const { id } = await ann.call('messages.send', { chatId, text: 'one' });
  await assert.rejects(ann.call('messages.seen', { id }), { code: 'GROUP_TOO_LARGE' });

  const socket = await ann.socket();
  await ann.call('groups.add', { id: chatId, userIds: [bob.id] });
  const { members } = (await socket.next('notice.created')).params as { members: { user: { id: string }; readSeq?: number }[] };
  assert.deepEqual(members.map(({ user, readSeq }) => [user.id, readSeq]), [[bob.id, undefined]]);
  for (const readReceipts of [false, true]) await bob.call('users.update', { id: 'me', privacy: { readReceipts } });
  await bob.call('chats.receive', { chats: { [chatId]: 2 } });
  await socket.call('users.me');
  assert.deepEqual(socket.events.map(({ method }) => method), ['member.updated', 'member.updated']);
});
