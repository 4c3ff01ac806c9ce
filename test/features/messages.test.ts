/** What people may do with messages. */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { test, type TestContext } from 'node:test';
import { AppError, type ErrorCode } from '../../src/core/errors.ts';
import type { Message } from '../../src/core/message.ts';
import { buildTestApp, type TestApp } from '../helpers/app.ts';
import type { Person } from '../helpers/people.ts';

const refusedWith = (code: ErrorCode) => (error: unknown): boolean => error instanceof AppError && error.code === code;

async function pair(t: TestContext): Promise<TestApp & { ann: Person; bob: Person; eve: Person; say: (text: string) => Promise<Message> }> {
  const app = await buildTestApp(t);
  const [ann, bob, eve] = await Promise.all([app.person('Ann'), app.person('Bob'), app.person('Eve')]);
  return { ...app, ann, bob, eve, say: (text) => ann.call('messages.send', { to: bob.id, text }) };
}

test('a message sent to a person is listed by both and looks the same to both', async (t) => {
  const { ann, bob, say } = await pair(t);
  const sent = await say('hello');
  for (const person of [ann, bob]) {
    const { items, more } = await person.call('messages.list', { chatId: sent.chatId });
    assert.deepEqual({ items, more }, { items: [sent], more: false });
    assert.deepEqual(await person.call('messages.get', { id: sent.id }), sent);
  }
});

test('the same id sent 50 times at once on two connections is one message in one chat', async (t) => {
  const { ann, bob } = await pair(t);
  const sockets = await Promise.all([ann.socket(), ann.socket()]);
  const id = randomUUID();
  const answers = await Promise.all(
    Array.from({ length: 50 }, (_, index) => sockets[index % 2]?.call('messages.send', { id, to: bob.id, text: 'once' }) as Promise<{ seq: number; deduplicated?: boolean }>),
  );
  assert.deepEqual(new Set(answers.map(({ seq }) => seq)), new Set([1]));
  assert.equal(answers.filter(({ deduplicated }) => deduplicated !== true).length, 1);
  const { items } = await bob.call('chats.list');
  assert.deepEqual(items.map(({ head }) => head.seq), [1]);
});

test('an id that belongs to another message is CONFLICT, also for another sender and another chat', async (t) => {
  const { ann, bob, eve, say } = await pair(t);
  const { id, chatId } = await say('mine');
  await assert.rejects(ann.call('messages.send', { id, chatId, text: 'other' }), refusedWith('CONFLICT'));
  await assert.rejects(bob.call('messages.send', { id, chatId, text: 'mine' }), refusedWith('CONFLICT'));
  await assert.rejects(eve.call('messages.send', { id, to: ann.id, text: 'mine' }), refusedWith('CONFLICT'));
});

test('a repeat is recognised after the message was edited and after it was removed', async (t) => {
  const { ann, say } = await pair(t);
  const { id, chatId } = await say('first');
  await ann.call('messages.edit', { id, text: 'second' });
  const repeated = await ann.call('messages.send', { id, chatId, text: 'first' });
  assert.deepEqual([repeated.deduplicated, repeated.text], [true, 'second']);
  await assert.rejects(ann.call('messages.send', { id, chatId, text: 'second' }), refusedWith('CONFLICT'));
  await ann.call('messages.remove', { id });
  assert.ok((await ann.call('messages.send', { id, chatId, text: 'first' })).removedAt);
});

test('a repeat is recognised also where its sender could not send it any more, and does not see it any more', async (t) => {
  const { ann, bob, say } = await pair(t);
  const { id: question, chatId } = await bob.call('messages.send', { to: ann.id, text: 'question' });
  const { id: hidden } = await say('to be hidden');
  const { id: group } = await bob.call('groups.create', { title: 'Group', userIds: [ann.id] });
  const [sent, ...others] = [{ chatId, replyTo: question }, { to: bob.id, replyTo: hidden }, { to: bob.id }, { chatId }, { chatId: group }].map((target) => ({ id: randomUUID(), text: 'once', ...target }));
  const seqs = new Map<unknown, number>();
  for (const message of [sent, ...others]) seqs.set(message?.id, (await ann.call('messages.send', message)).seq);
  await bob.call('messages.remove', { id: question });
  await ann.call('messages.hide', { id: hidden });
  await bob.call('groups.update', { id: group, settings: { send: 'admins' } });
  await ann.call('blocks.create', { userId: bob.id });
  const requireRepeats = async (): Promise<void> => {
    for (const message of [sent, ...others]) {
      const { deduplicated, seq } = await ann.call('messages.send', message);
      assert.deepEqual([deduplicated, seq], [true, seqs.get(message?.id)]);
    }
  };
  await requireRepeats();
  for (const message of [sent, ...others]) {
    await assert.rejects(ann.call('messages.send', { ...message, text: 'other' }), AppError);
    await assert.rejects(ann.call('messages.send', { ...message, id: randomUUID() }), AppError);
  }
  await ann.call('messages.hide', { id: others.at(-1)?.id });
  for (const id of [chatId, group]) await ann.call('chats.clear', { id });
  await requireRepeats();
  await bob.call('groups.expel', { id: group, userId: ann.id });
  await assert.rejects(ann.call('messages.send', others.at(-1)), refusedWith('CHAT_NOT_FOUND'));
});

test('who may not write in a group any more cannot put other words in what they wrote there; take it back they can', async (t) => {
  const { ann, bob } = await pair(t);
  const { id: chatId } = await ann.call('groups.create', { title: 'News', userIds: [bob.id] });
  const { id } = await bob.call('messages.send', { chatId, text: 'mine' });
  await ann.call('groups.update', { id: chatId, settings: { send: 'admins' } });
  await assert.rejects(bob.call('messages.edit', { id, text: 'still mine' }), refusedWith('NOT_ALLOWED'));
  assert.equal((await ann.call('messages.get', { id })).text, 'mine');
  await bob.call('messages.remove', { id });
});

test('a stranger cannot tell a chat or a message from one that does not exist', async (t) => {
  const { eve, say } = await pair(t);
  const sent = await say('secret');
  const nowhere = { chatId: '0'.repeat(24), id: randomUUID() };
  for (const { chatId, id } of [sent, nowhere]) {
    await assert.rejects(eve.call('messages.list', { chatId }), refusedWith('CHAT_NOT_FOUND'));
    await assert.rejects(eve.call('messages.send', { chatId, text: 'let me in' }), refusedWith('CHAT_NOT_FOUND'));
    await assert.rejects(eve.call('messages.get', { id }), refusedWith('MESSAGE_NOT_FOUND'));
    await assert.rejects(eve.call('messages.edit', { id, text: 'changed' }), refusedWith('MESSAGE_NOT_FOUND'));
    await assert.rejects(eve.call('messages.remove', { id }), refusedWith('MESSAGE_NOT_FOUND'));
    const synced = await eve.call('messages.sync', { chats: { [chatId]: { seq: 0, rev: 0 } } });
    assert.deepEqual([synced.chats, synced.gone], [[], [chatId]]);
  }
});

test('only its sender edits and removes a message', async (t) => {
  const { bob, say } = await pair(t);
  const { id } = await say('mine');
  await assert.rejects(bob.call('messages.edit', { id, text: 'yours' }), refusedWith('NOT_THE_SENDER'));
  await assert.rejects(bob.call('messages.remove', { id }), refusedWith('NOT_THE_SENDER'));
});

test('an edit has the next rev and says when; the same text again changes nothing', async (t) => {
  const { ann, bob, say } = await pair(t);
  const socket = await bob.socket();
  const { id } = await say('first');
  const edited = await ann.call('messages.edit', { id, text: 'second' });
  assert.deepEqual([edited.text, edited.rev, typeof edited.editedAt], ['second', 1, 'string']);
  assert.deepEqual((await socket.next('message.edited')).params, edited);
  assert.deepEqual(await ann.call('messages.edit', { id, text: 'second' }), edited);
});

test('a removed message leaves a tombstone without its text, and cannot be edited', async (t) => {
  const { ann, bob, say } = await pair(t);
  const socket = await bob.socket();
  const sent = await say('oops');
  await ann.call('messages.edit', { id: sent.id, text: 'worse' });
  await ann.call('messages.remove', { id: sent.id });
  const tombstone = await bob.call('messages.get', { id: sent.id });
  assert.deepEqual([tombstone.id, tombstone.seq, tombstone.rev, 'text' in tombstone, 'editedAt' in tombstone], [sent.id, 1, 2, false, false]);
  assert.ok(tombstone.removedAt);
  assert.deepEqual((await socket.next('message.removed')).params, tombstone);
  await assert.rejects(ann.call('messages.edit', { id: sent.id, text: 'back' }), refusedWith('MESSAGE_REMOVED'));
  await ann.call('messages.remove', { id: sent.id });
  assert.deepEqual(await bob.call('messages.get', { id: sent.id }), tombstone, 'removing again changes nothing');
});

test('pages go by seq: the newest, before, after and around', async (t) => {
  const { ann, say } = await pair(t);
  const { chatId } = await say('1');
  for (let number = 2; number <= 10; number++) await say(String(number));
  const page = async (request: object): Promise<[(number | undefined)[], boolean]> => {
    const { items, more } = await ann.call('messages.list', { chatId, limit: 3, ...request });
    return [items.map(({ seq }) => seq), more];
  };
  assert.deepEqual(await page({}), [[8, 9, 10], true]);
  assert.deepEqual(await page({ before: 8 }), [[5, 6, 7], true]);
  assert.deepEqual(await page({ before: 3 }), [[1, 2], false]);
  assert.deepEqual(await page({ after: 0 }), [[1, 2, 3], true]);
  assert.deepEqual(await page({ after: 7 }), [[8, 9, 10], false]);
  assert.deepEqual(await page({ around: 5 }), [[4, 5, 6], true]);
  assert.deepEqual(await page({ around: 10 }), [[9, 10], true]);
  assert.deepEqual(await page({ around: 5, limit: 100 }), [[1, 2, 3, 4, 5, 6, 7, 8, 9, 10], false]);
  await assert.rejects(page({ before: 3, after: 1 }), refusedWith('VALIDATION_FAILED'));
  for (const limit of [0, 101, 1.5]) await assert.rejects(page({ limit }), refusedWith('VALIDATION_FAILED'));
});

test('a message goes to a chat or to a person, to exactly one of them', async (t) => {
  const { ann, bob, say } = await pair(t);
  const { chatId } = await say('hello');
  await assert.rejects(ann.call('messages.send', { text: 'to nobody' }), refusedWith('VALIDATION_FAILED'));
  await assert.rejects(ann.call('messages.send', { chatId, to: bob.id, text: 'to both' }), refusedWith('VALIDATION_FAILED'));
  await assert.rejects(ann.call('messages.send', { to: '0'.repeat(24), text: 'to a ghost' }), refusedWith('USER_NOT_FOUND'));
});

test('a text has 1 to 8,000 characters in its composed form, and no control characters but newline and tab', async (t) => {
  const { say } = await pair(t);
  assert.equal((await say('e\u0301')).text, '\u00e9');
  assert.equal((await say('👩‍👩‍👧'.repeat(100))).text, '👩‍👩‍👧'.repeat(100));
  assert.equal((await say('e\u0301'.repeat(8000))).text?.length, 8000);
  assert.equal((await say('a\n\tb')).text, 'a\n\tb');
  for (const text of ['', 'x'.repeat(8001), 'a\u0000b', 'a\rb', '\u007f', '\ud800', 'a\udc00']) {
    await assert.rejects(say(text), refusedWith('VALIDATION_FAILED'), JSON.stringify(text.slice(0, 10)));
  }
});

test('one person is heard in the order of sending, also when a chat has to be looked up first', async (t) => {
  const { person } = await buildTestApp(t);
  const [ann, bob, cem] = await Promise.all([person('Ann'), person('Bob'), person('Cem')]);
  const { id: chatId } = await ann.call('chats.open', { userId: bob.id });
  const sent = await Promise.all(Array.from({ length: 30 }, (_, index) => ann.call('messages.send', { ...(index % 2 ? { chatId } : { to: bob.id }), text: `${index}` })));
  assert.deepEqual(sent.map(({ seq }) => seq), sent.map((_, index) => index + 1));
  const [toStranger, toBob] = await Promise.allSettled([ann.call('messages.send', { to: '0'.repeat(24), text: 'lost' }), ann.call('messages.send', { to: cem.id, text: 'found' })]);
  assert.deepEqual([toStranger.status, toBob.status], ['rejected', 'fulfilled']);
});
