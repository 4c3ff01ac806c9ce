/** What a list of chats asks the store for where its viewer does not see the last message. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { buildTestApp, connect, freshDatabase } from '../helpers/app.ts';
import type { Person } from '../helpers/people.ts';
import { profile } from '../helpers/profile.ts';
import { untilIndexed } from '../helpers/search.ts';

/** A group in which this was said. */
async function groupWith(person: Person, texts: readonly string[]): Promise<{ id: string; messageIds: string[] }> {
  const { id } = await person.call('groups.create', { title: 'Group', userIds: [] });
  const messageIds: string[] = [];
  for (const text of texts) messageIds.push((await person.call('messages.send', { chatId: id, text })).id);
  return { id, messageIds };
}

test('a list of many chats that are cleared, or whose last message is hidden, asks the store no more often than one of few', async (t) => {
  const uri = freshDatabase(t);
  const server = await buildTestApp(t, { mongodbUri: `${uri}?appName=listing` });
  const ann = await server.person('Ann');
  const shown: string[] = [];
  const addSome = async (count: number): Promise<void> => {
    for (let number = 0; number < count; number++) {
      await ann.call('chats.clear', { id: (await groupWith(ann, [])).id });
      const { id, messageIds } = await groupWith(ann, ['seen', 'hidden', 'hidden as well']);
      for (const hidden of messageIds.slice(1)) await ann.call('messages.hide', { id: hidden });
      shown.unshift(id);
    }
    await untilIndexed(t, uri);
  };
  const store = await connect(t, uri);
  const countLookUps = async (): Promise<number> => {
    const stopNoting = await profile(store, 'listing');
    const { items } = await ann.call('chats.list', { limit: 50 });
    const lookUps = (await stopNoting()).filter(({ collection, shape }) => collection === 'messages' && /^\{"filter":.*"seq"/.test(shape));
    assert.deepEqual(items.map(({ id, lastMessage }) => [id, lastMessage?.text]), shown.map((id) => [id, 'seen']));
    return lookUps.length;
  };
  await addSome(1);
  // One for the order, one for the page.
  assert.equal(await countLookUps(), 2);
  await addSome(14);
  assert.equal(await countLookUps(), 2);
});

test('the list goes by when what is to be seen was sent, whatever was hidden since', async (t) => {
  const { person } = await buildTestApp(t);
  const ann = await person('Ann');
  const [first, second] = [await groupWith(ann, ['one', 'two']), await groupWith(ann, ['three'])];
  const { id } = await ann.call('messages.send', { chatId: first.id, text: 'four' });
  const listed = async (input: object = {}) => (await ann.call('chats.list', input)).items.map((chat) => chat.id);
  assert.deepEqual(await listed(), [first.id, second.id]);
  await ann.call('messages.hide', { id });
  assert.deepEqual(await listed(), [second.id, first.id]);
  const { cursor } = await ann.call('chats.list', { limit: 1 });
  assert.deepEqual(await listed({ cursor }), [first.id]);
});

test('the last message of each chat in a list is seen as its viewer may see it there', async (t) => {
  const { person } = await buildTestApp(t);
  const [ann, bob] = await Promise.all([person('Ann'), person('Bob')]);
  const answered = async (addBob: 'before' | 'after') => {
    const { id: chatId } = await ann.call('groups.create', { title: addBob, settings: { history: 'joined' }, userIds: addBob === 'before' ? [bob.id] : [] });
    const original = await ann.call('messages.send', { chatId, text: 'original' });
    if (addBob === 'after') await ann.call('groups.add', { id: chatId, userIds: [bob.id] });
    await ann.call('messages.send', { chatId, text: 'answer', replyTo: original.id });
    return { id: original.id, seq: original.seq };
  };
  const [seen, unseen] = [await answered('before'), await answered('after')];
  await answered('before');
  const { items } = await bob.call('chats.list');
  const full = { ...seen, senderId: ann.id, text: 'original' };
  assert.deepEqual(items.slice(1).map(({ lastMessage }) => lastMessage?.replyTo), [unseen, full]);
  assert.equal(items[0]?.lastMessage?.replyTo?.text, 'original');
});
