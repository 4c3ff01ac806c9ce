/** What a sync gives whose place is of an earlier time in a chat, or of the midst of its members. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { buildTestApp } from '../helpers/app.ts';
import { addCopies } from '../helpers/copies.ts';
import { holdReading } from '../helpers/held.ts';

test('whoever has left a group and come again is given all its members: others may have left meanwhile', async (t) => {
  const { person } = await buildTestApp(t, { syncOverlap: 0 });
  const [ann, bob, cem, dee] = await Promise.all([person('Ann'), person('Bob'), person('Cem'), person('Dee')]);
  const { id } = await ann.call('groups.create', { title: 'Group', userIds: [bob.id, cem.id, dee.id] });
  const { cursor, chats: [first = assert.fail()] } = await bob.call('messages.sync');
  await bob.call('groups.leave', { id });
  await cem.call('groups.leave', { id });
  await ann.call('groups.add', { id, userIds: [bob.id] });
  const { chats: [again], gone } = await bob.call('messages.sync', { chats: { [id]: first.place }, cursor });
  assert.deepEqual([again?.members.map(({ user }) => user.id).sort(), gone], [[ann.id, bob.id, dee.id].sort(), []]);
  assert.deepEqual([first.mine.joinedSeq, again?.mine.joinedSeq], [1, 4], 'by which a client sees it');
});

for (const [how, limit] of [['at once', 200], ['step by step', 1]] as const) {
  test(`a sync that somebody is put out of a group under gives no place behind messages that it does not give: read ${how}`, async (t) => {
    const app = await buildTestApp(t);
    const [ann, bob] = await Promise.all([app.person('Ann'), app.person('Bob')]);
    const { id } = await ann.call('groups.create', { title: 'Group', userIds: [bob.id] });
    await ann.call('messages.send', { chatId: id, text: 'hello' });
    await ann.call('messages.react', { id: (await ann.call('messages.send', { chatId: id, text: 'all' })).id, emoji: '👋' });
    const input = { chats: { [id]: { seq: 1, rev: 0 } }, limit };
    const { through, held } = holdReading(t, app, (filter) => 'seq' in filter || '$or' in filter, () => ann.call('groups.expel', { id, userId: bob.id }));
    const { chats, gone, more } = await through(() => bob.call('messages.sync', input));
    assert.deepEqual([held(), chats, gone, more], [1, [], [id], false]);
    await ann.call('groups.add', { id, userIds: [bob.id] });
    assert.deepEqual((await bob.call('messages.sync')).chats[0]?.messages.slice(0, 3).map(({ seq }) => seq), [1, 2, 3]);
  });
}

test('whoever breaks off between two pages of members begins with all of them again, and hears who left meanwhile', async (t) => {
  const { person, mongodbUri } = await buildTestApp(t, { syncOverlap: 0 });
  const [ann, bob, cem] = await Promise.all([person('Ann'), person('Bob'), person('Cem')]);
  const copies = await addCopies(t, mongodbUri, 600);
  const { cursor } = await bob.call('messages.sync');
  const { id } = await ann.call('groups.create', { title: 'Crowd', userIds: [cem.id, ...copies] });
  await ann.call('groups.add', { id, userIds: [bob.id] });
  await ann.call('messages.send', { chatId: id, text: 'hello' });
  const begun = await bob.call('messages.sync', { cursor });
  const [part = assert.fail()] = begun.chats;
  assert.deepEqual([begun.more, part.place, part.messages], [true, { seq: 0, rev: 0 }, []]);
  assert.ok(part.members.some(({ user }) => user.id === cem.id), 'among the first five hundred');
  await cem.call('groups.leave', { id });
  const held = new Set(part.members.map(({ user }) => user.id));
  for (let place = part.place, on = cursor, more = true; more; ) {
    const answer = await bob.call('messages.sync', { chats: { [id]: place }, cursor: on });
    for (const chat of answer.chats) {
      for (const { user } of chat.members) held.add(user.id);
      for (const userId of chat.former) held.delete(userId);
      ({ place } = chat);
    }
    [on, more] = [answer.cursor, answer.more];
  }
  assert.deepEqual([...held].sort(), [ann.id, bob.id, ...copies].sort());
});
