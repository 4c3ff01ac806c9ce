/** Blocks where several processes work as one: each learns of those that were made in another. */
import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { buildTestApp, type TestApp } from '../helpers/app.ts';
import type { Person } from '../helpers/people.ts';
import { openSocket, type TestSocket } from '../helpers/socket.ts';

interface Twofold {
  one: TestApp;
  other: TestApp;
  ann: Person;
  bob: Person;
  chatId: string;
}

/** Two people with a message of each in their chat, and two processes. */
async function talking(t: TestContext): Promise<Twofold> {
  const one = await buildTestApp(t);
  const other = await buildTestApp(t, { mongodbUri: one.mongodbUri });
  const [ann, bob] = await Promise.all([one.person('Ann'), one.person('Bob')]);
  const { chatId } = await ann.call('messages.send', { to: bob.id, text: 'from Ann' });
  await bob.call('messages.send', { chatId, text: 'from Bob' });
  return { one, other, ann, bob, chatId };
}

/** What has come so far, by name; the answer has come after whatever was told before. */
async function heard(socket: TestSocket): Promise<string[]> {
  await socket.call('chats.receive', { chats: {} });
  return socket.events.splice(0).map(({ method }) => method);
}

test('a block that is made in one process holds in the others, and so does its end', async (t) => {
  const { other, ann, bob, chatId } = await talking(t);
  const elsewhere = (person: Person, name: string, input: object) => other.dispatch.call(name, person.caller, input);
  const socket = await openSocket(t, other.url, ann.accessToken);
  await elsewhere(ann, 'messages.send', { chatId, text: 'known there' });
  await ann.call('blocks.create', { userId: bob.id });
  await socket.next('block.created');
  await assert.rejects(elsewhere(ann, 'messages.send', { chatId, text: 'no' }), { code: 'BLOCKED' });
  await elsewhere(bob, 'messages.send', { chatId, text: 'unseen' });
  assert.equal((await heard(socket)).filter((name) => name === 'message.created').length, 1, 'what was sent before the block alone');
  await ann.call('blocks.remove', { userId: bob.id });
  await socket.next('block.removed');
  await elsewhere(bob, 'messages.send', { chatId, text: 'seen' });
  assert.equal((await socket.next('message.created')).params['text'], 'seen');
  assert.deepEqual((await ann.call('messages.list', { chatId })).items.map(({ text }) => text), ['from Ann', 'from Bob', 'known there', 'seen']);
});

test('whichever process is the first to do what a block asks for, the devices at both hear of it', async (t) => {
  const { one, other, ann, bob, chatId } = await talking(t);
  const sockets = await Promise.all([one, other].map(({ url }) => openSocket(t, url, ann.accessToken)));
  for (let round = 0; round < 10; round++) {
    for (const name of ['blocks.create', 'blocks.remove']) {
      await Promise.all([one, other].map(({ dispatch }) => dispatch.call(name, ann.caller, { userId: bob.id })));
      const { mine } = await ann.call('chats.get', { id: chatId });
      for (const socket of sockets) {
        let told;
        do told = (await socket.next('chat.arranged')).params['mine'] as typeof mine;
        while (told.version < mine.version);
        assert.deepEqual(told, mine);
      }
    }
  }
});
