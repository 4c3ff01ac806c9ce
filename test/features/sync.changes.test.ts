/** What a sync says of members and of changes, and what it is silent about. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Place } from '../../src/core/message.ts';
import { createMessageHistory } from '../../src/features/messages/message.history.ts';
import { messageCollection } from '../../src/features/messages/message.model.ts';
import { buildTestApp, connect } from '../helpers/app.ts';
import { addCopies } from '../helpers/copies.ts';
import type { Output, Person } from '../helpers/people.ts';

type Synced = Output<'messages.sync'>;

/** Page by page to the end; `between` is called after the first page. */
async function syncAll(person: Person, input: { limit?: number; chats?: Record<string, Place>; cursor?: string } = {}, between: () => Promise<unknown> = async () => undefined): Promise<Synced[]> {
  const pages: Synced[] = [];
  const chats = { ...input.chats };
  for (let { cursor } = input; pages.at(-1)?.more !== false; ) {
    const page = await person.call('messages.sync', { ...input, chats, ...(cursor !== undefined && { cursor }) });
    for (const { chat, place } of page.chats) chats[chat.id] = place;
    ({ cursor } = page);
    if (pages.push(page) === 1) await between();
  }
  return pages;
}

const idsOf = (pages: readonly Synced[]): string[] => pages.flatMap(({ chats }) => chats.flatMap(({ members }) => members.map(({ user }) => user.id)));

test('what is read of a chat ends where its log had come to: a notice behind that would come without what it has changed', async (t) => {
  const { person, mongodbUri } = await buildTestApp(t);
  const ann = await person('Ann');
  const { chatId } = await ann.call('messages.send', { to: ann.id, text: 'one' });
  for (const text of ['two', 'three']) await ann.call('messages.send', { chatId, text });
  const history = createMessageHistory(messageCollection(await connect(t, mongodbUri)), { settled: () => Promise.resolve() });
  const { messages, place } = (await history.since(chatId, { fromSeq: 0, hidden: [] }, { from: { seq: 0, rev: 0 }, to: { seq: 2, rev: 0 }, limit: 10 })) ?? assert.fail();
  assert.deepEqual([messages.map(({ text }) => text), place], [['one', 'two'], { seq: 2, rev: 0 }]);
});

test('a first sync of several pages tells each member once, and who leaves meanwhile', async (t) => {
  // What has changed within the overlap of two pages would be told by both.
  const { person } = await buildTestApp(t, { syncOverlap: 0 });
  const [ann, bob, cem] = await Promise.all([person('Ann'), person('Bob'), person('Cem')]);
  const { id: chatId } = await ann.call('groups.create', { title: 'Group', userIds: [bob.id, cem.id] });
  for (let number = 0; number < 8; number++) await ann.call('messages.send', { chatId, text: `${number}` });
  const pages = await syncAll(bob, { limit: 2 }, () => cem.call('groups.leave', { id: chatId }));
  assert.ok(pages.length > 3);
  assert.deepEqual(pages.flatMap(({ chats }) => chats.flatMap(({ former }) => former)).filter((id) => id !== cem.id), []);
  assert.ok(pages.some(({ chats }) => chats.some(({ former }) => former.includes(cem.id))), 'who has left is told');
  assert.equal(idsOf(pages).filter((id) => id === ann.id).length, 1);
});

test('what somebody does for themselves alone shows in nobody else\'s sync, not even that they did something', async (t) => {
  const { person } = await buildTestApp(t);
  const [ann, bob] = await Promise.all([person('Ann'), person('Bob')]);
  await ann.call('users.update', { id: 'me', privacy: { readReceipts: false } });
  const { chatId: id } = await bob.call('messages.send', { to: ann.id, text: 'one' });
  const { id: messageId } = await bob.call('messages.send', { chatId: id, text: 'two' });
  const deeds: Record<string, () => Promise<unknown>> = {
    mutes: () => ann.call('chats.arrange', { id, mutedUntil: '2100-01-01T00:00:00.000Z' }),
    archives: () => ann.call('chats.arrange', { id, archived: true }),
    hides: () => ann.call('messages.hide', { id: messageId }),
    'reads, and tells nobody': () => ann.call('chats.read', { id, seq: 2 }),
    clears: () => ann.call('chats.clear', { id }),
    blocks: () => ann.call('blocks.create', { userId: bob.id }),
    unblocks: () => ann.call('blocks.remove', { userId: bob.id }),
  };
  const chats = { [id]: { seq: 2, rev: 0 } };
  const quiet = async (cursor?: string): Promise<string> => {
    for (let answer = await bob.call('messages.sync', { chats, ...(cursor && { cursor }) }); ; answer = await bob.call('messages.sync', { chats, cursor: answer.cursor })) if (answer.chats.length === 0) return answer.cursor;
  };
  let cursor = await quiet();
  for (const [what, act] of Object.entries(deeds)) {
    await act();
    const answer = await bob.call('messages.sync', { chats, cursor });
    assert.deepEqual(answer.chats, [], `Ann ${what}`);
    ({ cursor } = answer);
    assert.ok((await ann.call('messages.sync', { chats, cursor })).chats.every(({ mine }) => mine.version >= 0), 'her own devices learn of it');
  }
});

test('who had left a group before somebody came is not named to them', async (t) => {
  const { person } = await buildTestApp(t);
  const [ann, bob, cem] = await Promise.all([person('Ann'), person('Bob'), person('Cem')]);
  const { id: chatId } = await ann.call('groups.create', { title: 'Group', userIds: [cem.id] });
  await cem.call('groups.leave', { id: chatId });
  await ann.call('groups.add', { id: chatId, userIds: [bob.id] });
  const { id } = await ann.call('messages.send', { chatId, text: 'hello' });
  const first = await bob.call('messages.sync');
  await bob.call('messages.hide', { id });
  const place = first.chats[0]?.place ?? assert.fail();
  // What is hidden from them may have raised marks: all are told again.
  const { chats } = await bob.call('messages.sync', { chats: { [chatId]: { ...place, seq: place.seq - 1 } }, cursor: first.cursor });
  assert.deepEqual(chats.map(({ members, former }) => [members.length, former]), [[2, []]]);
});

test('in a group of more than 200 members marks are in no event and make no sync', async (t) => {
  const { person, mongodbUri } = await buildTestApp(t, { syncOverlap: 0 });
  const [ann, bob, cem] = await Promise.all([person('Ann'), person('Bob'), person('Cem')]);
  const copies = await addCopies(t, mongodbUri, 198);
  const socket = await bob.socket();
  const { id: chatId } = await ann.call('groups.create', { title: 'Crowd', userIds: [bob.id, cem.id, ...copies] });
  assert.equal((await socket.next('chat.created')).params['id'], chatId);
  assert.equal((await socket.next('notice.created')).params['members'], undefined, 'too many for an event');
  const { seq } = await ann.call('messages.send', { chatId, text: 'hello' });
  await socket.next('message.created');
  const [{ cursor }] = (await syncAll(bob)).slice(-1) as [Synced];
  const chats = { [chatId]: { seq, rev: 0 } };
  await cem.call('chats.receive', { chats: { [chatId]: seq } });
  await cem.call('chats.read', { id: chatId, seq });
  await socket.call('users.me');
  assert.deepEqual(socket.events.filter(({ method }) => method === 'chat.read' || method === 'chat.received'), []);
  assert.deepEqual((await bob.call('messages.sync', { chats, cursor })).chats, []);
});
