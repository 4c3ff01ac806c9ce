/** To whom a change of a message is told: to nobody who may not see it by the time it is made, whichever process tells it. */
import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { buildTestApp } from '../helpers/app.ts';
import { holdWriting } from '../helpers/held.ts';
import type { Person } from '../helpers/people.ts';
import type { TestSocket } from '../helpers/socket.ts';

/** Two processes, two people known to the first, and a message of the second that was changed before. */
async function talking(t: TestContext) {
  const app = await buildTestApp(t);
  const other = await buildTestApp(t, { mongodbUri: app.mongodbUri });
  const [ann, bob] = await Promise.all([app.person('Ann'), app.person('Bob')]);
  const { id, chatId } = await bob.call('messages.send', { to: ann.id, text: 'one' });
  await bob.call('messages.react', { id, emoji: '👍' });
  const elsewhere = (person: Person, name: string, input: object) => other.dispatch.call(name, person.caller, input);
  return { app, ann, bob, id, chatId, elsewhere };
}

/** What has come so far, and whether it has this text; the answer has come after whatever was told before. */
async function heard(socket: TestSocket, text: string): Promise<string[]> {
  await socket.call('chats.receive', { chats: {} });
  return socket.events.splice(0).map(({ method, params }) => (JSON.stringify(params).includes(text) ? `${method} with it` : method));
}

test('what somebody blocked edits in one process is told by none', async (t) => {
  const { ann, bob, id, elsewhere } = await talking(t);
  await ann.call('blocks.create', { userId: bob.id });
  const socket = await ann.socket();
  await elsewhere(bob, 'messages.edit', { id, text: 'EDITED' });
  await bob.call('messages.react', { id, emoji: '🔥' });
  assert.deepEqual(await heard(socket, 'EDITED'), ['chat.arranged', 'message.passed', 'message.passed']);
  await bob.call('messages.edit', { id, text: 'EDITED again' });
  assert.deepEqual(await heard(socket, 'EDITED'), ['message.passed']);
});

test('whoever was put out of a group in one process hears no change made after that from another', async (t) => {
  const { ann, bob, elsewhere } = await talking(t);
  const socket = await ann.socket();
  for (let round = 0; round < 5; round++) {
    const { id: chatId } = await bob.call('groups.create', { title: 'Group', userIds: [ann.id] });
    const { id } = await bob.call('messages.send', { chatId, text: 'one' });
    await heard(socket, '');
    await elsewhere(bob, 'groups.expel', { id: chatId, userId: ann.id });
    await elsewhere(bob, 'messages.edit', { id, text: 'SECRET' });
    await bob.call('messages.react', { id, emoji: '🔥' });
    assert.deepEqual(await heard(socket, 'SECRET'), ['chat.left']);
  }
});

test('an answer to a change shows nothing that was edited under a block meanwhile', async (t) => {
  const { app, ann, bob, id, elsewhere } = await talking(t);
  await ann.call('messages.react', { id, emoji: '👍' });
  await ann.call('blocks.create', { userId: bob.id });
  const held = holdWriting(t, app, ['messages', 'findOneAndUpdate'], () => elsewhere(bob, 'messages.edit', { id, text: 'EDITED' }));
  await assert.rejects(ann.call('messages.unreact', { id, emoji: '👍' }), { code: 'MESSAGE_NOT_FOUND' });
  assert.equal(held(), 1);
});

test('nor what was edited after its reader was put out', async (t) => {
  const { app, ann, bob, elsewhere } = await talking(t);
  const { id: chatId } = await bob.call('groups.create', { title: 'Group', userIds: [ann.id] });
  const { id } = await bob.call('messages.send', { chatId, text: 'one' });
  const held = holdWriting(t, app, ['messages', 'findOneAndUpdate'], async () => {
    await elsewhere(bob, 'groups.expel', { id: chatId, userId: ann.id });
    await elsewhere(bob, 'messages.edit', { id, text: 'SECRET' });
  });
  await assert.rejects(ann.call('messages.react', { id, emoji: '👍' }), { code: 'MESSAGE_NOT_FOUND' });
  assert.equal(held(), 1);
});

test('an edit that takes its place after a block is hidden, also if it was begun before', async (t) => {
  const { app, ann, bob, id, chatId } = await talking(t);
  const socket = await ann.socket();
  const held = holdWriting(t, app, ['changes', 'replaceOne'], () => ann.call('blocks.create', { userId: bob.id }));
  await bob.call('messages.edit', { id, text: 'EDITED' });
  assert.equal(held(), 1);
  assert.deepEqual(await heard(socket, 'EDITED'), ['chat.arranged', 'block.created', 'chat.arranged', 'message.passed']);
  assert.deepEqual((await ann.call('messages.list', { chatId })).items, []);
});
