/** To whom a change of a message is told: to nobody who may not see it by the time it is made, whichever process tells it. */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
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

test('a change that another process has outrun tells nothing of the later one to whoever blocks, or was put out', async (t) => {
  const { app, ann, bob, id, elsewhere } = await talking(t);
  const { id: chatId } = await bob.call('groups.create', { title: 'Group', userIds: [ann.id] });
  const { id: inGroup } = await bob.call('messages.send', { chatId, text: 'one' });
  await ann.call('blocks.create', { userId: bob.id });
  const socket = await ann.socket();
  const outrun = async (late: string, meanwhile: () => Promise<unknown>): Promise<string[]> => {
    await heard(socket, '');
    const held = holdWriting(t, app, ['messages', 'findOneAndUpdate'], meanwhile);
    await bob.call('messages.react', { id: late, emoji: '🔥' });
    assert.equal(held(), 1);
    return heard(socket, 'EDITED');
  };
  assert.deepEqual(await outrun(id, () => elsewhere(bob, 'messages.edit', { id, text: 'EDITED' })), ['chat.arranged', 'message.passed']);
  const expel = async (): Promise<void> => {
    await elsewhere(bob, 'groups.expel', { id: chatId, userId: ann.id });
    await elsewhere(bob, 'messages.edit', { id: inGroup, text: 'EDITED' });
  };
  assert.deepEqual(await outrun(inGroup, expel), ['chat.left']);
});

test('what was edited under a block that has ended since is told by none', async (t) => {
  const { ann, bob, id, elsewhere } = await talking(t);
  const socket = await ann.socket();
  for (let round = 0; round < 5; round++) {
    await elsewhere(ann, 'blocks.create', { userId: bob.id });
    await elsewhere(bob, 'messages.edit', { id, text: `EDITED ${round}` });
    await elsewhere(ann, 'blocks.remove', { userId: bob.id });
    await bob.call(round % 2 === 0 ? 'messages.react' : 'messages.unreact', { id, emoji: '🔥' });
    const names = await heard(socket, 'EDITED');
    assert.deepEqual(names.filter((name) => name.startsWith('message.')), ['message.passed', 'message.passed']);
  }
});

test('what somebody has arranged in one process is told by another once, and not with each change', async (t) => {
  const { ann, bob, id, chatId, elsewhere } = await talking(t);
  const socket = await ann.socket();
  await elsewhere(ann, 'chats.arrange', { id: chatId, archived: true });
  for (const before of [['chat.arranged'], [], []]) {
    await bob.call('messages.edit', { id, text: randomUUID() });
    assert.deepEqual(await heard(socket, 'nothing'), [...before, 'message.edited']);
  }
});

test('what is removed is removed, whether or not its sender still sees it', async (t) => {
  const { app, ann, bob, id, chatId } = await talking(t);
  const held = holdWriting(t, app, ['messages', 'findOneAndUpdate'], () => bob.call('chats.clear', { id: chatId }));
  assert.equal(await bob.call('messages.remove', { id }), null);
  assert.equal(held(), 1);
  assert.notEqual((await ann.call('messages.get', { id })).removedAt, undefined);
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
