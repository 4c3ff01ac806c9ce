/** Whoever ends their account may take along what they have written, wherever it is. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { buildTestApp, connect } from '../helpers/app.ts';
import { createReplica } from '../helpers/replica.ts';
import { countWaitingMails, mentions } from '../helpers/store.ts';
import { until } from '../helpers/until.ts';

test('messages that are removed too are told of one by one, without a gap, and the others stay', async (t) => {
  const { person, mongodbUri } = await buildTestApp(t);
  const [ann, bob] = await Promise.all([person('Ann'), person('Bob')]);
  const socket = await bob.socket();
  const replica = createReplica();
  const { id: gone } = await ann.call('messages.send', { to: bob.id, text: 'secret gone' });
  const { chatId } = await ann.call('messages.send', { to: bob.id, text: 'secret one' });
  const { id: edited } = await ann.call('messages.send', { chatId, text: 'secret draft' });
  await bob.call('messages.send', { chatId, text: 'answer' });
  await ann.call('messages.remove', { id: gone });
  await ann.call('messages.edit', { id: edited, text: 'secret two' });
  await ann.call('account.remove', { password: ann.password, messages: 'remove' });

  await until('the last message is gone', () => {
    for (const { method, params } of socket.events.splice(0)) assert.ok(replica.apply({ name: method, payload: params }), 'no number is left out');
    return replica.messagesOf(chatId).filter(({ removedAt }) => removedAt !== undefined).length === 3;
  });
  const { items } = await bob.call('messages.list', { chatId });
  assert.deepEqual(replica.messagesOf(chatId), items);
  assert.deepEqual(items.map(({ text, rev }) => [text, rev]), [[undefined, 1], [undefined, 3], [undefined, 4], ['answer', undefined]]);
  assert.deepEqual((await bob.call('messages.sync')).chats[0]?.place, { seq: 4, rev: 4 });
  const connection = await connect(t, mongodbUri);
  await until('search forgets its words', async () => !(await mentions(connection, 'secret')));
});

test('messages are removed also where their sender does not see them any more: cleared, hidden, or in groups they have left', async (t) => {
  const { person } = await buildTestApp(t);
  const [ann, bob] = await Promise.all([person('Ann'), person('Bob')]);
  const { chatId } = await ann.call('messages.send', { to: bob.id, text: 'cleared' });
  await ann.call('chats.clear', { id: chatId });
  const { id: hidden } = await ann.call('messages.send', { chatId, text: 'hidden' });
  await ann.call('messages.hide', { id: hidden });
  const groups = await Promise.all(['left', 'expelled'].map(async (title) => (await bob.call('groups.create', { title, userIds: [ann.id] })).id));
  for (const id of groups) await ann.call('messages.send', { chatId: id, text: 'in a group' });
  await ann.call('groups.leave', { id: groups[0] });
  await bob.call('groups.expel', { id: groups[1], userId: ann.id });
  const texts = async () => (await Promise.all([chatId, ...groups].map((id) => bob.call('messages.list', { chatId: id })))).flatMap(({ items }) => items.flatMap(({ text }) => text ?? []));
  assert.deepEqual(await texts(), ['cleared', 'hidden', 'in a group', 'in a group']);
  await ann.call('account.remove', { password: ann.password, messages: 'remove' });
  await until('all of them are gone', async () => (await texts()).length === 0);
});

test('whoever has no chat is removed, and so is whoever has notes only', async (t) => {
  const { person, mongodbUri } = await buildTestApp(t);
  const [ann, bob] = await Promise.all([person('Ann'), person('Bob')]);
  await bob.call('messages.send', { to: bob.id, text: 'secret note' });
  for (const one of [ann, bob]) await one.call('account.remove', { password: one.password, messages: 'remove' });
  const connection = await connect(t, mongodbUri);
  await until('all sessions, log entries and notes are gone', async () => {
    const left = await Promise.all([countWaitingMails(connection), ...['sessions', 'security', 'tokens'].map((name) => connection.collection(name).countDocuments())]);
    return left.every((count) => count === 0) && !(await mentions(connection, 'secret'));
  });
});
