/** Who hears of a message, and in what order. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { buildTestApp } from '../helpers/app.ts';
import type { Person } from '../helpers/people.ts';
import type { TestSocket } from '../helpers/socket.ts';

const textsOf = async (socket: TestSocket, count: number): Promise<{ seq: number; text: string }[]> => {
  const taken: { seq: number; text: string }[] = [];
  while (taken.length < count) taken.push((await socket.next('message.created')).params as unknown as { seq: number; text: string });
  return taken;
};

const upTo = (count: number): number[] => Array.from({ length: count }, (_, index) => index + 1);

test("all connections of both people get a message, the sender's other ones too", async (t) => {
  const { person } = await buildTestApp(t);
  const [ann, bob] = await Promise.all([person('Ann'), person('Bob')]);
  const sockets = await Promise.all([ann.socket(), ann.socket(), bob.socket(), bob.socket()]);
  const sent = (await sockets[0].call('messages.send', { to: bob.id, text: 'hello' })) as object;
  for (const socket of sockets) assert.deepEqual((await socket.next('message.created')).params, sent);
});

test('people outside the chat get nothing of it', async (t) => {
  const { person } = await buildTestApp(t);
  const [ann, bob, cleo] = await Promise.all([person('Ann'), person('Bob'), person('Cleo')]);
  await ann.call('messages.send', { to: cleo.id, text: 'before' });
  const [bobs, cleos] = await Promise.all([bob.socket(), cleo.socket()]);
  const { id, chatId } = await ann.call('messages.send', { to: bob.id, text: 'between us' });
  await ann.call('messages.edit', { id, text: 'still between us' });
  await bob.call('chats.read', { id: chatId, seq: 1 });
  await ann.call('messages.remove', { id });
  await bobs.next('message.removed');
  await ann.call('messages.send', { to: cleo.id, text: 'the only thing for Cleo' });
  assert.equal((await cleos.next('message.created')).params['text'], 'the only thing for Cleo');
  assert.deepEqual(cleos.events, []);
});

test('everybody hears the messages of several senders in the order of the chat', async (t) => {
  const { person } = await buildTestApp(t);
  const [ann, bob] = await Promise.all([person('Ann'), person('Bob')]);
  const { id: chatId } = await ann.call('chats.open', { userId: bob.id });
  const sockets = await Promise.all([ann.socket(), ann.socket(), bob.socket(), bob.socket()]);
  const each = 100;
  await Promise.all(sockets.flatMap((socket, sender) => upTo(each).map((index) => socket.call('messages.send', { chatId, text: `${sender}:${index}` }))));
  for (const socket of sockets) {
    const heard = await textsOf(socket, sockets.length * each);
    assert.deepEqual(heard.map(({ seq }) => seq), upTo(sockets.length * each));
    for (const sender of sockets.keys()) {
      const own = heard.map(({ text }) => text).filter((text) => text.startsWith(`${sender}:`));
      assert.deepEqual(own, upTo(each).map((index) => `${sender}:${index}`));
    }
  }
});

test('a chat opened while people are connected is heard at once by all their connections', async (t) => {
  const { person } = await buildTestApp(t);
  const [ann, bob] = await Promise.all([person('Ann'), person('Bob')]);
  const sockets = await Promise.all([ann.socket(), bob.socket(), bob.socket()]);
  const chat = await ann.call('chats.open', { userId: bob.id });
  for (const socket of sockets) assert.equal((await socket.next('chat.created')).params['id'], chat.id);
  await bob.call('messages.send', { chatId: chat.id, text: 'hello' });
  for (const socket of sockets) assert.equal((await socket.next('message.created')).params['text'], 'hello');
});

test('whoever syncs once greeted misses nothing of what is sent meanwhile', async (t) => {
  const { person } = await buildTestApp(t);
  const [ann, bob] = await Promise.all([person('Ann'), person('Bob')]);
  const count = 300;
  const sending = Promise.all(upTo(count).map((index) => ann.call('messages.send', { to: bob.id, text: String(index) })));
  const complete = Array.from({ length: 10 }, () => seqsHeardBy(bob, count));
  await sending;
  for (const seqs of await Promise.all(complete)) assert.deepEqual(seqs, upTo(count));
});

/** What a client that follows the rules has in the end: the answer of one sync, and the events beyond it. */
async function seqsHeardBy(person: Person, last: number): Promise<number[]> {
  const socket = await person.socket();
  const { chats } = (await socket.call('messages.sync', { limit: 500 })) as { chats: { messages: { seq: number }[] }[] };
  const seqs = chats.flatMap(({ messages }) => messages.map(({ seq }) => seq));
  while ((seqs.at(-1) ?? 0) < last) {
    const { seq } = (await socket.next('message.created')).params as unknown as { seq: number };
    if (seq > (seqs.at(-1) ?? 0)) seqs.push(seq);
  }
  return seqs;
}
