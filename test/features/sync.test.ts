/** Catching up: whoever was away ends in exactly the state of one who never left. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import type { AppError } from '../../src/core/errors.ts';
import type { Message, Place } from '../../src/core/message.ts';
import { buildTestApp, connect } from '../helpers/app.ts';
import { addCrowd, inLongChat } from '../helpers/crowd.ts';
import type { Output, Person } from '../helpers/people.ts';
import { createReplica, type Replica } from '../helpers/replica.ts';
import type { TestSocket } from '../helpers/socket.ts';

const syncOver = (socket: TestSocket, limit: number) => (chats: Record<string, Place>, cursor?: string) =>
  socket.call('messages.sync', { chats, limit, ...(cursor !== undefined && { cursor }) }) as Promise<Output<'messages.sync'>>;

/** A device: its replica follows the socket for as long as it is connected. */
async function connectDevice(person: Person, replica: Replica, limit: number): Promise<TestSocket> {
  const socket = await person.socket();
  await replica.sync(syncOver(socket, limit));
  return socket;
}

/** Applies what has arrived so far; an answer to a request arrives after every event that was sent before it. */
async function catchUp(socket: TestSocket, replica: Replica, limit: number): Promise<void> {
  await socket.call('users.me');
  for (const { method, params } of socket.events.splice(0)) {
    if (!replica.apply({ name: method, payload: params })) await replica.sync(syncOver(socket, limit));
  }
}

async function fresh(person: Person, chatId: string): Promise<Message[]> {
  const items: Message[] = [];
  for (let more = true; more; ) {
    const page = await person.call('messages.list', { chatId, after: items.length, limit: 100 });
    items.push(...page.items);
    ({ more } = page);
  }
  return items;
}

const action = fc.record({ kind: fc.constantFrom('send', 'send', 'send', 'edit', 'remove', 'new chat', 'leave', 'return'), by: fc.nat(1), which: fc.nat() });
type Action = typeof action extends fc.Arbitrary<infer A> ? A : never;

/** Bob has two devices: one stays connected, the other comes and goes. He talks with Ann, and at some time with Carol. */
async function story(actions: readonly Action[], limit: number, [ann, bob, carol]: readonly [Person, Person, Person]): Promise<void> {
  const [stayed, returned] = [createReplica(), createReplica()];
  const staying = await connectDevice(bob, stayed, limit);
  let travelling: TestSocket | undefined = await connectDevice(bob, returned, limit);
  const chats = [{ ...(await ann.call('chats.open', { userId: bob.id })), people: [ann, bob] }];
  const sent: { id: string; sender: Person }[] = [];

  for (const { kind, by, which } of actions) {
    const target = sent[which % Math.max(1, sent.length)];
    if (kind === 'send') {
      const { id: chatId, people } = chats[which % chats.length] ?? assert.fail();
      const sender = people[by] ?? assert.fail();
      sent.push({ ...(await sender.call('messages.send', { chatId, text: `text ${which}` })), sender });
    } else if (kind === 'edit' && target) {
      await target.sender.call('messages.edit', { id: target.id, text: `edited ${which}` }).catch((error: unknown) => assert.equal((error as AppError).code, 'MESSAGE_REMOVED'));
    } else if (kind === 'remove' && target) {
      await target.sender.call('messages.remove', { id: target.id });
    } else if (kind === 'new chat' && chats.length === 1) {
      chats.push({ ...(await carol.call('chats.open', { userId: bob.id })), people: [carol, bob] });
    } else if (kind === 'leave') {
      travelling?.webSocket.terminate();
      travelling = undefined;
    } else if (kind === 'return') {
      travelling ??= await connectDevice(bob, returned, limit);
    }
  }
  travelling ??= await connectDevice(bob, returned, limit);
  await catchUp(travelling, returned, limit);
  await catchUp(staying, stayed, limit);
  for (const { id: chatId } of chats) {
    const expected = await fresh(bob, chatId);
    assert.deepEqual(stayed.messagesOf(chatId), expected, 'who never left');
    assert.deepEqual(returned.messagesOf(chatId), expected, 'who came back');
  }
  for (const socket of [travelling, staying]) socket.webSocket.terminate();
}

test('a client that reconnects syncs to exactly the state of one that never left, and both equal a fresh fetch', async (t) => {
  const { person } = await buildTestApp(t);
  await fc.assert(
    fc.asyncProperty(fc.array(action, { maxLength: 25 }), fc.integer({ min: 1, max: 10 }), async (actions, limit) => {
      await story(actions, limit, await Promise.all([person('Ann'), person('Bob'), person('Carol')]));
    }),
    { numRuns: 40, includeErrorInReport: true },
  );
});

test('sync answers page by page, over messages and over chats, and comes to an end', async (t) => {
  const { person } = await buildTestApp(t);
  const ann = await person('Ann');
  const others = await Promise.all(Array.from({ length: 5 }, () => person('Other')));
  for (const other of others) for (let number = 1; number <= 7; number++) await ann.call('messages.send', { to: other.id, text: String(number) });
  const places: Record<string, Place> = {};
  const seen: string[] = [];
  let pages = 0;
  for (let more = true, cursor: string | undefined; more; pages++) {
    const answer: Output<'messages.sync'> = await ann.call('messages.sync', { chats: places, limit: 4, ...(cursor && { cursor }) });
    for (const { chat, place, messages } of answer.chats) {
      places[chat.id] = place;
      seen.push(...messages.map(({ id }) => id));
    }
    assert.ok(answer.chats.reduce((sum, { messages }) => sum + messages.length, 0) <= 4);
    ({ more, cursor } = answer);
  }
  assert.deepEqual([seen.length, new Set(seen).size], [35, 35]);
  assert.ok(pages >= 9);
  const again = await ann.call('messages.sync', { chats: places });
  assert.deepEqual([again.chats.length, again.chats.flatMap(({ messages }) => messages), again.more], [5, [], false]);
});

test('a place beyond the end is brought back to the end', async (t) => {
  const { person } = await buildTestApp(t);
  const [ann, bob] = await Promise.all([person('Ann'), person('Bob')]);
  const { chatId } = await ann.call('messages.send', { to: bob.id, text: 'only one' });
  const { chats } = await bob.call('messages.sync', { chats: { [chatId]: { seq: 99, rev: 99 } } });
  assert.deepEqual(chats.map(({ place, messages }) => [place, messages]), [[{ seq: 1, rev: 0 }, []]]);
});

test('of thousands of changes none is left out, and those of messages that come as new ones come with them', async (t) => {
  const { person, mongodbUri } = await buildTestApp(t);
  const [ann, bob] = await Promise.all([person('Ann'), person('Bob')]);
  const { longChatId: chatId } = await addCrowd(await connect(t, mongodbUri), ann.id, bob.id);
  const [first] = (await ann.call('messages.list', { chatId, around: 1 })).items;
  await ann.call('messages.react', { id: first?.id, emoji: '👍' });
  const changed: Message[] = [];
  const places: Record<string, Place> = { [chatId]: { seq: 2000, rev: 100 } };
  for (let more = true, cursor: string | undefined; more; ) {
    const answer: Output<'messages.sync'> = await ann.call('messages.sync', { chats: places, limit: 500, ...(cursor && { cursor }) });
    for (const { chat, place, messages } of answer.chats) {
      places[chat.id] = place;
      if (chat.id === chatId) changed.push(...messages.filter(({ seq }) => seq <= 2000));
    }
    ({ more, cursor } = answer);
  }
  assert.deepEqual(places[chatId], { seq: inLongChat, rev: inLongChat / 2 + 1 });
  // Every second message was changed once, in their order, and then the first.
  assert.deepEqual(changed.map(({ rev }) => rev), [...Array.from({ length: 900 }, (_, index) => 101 + index), inLongChat / 2 + 1]);
});
