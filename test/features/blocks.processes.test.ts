/** Blocks where several processes work as one: each learns of those that were made in another. */
import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { endless } from '../../src/core/view.ts';
import type { Mine } from '../../src/features/chats/chats.contract.ts';
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

test('what a device was not shown because its process had not heard of the end of a block stays hidden', async (t) => {
  const { other, ann, bob, chatId } = await talking(t);
  const socket = await openSocket(t, other.url, ann.accessToken);
  await ann.call('blocks.create', { userId: bob.id });
  await socket.next('block.created');
  await ann.call('blocks.remove', { userId: bob.id });
  await other.dispatch.call('messages.send', bob.caller, { chatId, text: 'in the same moment' });
  const { seq } = (await socket.next('message.withheld')).params;
  await socket.next('block.removed');
  let told;
  do told = (await socket.next('chat.arranged')).params['mine'] as Mine;
  while (told.hidden.length === 0 || told.hidden.at(-1)?.to === endless);
  await other.dispatch.call('messages.send', bob.caller, { chatId, text: 'later' });
  assert.equal((await socket.next('message.created')).params['text'], 'later');
  assert.deepEqual((await ann.call('messages.list', { chatId })).items.map(({ text }) => text), ['from Ann', 'from Bob', 'later']);
  assert.deepEqual(told.hidden, [{ from: seq, to: seq }]);
  assert.deepEqual((await ann.call('chats.get', { id: chatId })).mine, told);
});

test('what a device has passed over under a block that ended in another process stays hidden, also when the chat is opened anew', async (t) => {
  const { one, other, ann, bob, chatId } = await talking(t);
  const elsewhere = (person: Person, name: string, input: object) => other.dispatch.call(name, person.caller, input);
  await elsewhere(ann, 'blocks.create', { userId: bob.id });
  const socket = await openSocket(t, other.url, ann.accessToken);
  await one.dispatch.call('blocks.remove', ann.caller, { userId: bob.id });
  await elsewhere(bob, 'messages.send', { chatId, text: 'passed over' });
  assert.equal((await socket.next('message.withheld')).params['seq'], 3);
  await elsewhere(bob, 'messages.send', { to: ann.id, text: 'seen' });
  await socket.next('message.created');
  assert.deepEqual((await ann.call('messages.list', { chatId })).items.map(({ text }) => text), ['from Ann', 'from Bob', 'seen']);
});
