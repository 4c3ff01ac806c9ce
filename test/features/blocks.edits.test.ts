/** What somebody blocked edits: hidden from whoever blocks them, and in no time that would tell of it. */
import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { buildTestApp } from '../helpers/app.ts';
import { holderOf } from '../helpers/held.ts';

/** Two people, and two messages of the second in their chat. */
async function talking(t: TestContext) {
  const app = await buildTestApp(t);
  const [ann, bob] = await Promise.all([app.person('Ann'), app.person('Bob')]);
  const { id, chatId } = await bob.call('messages.send', { to: ann.id, text: 'one' });
  const other = await bob.call('messages.send', { chatId, text: 'two' });
  return { app, ann, bob, chatId, ids: [id, other.id] as const };
}

const noSooner = async (work: Promise<unknown>, milliseconds: number): Promise<void> => assert.equal(await Promise.race([work, pause(milliseconds, 'not yet')]), 'not yet');

test('an edit is told and answered no sooner than hiding it could have been written, and one of a person after another', async (t) => {
  const { bob, ids } = await talking(t);
  const socket = await bob.socket();
  const edited = bob.call('messages.edit', { id: ids[0], text: 'three' });
  await noSooner(Promise.race([edited, socket.next('message.edited')]), 40);
  await edited;
  const both = Promise.all(ids.map((id) => bob.call('messages.edit', { id, text: 'four' })));
  await noSooner(both, 90);
  await both;
});

test('hiding what is edited takes no turn in the chat, where it would hold up the next edit', async (t) => {
  const { app, ann, bob, ids, chatId } = await talking(t);
  await ann.call('blocks.create', { userId: bob.id });
  const held = holderOf(t, app)('Membership', 'findOneAndUpdate', () => bob.call('messages.react', { id: ids[1], emoji: '👍' }));
  await bob.call('messages.edit', { id: ids[0], text: 'three' });
  assert.equal(held(), 1);
  const { items } = await bob.call('messages.list', { chatId });
  assert.deepEqual(items.map(({ text, rev }) => [text, rev]), [['three', 2], ['two', 1]]);
  assert.deepEqual((await ann.call('messages.list', { chatId })).items.map(({ text }) => text), ['two']);
});

test('what an edit is refused for is not hidden', async (t) => {
  const { ann, bob, ids, chatId } = await talking(t);
  const theirs = await ann.call('messages.send', { chatId, text: 'three' });
  await ann.call('blocks.create', { userId: bob.id });
  await assert.rejects(bob.call('messages.edit', { id: theirs.id, text: 'mine' }), { code: 'NOT_THE_SENDER' });
  await bob.call('messages.remove', { id: ids[0] });
  await assert.rejects(bob.call('messages.edit', { id: ids[0], text: 'again' }), { code: 'MESSAGE_REMOVED' });
  assert.deepEqual((await ann.call('messages.list', { chatId })).items.map(({ seq }) => seq), [1, 2, 3]);
});
