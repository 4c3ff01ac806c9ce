/** Those who share a chat with somebody hear of what changes about them, at once or with the next sync. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Types } from 'mongoose';
import type { Member } from '../../src/features/chats/chats.contract.ts';
import { buildTestApp, connect } from '../helpers/app.ts';
import type { Person } from '../helpers/people.ts';
import type { TestSocket } from '../helpers/socket.ts';

/** What a sync shows of one person in a chat. */
async function shown(viewer: Person, chatId: string, of: Person, cursor?: string) {
  const answer = await viewer.call('messages.sync', { chats: { [chatId]: { seq: 1, rev: 0 } }, ...(cursor !== undefined && { cursor }) });
  return { member: answer.chats[0]?.members.find(({ user }) => user.id === of.id), cursor: answer.cursor };
}

/** How far somebody in a private chat has read, as the protocol has a client take it from events. */
function readBy({ id }: Person, events: TestSocket['events']): number | undefined {
  let readSeq: number | undefined;
  const raise = (seq: number): void => void (readSeq = Math.max(readSeq ?? 0, seq));
  for (const { method, params } of events) {
    if (method === 'member.updated') readSeq = params['deliveredSeq'] === undefined ? (readSeq ?? 0) : undefined;
    if (method === 'message.created' && params['senderId'] === id && readSeq !== undefined) raise(params['seq'] as number);
    if (method === 'chat.read') for (const { userId, seq } of params['marks'] as { userId: string; seq: number }[]) if (userId === id) raise(seq);
  }
  return readSeq;
}

test('a new name is told to whoever shares a chat and to my own devices, to nobody else, and found by a sync', async (t) => {
  const { person } = await buildTestApp(t);
  const [ann, bob, eve] = await Promise.all([person('Ann'), person('Bob'), person('Eve')]);
  const { chatId } = await ann.call('messages.send', { to: bob.id, text: 'hello' });
  const { cursor } = await shown(bob, chatId, ann);
  const [hers, his, strangers] = await Promise.all([ann.socket(), bob.socket(), eve.socket()]);
  await ann.call('users.update', { id: 'me', firstName: 'Anna' });
  const user = await bob.call('users.get', { id: ann.id });
  assert.equal(user.firstName, 'Anna');
  for (const socket of [hers, his]) assert.deepEqual((await socket.next('member.updated')).params, { chatId, user });
  await strangers.call('users.me');
  assert.deepEqual(strangers.events, []);
  assert.deepEqual((await shown(bob, chatId, ann, cursor)).member?.user, user);
});

test('a name that was written just before its server died, and told to nobody, is found by a sync', async (t) => {
  const { person, mongodbUri } = await buildTestApp(t);
  const [ann, bob] = await Promise.all([person('Ann'), person('Bob')]);
  const { chatId } = await ann.call('messages.send', { to: bob.id, text: 'hello' });
  const { cursor } = await shown(bob, chatId, ann);
  const socket = await bob.socket();
  // What comes behind the name is written nowhere: it is as if the server had not lived to see it.
  await (await connect(t, mongodbUri)).db?.command({ collMod: 'security', validator: { never: true } });
  await assert.rejects(ann.call('users.update', { id: 'me', username: 'another.ann' }));
  await socket.call('users.me');
  assert.deepEqual(socket.events, []);
  assert.equal((await shown(bob, chatId, ann, cursor)).member?.user.username, 'another.ann');
});

test('whoever wrote first to somebody who blocks them hears of them as everybody does', async (t) => {
  const { person } = await buildTestApp(t);
  const [ann, bob] = await Promise.all([person('Ann'), person('Bob')]);
  await bob.call('blocks.create', { userId: ann.id });
  const { chatId } = await ann.call('messages.send', { to: bob.id, text: 'hello' });
  const { cursor } = await shown(ann, chatId, bob);
  const socket = await ann.socket();
  await bob.call('users.update', { id: 'me', firstName: 'Robert', privacy: { readReceipts: false } });
  const { user, ...rest } = (await socket.next('member.updated')).params as { user: { firstName: string } };
  assert.deepEqual([user.firstName, rest], ['Robert', { chatId, deliveredSeq: 0 }]);
  const { member } = await shown(ann, chatId, bob, cursor);
  assert.deepEqual([member?.user.firstName, member?.readSeq], ['Robert', undefined]);
});

test('of changes at the same instant the one that is told last is how it is', async (t) => {
  const { person } = await buildTestApp(t);
  const [ann, bob] = await Promise.all([person('Ann'), person('Bob')]);
  await ann.call('messages.send', { to: bob.id, text: 'hello' });
  const [hers, his] = await Promise.all([ann.socket(), bob.socket()]);
  const names = Array.from({ length: 8 }, (_, index) => `Name${index}`);
  for (let round = 0; round < 10; round++) {
    await Promise.all(names.map((firstName) => ann.call('users.update', { id: 'me', firstName })));
    for (const socket of [hers, his]) await socket.call('users.me');
    const me = await ann.call('users.me');
    const last = (socket: TestSocket, name: string) => socket.events.splice(0).findLast(({ method }) => method === name)?.params;
    assert.deepEqual(last(hers, 'user.updated'), me);
    assert.deepEqual(last(his, 'member.updated')?.['user'], await bob.call('users.get', { id: ann.id }));
  }
});

test('a name that changes in the moment in which its owner comes into a group is right for everybody in it', async (t) => {
  const { person } = await buildTestApp(t);
  const [ann, bob] = await Promise.all([person('Ann'), person('Bob')]);
  const socket = await ann.socket();
  for (let round = 0; round < 20; round++) {
    const { id: chatId } = await ann.call('groups.create', { title: 'Group' });
    await Promise.all([ann.call('groups.add', { id: chatId, userIds: [bob.id] }), bob.call('users.update', { id: 'me', firstName: `Bob${round}` })]);
    await socket.call('users.me');
    const told = socket.events.splice(0).flatMap(({ method, params }) => (method === 'notice.created' ? (params['members'] as Member[]) : method === 'member.updated' && params['chatId'] === chatId ? [params as unknown as Member] : []));
    assert.equal(told.findLast(({ user }) => user.id === bob.id)?.user.firstName, `Bob${round}`);
  }
});

test('what is nobody else\'s concern is told to nobody else', async (t) => {
  const { person, published, mongodbUri } = await buildTestApp(t);
  const [ann, bob] = await Promise.all([person('Ann'), person('Bob')]);
  const { chatId } = await ann.call('messages.send', { to: bob.id, text: 'hello' });
  const memberships = (await connect(t, mongodbUri)).collection('memberships');
  const changedAt = async () => (await memberships.findOne({ chatId: new Types.ObjectId(chatId), userId: new Types.ObjectId(ann.id) }))?.['changedAt'] as Date;
  const before = await changedAt();
  published.length = 0;
  await ann.call('users.update', { id: 'me', language: 'ru', privacy: { search: 'nobody', groups: 'nobody', lastSeen: 'contacts' } });
  assert.deepEqual(published.map(({ topic, event }) => [topic, event.name]), [[`user:${ann.id}`, 'user.updated']]);
  assert.deepEqual(await changedAt(), before, 'and no sync has to look at it');
});

test('whoever ceases to tell how far they read takes that back from everybody, and nothing of what has reached them; whoever begins again tells it', async (t) => {
  const { person } = await buildTestApp(t);
  const [ann, bob] = await Promise.all([person('Ann'), person('Bob')]);
  const { chatId } = await ann.call('messages.send', { to: bob.id, text: 'hello' });
  await bob.call('chats.read', { id: chatId, seq: 1 });
  const first = await shown(ann, chatId, bob);
  assert.equal(first.member?.readSeq, 1);
  const socket = await ann.socket();
  await bob.call('users.update', { id: 'me', privacy: { readReceipts: false } });
  assert.deepEqual((await socket.next('member.updated')).params['deliveredSeq'], 1);
  const second = await shown(ann, chatId, bob, first.cursor);
  assert.deepEqual([second.member?.readSeq, second.member?.deliveredSeq], [undefined, 1]);
  await bob.call('users.update', { id: 'me', privacy: { readReceipts: true } });
  assert.deepEqual((await socket.next('chat.read')).params, { chatId, marks: [{ userId: bob.id, seq: 1 }] });
  assert.equal((await shown(ann, chatId, bob, second.cursor)).member?.readSeq, 1);
});

test('what has reached somebody who ceases to tell goes back for nobody, and what they read from then on is told by nothing', async (t) => {
  const { person } = await buildTestApp(t);
  const [ann, bob, cem] = await Promise.all([person('Ann'), person('Bob'), person('Cem')]);
  const { id } = await ann.call('groups.create', { title: 'Group', userIds: [bob.id, cem.id] });
  const tell = (who: Person, readReceipts: boolean) => who.call('users.update', { id: 'me', privacy: { readReceipts } });
  const marksOfBob = async (viewer: Person) => (await viewer.call('groups.members', { id })).items.flatMap(({ user, readSeq, deliveredSeq }) => (user.id === bob.id ? [readSeq, deliveredSeq] : []));
  await tell(cem, false);
  await ann.call('messages.send', { chatId: id, text: 'two' });
  await bob.call('chats.read', { id, seq: 2 });
  await bob.call('messages.send', { chatId: id, text: 'three' });
  assert.deepEqual(await marksOfBob(ann), [3, 3]);
  const sockets = await Promise.all([ann.socket(), cem.socket()]);
  await tell(bob, false);
  for (const socket of sockets) assert.equal((await socket.next('member.updated')).params['deliveredSeq'], 3);
  await ann.call('messages.send', { chatId: id, text: 'four' });
  await bob.call('chats.read', { id, seq: 4 });
  await tell(bob, false);
  for (const viewer of [ann, cem]) assert.deepEqual(await marksOfBob(viewer), [undefined, 3]);
});

test('whoever begins to tell how far they read, and writes before that is told, is shown to have read what they wrote', async (t) => {
  const { person } = await buildTestApp(t, { marksGather: 100 });
  const [ann, bob] = await Promise.all([person('Ann'), person('Bob')]);
  const { chatId } = await ann.call('messages.send', { to: bob.id, text: 'hello' });
  await bob.call('users.update', { id: 'me', privacy: { readReceipts: false } });
  const socket = await ann.socket();
  const updating = bob.call('users.update', { id: 'me', privacy: { readReceipts: true } });
  const events = [await socket.next('member.updated')];
  await bob.call('messages.send', { chatId, text: 'and written' });
  await updating;
  events.push(await socket.next('message.created'), await socket.next('chat.read'));
  assert.equal(readBy(bob, events), 2);
  assert.equal((await shown(ann, chatId, bob)).member?.readSeq, 2);
});

test('whoever ceases to tell sees no more of others, also those that have not changed since', async (t) => {
  const { person } = await buildTestApp(t);
  const [ann, bob] = await Promise.all([person('Ann'), person('Bob')]);
  const { chatId } = await ann.call('messages.send', { to: bob.id, text: 'hello' });
  const first = await shown(bob, chatId, ann);
  assert.equal(first.member?.readSeq, 1);
  await bob.call('users.update', { id: 'me', privacy: { readReceipts: false } });
  const second = await shown(bob, chatId, ann, first.cursor);
  assert.ok(second.member && second.member.readSeq === undefined);
});

test('whoever comes into a group tells how far they have read from the start, to those who tell it themselves', async (t) => {
  const { person } = await buildTestApp(t);
  const [ann, bob, cem] = await Promise.all([person('Ann'), person('Bob'), person('Cem')]);
  await cem.call('users.update', { id: 'me', privacy: { readReceipts: false } });
  const { id: chatId } = await ann.call('groups.create', { title: 'Group', userIds: [cem.id] });
  const [hers, his] = await Promise.all([ann.socket(), cem.socket()]);
  await ann.call('groups.add', { id: chatId, userIds: [bob.id] });
  await bob.call('messages.send', { chatId, text: 'hello at once' });
  for (const [viewer, socket] of [[ann, hers], [cem, his]] as const) {
    const { members } = (await socket.next('notice.created')).params as { members: Member[] };
    const { readSeq } = (await viewer.call('groups.members', { id: chatId })).items.find(({ user }) => user.id === bob.id) ?? {};
    assert.deepEqual([members.map(({ user }) => user.id), members[0]?.readSeq, readSeq], [[bob.id], viewer === ann ? 2 : undefined, viewer === ann ? 3 : undefined]);
    await socket.next('message.created');
    await viewer.call('chats.receive', { chats: {} });
    await socket.call('users.me');
    assert.deepEqual(socket.events.filter(({ method }) => method === 'chat.read'), [], 'and no mark comes after the message');
  }
});

test('of an account that is removed everybody hears what is left of it', async (t) => {
  const { person } = await buildTestApp(t);
  const [ann, bob] = await Promise.all([person('Ann'), person('Bob')]);
  const { chatId } = await ann.call('messages.send', { to: bob.id, text: 'hello' });
  const socket = await bob.socket();
  await ann.call('account.remove', { password: ann.password });
  const { params } = await socket.next('member.updated');
  assert.deepEqual([params['chatId'], (params['user'] as { firstName: string }).firstName], [chatId, 'Deleted account']);
});
