/** What people may do with messages. */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { test } from 'node:test';
import { buildTestApp } from '../helpers/app.ts';

test('a message sent to a person reaches the socket of that person, and is listed', async (t) => {
  const { person } = await buildTestApp(t);
  const [ann, bob] = await Promise.all([person('Ann'), person('Bob')]);
  const socket = await bob.socket();
  const sent = await ann.call('messages.send', { to: bob.id, text: 'hello' });
  const event = await socket.next('message.created');
  assert.deepEqual(event.params, sent);
  const { items } = await bob.call('messages.list', { chatId: sent.chatId });
  assert.deepEqual(items, [sent]);
});

test('the same id sent 50 times at once on two connections is one message in one chat', async (t) => {
  const { person } = await buildTestApp(t);
  const [ann, bob] = await Promise.all([person('Ann'), person('Bob')]);
  const sockets = await Promise.all([ann.socket(), ann.socket()]);
  const id = randomUUID();
  const answers = await Promise.all(
    Array.from({ length: 50 }, (_, index) => sockets[index % 2]?.call('messages.send', { id, to: bob.id, text: 'once' }) as Promise<{ seq: number; deduplicated?: boolean }>),
  );
  assert.deepEqual(new Set(answers.map((answer) => answer.seq)), new Set([1]));
  assert.equal(answers.filter((answer) => answer.deduplicated !== true).length, 1);
  const { items } = await bob.call('chats.list');
  assert.equal(items.length, 1);
  assert.equal(items[0]?.head.seq, 1);
});
