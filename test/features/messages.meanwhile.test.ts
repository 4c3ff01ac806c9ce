/** What comes to be while messages are read for somebody who may not see it: an answer shows none of it. */
import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { buildTestApp } from '../helpers/app.ts';
import { holdReading } from '../helpers/held.ts';
import type { Person } from '../helpers/people.ts';

const isByNumber = (filter: object): boolean => '$or' in filter || 'seq' in filter || 'rev' in filter;
const isById = (filter: object): boolean => '_id' in filter;

/** Bob blocks Ann, who edits a message of theirs while something of Bob's is read. */
async function blocking(t: TestContext, isMeant = isByNumber, edited: 'one' | 'two' = 'two') {
  const app = await buildTestApp(t);
  const [ann, bob] = await Promise.all([app.person('Ann'), app.person('Bob')]);
  const one = await ann.call('messages.send', { to: bob.id, text: 'one' });
  const { chatId } = one;
  const two = await ann.call('messages.send', { chatId, text: 'two' });
  const edit = () => ann.call('messages.edit', { id: { one, two }[edited].id, text: 'EDITED' });
  const block = () => bob.call('blocks.create', { userId: ann.id });
  return { app, ann, bob, chatId, two, block, holdEdit: () => holdReading(t, app, isMeant, edit) };
}

interface Reading {
  read: (bob: Person, chatId: string) => Promise<{ text?: string }[]>;
  shown: string[];
  edited?: 'one';
}

const readings: Record<string, Reading> = {
  'messages.list': { read: async (bob, chatId) => (await bob.call('messages.list', { chatId })).items, shown: ['one'] },
  'messages.list of one': { read: async (bob, chatId) => (await bob.call('messages.list', { chatId, limit: 1 })).items, shown: ['one'] },
  'messages.list upwards': { read: async (bob, chatId) => (await bob.call('messages.list', { chatId, after: 1, limit: 1 })).items, shown: [] },
  'chats.get': { read: async (bob, id) => [(await bob.call('chats.get', { id })).lastMessage ?? {}], shown: ['one'] },
  'chats.list': { read: async (bob) => (await bob.call('chats.list')).items.flatMap(({ lastMessage }) => lastMessage ?? []), shown: ['one'] },
  'messages.sync': { read: async (bob) => (await bob.call('messages.sync')).chats.flatMap(({ messages }) => messages), shown: ['one'] },
  'messages.sync step by step': { read: async (bob) => (await bob.call('messages.sync', { limit: 1 })).chats.flatMap(({ messages }) => messages), shown: ['two'], edited: 'one' },
};

for (const [name, { read, shown, edited }] of Object.entries(readings)) {
  test(`what somebody blocked edits while it is read shows in no answer: ${name}`, async (t) => {
    const { bob, chatId, block, holdEdit } = await blocking(t, isByNumber, edited);
    await block();
    const { through, held } = holdEdit();
    assert.deepEqual((await through(() => read(bob, chatId))).map(({ text }) => text), shown);
    assert.equal(held(), 1);
  });
}

for (const name of ['messages.list', 'messages.unreact'] as const) {
  test(`nor does it show as what a reply replies to: ${name}`, async (t) => {
    const { bob, two, chatId, block, holdEdit } = await blocking(t, isById);
    const reply = await bob.call('messages.send', { chatId, text: 'three', replyTo: two.id });
    await bob.call('messages.react', { id: reply.id, emoji: '👍' });
    await block();
    const { through, held } = holdEdit();
    const answer = await through(async () => (name === 'messages.list' ? (await bob.call(name, { chatId, limit: 1 })).items[0] : bob.call(name, { id: reply.id, emoji: '👍' })));
    assert.deepEqual([held(), answer?.text, answer?.replyTo], [1, 'three', { id: two.id, seq: 2 }]);
  });
}

test('whoever is put out of a group while it is read sees nothing that was said since', async (t) => {
  const app = await buildTestApp(t);
  const [ann, bob] = await Promise.all([app.person('Ann'), app.person('Bob')]);
  const { id } = await ann.call('groups.create', { title: 'Group', userIds: [bob.id] });
  const { through, held } = holdReading(t, app, isByNumber, async () => {
    await ann.call('groups.expel', { id, userId: bob.id });
    await ann.call('messages.send', { chatId: id, text: 'about Bob' });
  });
  await assert.rejects(through(() => bob.call('messages.list', { chatId: id })), { code: 'CHAT_NOT_FOUND' });
  assert.equal(held(), 1);
});

test('a chat that is cleared while the list of chats is read is not in it', async (t) => {
  const app = await buildTestApp(t);
  const [ann, bob] = await Promise.all([app.person('Ann'), app.person('Bob')]);
  const { chatId } = await ann.call('messages.send', { to: bob.id, text: 'one' });
  await bob.call('chats.open', { userId: bob.id });
  const { through, held } = holdReading(t, app, isByNumber, () => bob.call('chats.clear', { id: chatId }));
  assert.deepEqual((await through(() => bob.call('chats.list'))).items.filter((chat) => chat.id === chatId), []);
  assert.equal(held(), 1);
});
