/** Who is a contact of whom. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Types } from 'mongoose';
import { buildTestApp, connect, type TestApp } from '../helpers/app.ts';
import type { Person } from '../helpers/people.ts';

/** Whether the other one is a contact of somebody, which both are asked for. */
async function isContact({ services: { chats } }: Pick<TestApp, 'services'>, owner: Person, other: Person): Promise<boolean> {
  const [{ contacts }, { contactOf }] = await Promise.all([chats.contactsAmong(owner.id, [other.id]), chats.contactsAmong(other.id, [owner.id])]);
  assert.equal(contacts.has(other.id), contactOf.has(owner.id));
  return contacts.has(other.id);
}

test('whom somebody writes to, or whose chat they open themselves, is a contact of theirs, and they are none by it', async (t) => {
  const server = await buildTestApp(t);
  const [ann, bob, cem] = await Promise.all([server.person('Ann'), server.person('Bob'), server.person('Cem')]);
  await ann.call('chats.open', { userId: bob.id });
  await ann.call('messages.send', { to: cem.id, text: 'hello' });
  for (const other of [bob, cem]) assert.deepEqual([await isContact(server, ann, other), await isContact(server, other, ann)], [true, false]);
  await bob.call('chats.open', { userId: ann.id });
  await cem.call('messages.send', { to: ann.id, text: 'hello' });
  for (const other of [bob, cem]) assert.equal(await isContact(server, other, ann), true);
});

test('of two who open their chat at the same instant each is a contact of the other', async (t) => {
  const server = await buildTestApp(t);
  const [ann, bob] = await Promise.all([server.person('Ann'), server.person('Bob')]);
  await Promise.all([ann.call('chats.open', { userId: bob.id }), bob.call('chats.open', { userId: ann.id })]);
  assert.deepEqual([await isContact(server, ann, bob), await isContact(server, bob, ann)], [true, true]);
});

test('nobody is a contact by a group, and oneself neither', async (t) => {
  const server = await buildTestApp(t);
  const [ann, bob] = await Promise.all([server.person('Ann'), server.person('Bob')]);
  const { id } = await ann.call('groups.create', { title: 'Chess', userIds: [bob.id] });
  for (const one of [ann, bob]) await one.call('messages.send', { chatId: id, text: 'e4' });
  await ann.call('messages.send', { to: ann.id, text: 'buy milk' });
  assert.deepEqual(await server.services.chats.contactsAmong(ann.id, [ann.id, bob.id]), { contacts: new Set(), contactOf: new Set() });
});

test('what a crash kept from being noted the messages say, and the next message has it noted', async (t) => {
  const before = await buildTestApp(t);
  const [ann, bob] = await Promise.all([before.person('Ann'), before.person('Bob')]);
  const { chatId } = await ann.call('messages.send', { to: bob.id, text: 'hello' });
  await before.close();
  const store = await connect(t, before.mongodbUri);
  await store.collection('memberships').updateMany({}, { $unset: { engaged: '' } });
  await store.collection('chats').updateOne({ _id: new Types.ObjectId(chatId) }, { $set: { 'head.seq': 0 } });
  const next = await buildTestApp(t, { mongodbUri: before.mongodbUri });
  assert.deepEqual([await isContact(next, ann, bob), await isContact(next, bob, ann)], [true, false]);
  await next.dispatch.call('messages.send', bob.caller, { chatId, text: 'hello yourself' });
  await next.close();
  const { head } = (await store.collection<{ head: { seq: number } }>('chats').findOne({ _id: new Types.ObjectId(chatId) })) ?? {};
  assert.equal(head?.seq, 2);
  assert.equal(await store.collection('memberships').countDocuments({ engaged: true }), 2);
});

test('who is blocked makes themselves no contact, whatever they write, and the one who blocks keeps theirs', async (t) => {
  const server = await buildTestApp(t);
  const [ann, bob] = await Promise.all([server.person('Ann'), server.person('Bob')]);
  await ann.call('blocks.create', { userId: bob.id });
  await bob.call('messages.send', { to: ann.id, text: 'hello' });
  assert.deepEqual([await isContact(server, bob, ann), await isContact(server, ann, bob)], [true, false]);
  await assert.rejects(ann.call('chats.open', { userId: bob.id }), { code: 'BLOCKED' });
  await ann.call('blocks.remove', { userId: bob.id });
  assert.equal(await isContact(server, ann, bob), false);
  await ann.call('messages.send', { to: bob.id, text: 'hello' });
  await ann.call('blocks.create', { userId: bob.id });
  assert.equal(await isContact(server, ann, bob), true);
});
