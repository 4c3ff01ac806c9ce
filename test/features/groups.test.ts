/** Groups: who is in them and as what, and what becomes of them. */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { test } from 'node:test';
import { Types } from 'mongoose';
import { AppError, type ErrorCode } from '../../src/core/errors.ts';
import type { Notice } from '../../src/core/notice.ts';
import { buildTestApp, connect } from '../helpers/app.ts';
import type { Person } from '../helpers/people.ts';
import { openSocket } from '../helpers/socket.ts';

const refusedWith = (code: ErrorCode) => (error: unknown): boolean => error instanceof AppError && error.code === code;

const rolesIn = async (person: Person, id: string): Promise<Record<string, string>> => Object.fromEntries((await person.call('groups.members', { id })).items.map(({ user, role }) => [user.firstName, role]));
const noticesIn = async (person: Person, chatId: string): Promise<Notice[]> => (await person.call('messages.list', { chatId, limit: 100 })).items.flatMap(({ notice }) => notice ?? []);

test('whoever makes a group owns it, and everybody in it hears of it', async (t) => {
  const { person } = await buildTestApp(t);
  const [ann, bob, cem] = await Promise.all([person('Ann'), person('Bob'), person('Cem')]);
  const socket = await bob.socket();
  const group = await ann.call('groups.create', { title: 'Chess', description: 'On Fridays', userIds: [bob.id, cem.id, ann.id, '0'.repeat(24)] });
  assert.deepEqual([group.kind, group.title, group.description, group.ownerId, group.memberCount], ['group', 'Chess', 'On Fridays', ann.id, 3]);
  assert.deepEqual(await rolesIn(bob, group.id), { Ann: 'owner', Bob: 'member', Cem: 'member' });
  assert.deepEqual((await socket.next('chat.created')).params, await bob.call('chats.get', { id: group.id }));
  assert.deepEqual(await noticesIn(cem, group.id), [{ type: 'group.created', actorId: ann.id, title: 'Chess' }]);
  await cem.call('messages.send', { chatId: group.id, text: 'hello' });
  assert.equal((await socket.next('message.created')).params['seq'], 2);
});

test('a group that is made again with the same key is the same group', async (t) => {
  const one = await buildTestApp(t);
  const other = await buildTestApp(t, { mongodbUri: one.mongodbUri });
  const ann = await one.person('Ann');
  const key = randomUUID();
  const made = await Promise.all(Array.from({ length: 6 }, (_, index) => (index % 2 ? one : other).dispatch.call('groups.create', ann.caller, { key, title: 'Chess' })));
  assert.equal(new Set(made.map((group) => (group as { id: string }).id)).size, 1);
  assert.equal((await noticesIn(ann, (made[0] as { id: string }).id)).length, 1);
});

test('a key that comes again with another title, description or settings is a CONFLICT, also once the group has been changed', async (t) => {
  const { person } = await buildTestApp(t);
  const [ann, bob] = await Promise.all([person('Ann'), person('Bob')]);
  const wish = { key: randomUUID(), title: 'Chess', settings: { send: 'admins' } };
  const { id } = await ann.call('groups.create', wish);
  for (const other of [{ title: 'Go' }, { description: 'On Fridays' }, { settings: {} }, { settings: { send: 'admins', add: 'admins' } }]) await assert.rejects(ann.call('groups.create', { ...wish, ...other }), refusedWith('CONFLICT'), JSON.stringify(other));
  await ann.call('groups.update', { id, title: 'Go', settings: { send: 'everyone' } });
  for (const same of [{}, { userIds: [bob.id] }, { settings: { add: 'everyone', send: 'admins' } }]) assert.equal((await ann.call('groups.create', { ...wish, ...same })).id, id, JSON.stringify(same));
  await assert.rejects(ann.call('groups.create', { ...wish, title: 'Go', settings: {} }), refusedWith('CONFLICT'), 'as it is now is not as it was asked for');
  assert.notEqual((await bob.call('groups.create', { ...wish, title: 'Mine' })).id, id, 'a key is its maker\'s own');
});

test('the same member added twice, at once from two sides and in two processes: one membership, one notice', async (t) => {
  const one = await buildTestApp(t);
  const other = await buildTestApp(t, { mongodbUri: one.mongodbUri });
  const [ann, bob, cem] = await Promise.all([one.person('Ann'), one.person('Bob'), one.person('Cem')]);
  const { id } = await ann.call('groups.create', { title: 'Chess', userIds: [bob.id] });
  const added = await Promise.all(
    Array.from({ length: 8 }, (_, index) => (index % 2 ? one : other).dispatch.call('groups.add', (index % 4 < 2 ? ann : bob).caller, { id, userIds: [cem.id] })),
  );
  assert.deepEqual(added.flatMap((answer) => (answer as { added: string[] }).added), [cem.id]);
  assert.deepEqual((await noticesIn(ann, id)).map(({ type }) => type), ['group.created', 'member.added']);
  assert.equal((await ann.call('chats.get', { id })).memberCount, 3);
});

test('who was removed sees nothing any more, hears that it happened, and can be added again', async (t) => {
  const { person } = await buildTestApp(t);
  const [ann, bob] = await Promise.all([person('Ann'), person('Bob')]);
  const { id } = await ann.call('groups.create', { title: 'Chess', userIds: [bob.id] });
  const sent = await bob.call('messages.send', { chatId: id, text: 'hello' });
  const socket = await bob.socket();
  await ann.call('groups.expel', { id, userId: bob.id });
  assert.deepEqual((await socket.next('chat.left')).params, { chatId: id });
  await ann.call('messages.send', { chatId: id, text: 'secret' });
  for (const [operation, input] of [['messages.list', { chatId: id }], ['chats.get', { id }], ['messages.send', { chatId: id, text: 'x' }], ['groups.members', { id }], ['groups.leave', { id }]] as const) {
    await assert.rejects(bob.call(operation, input), refusedWith('CHAT_NOT_FOUND'), operation);
  }
  await assert.rejects(bob.call('messages.get', { id: sent.id }), refusedWith('MESSAGE_NOT_FOUND'));
  assert.deepEqual((await bob.call('messages.sync', { chats: { [id]: { seq: 2, rev: 0 } } })).gone, [id]);
  assert.deepEqual(socket.events, []);

  assert.deepEqual((await ann.call('groups.add', { id, userIds: [bob.id] })).added, [bob.id]);
  await socket.next('chat.created');
  assert.deepEqual((await bob.call('messages.list', { chatId: id })).items.map(({ seq }) => seq), [1, 2, 3, 4, 5]);
  assert.equal((await bob.call('chats.get', { id })).unread, 0);
});

test('who comes into a group again begins anew there: nothing is archived, pinned or marked as unread; what is muted or cleared stays so', async (t) => {
  const { person } = await buildTestApp(t);
  const [ann, bob] = await Promise.all([person('Ann'), person('Bob')]);
  const { id } = await ann.call('groups.create', { title: 'Chess', userIds: [bob.id] });
  const mutedUntil = '2030-01-01T00:00:00.000Z';
  await bob.call('chats.clear', { id });
  const before = await bob.call('chats.arrange', { id, mutedUntil, archived: true, pinned: true, markedUnread: true });
  const { cursor } = await bob.call('messages.sync');
  const phone = await bob.socket();
  await ann.call('groups.expel', { id, userId: bob.id });
  await ann.call('groups.add', { id, userIds: [bob.id] });
  const { mine } = await bob.call('chats.get', { id });
  assert.deepEqual([mine.archived, mine.pinned, mine.markedUnread, mine.mutedUntil, mine.clearedSeq], [false, false, false, mutedUntil, 1]);
  assert.ok(mine.version > before.version);
  assert.deepEqual(((await phone.next('chat.created')).params as { mine: unknown }).mine, mine, 'a device that is connected hears of it');
  const synced = await bob.call('messages.sync', { chats: { [id]: { seq: 1, rev: 0 } }, cursor });
  assert.deepEqual(synced.chats[0]?.mine, mine, 'and one that was away finds it');
  assert.deepEqual(await bob.call('chats.unread'), { messages: 0, chats: 0 });
});

test('who is banned cannot be added before they are unbanned', async (t) => {
  const { person } = await buildTestApp(t);
  const [ann, bob] = await Promise.all([person('Ann'), person('Bob')]);
  const { id } = await ann.call('groups.create', { title: 'Chess' });
  await ann.call('groups.ban', { id, userId: bob.id });
  assert.deepEqual((await ann.call('groups.add', { id, userIds: [bob.id] })).added, []);
  assert.deepEqual((await ann.call('groups.banned', { id })).items.map(({ firstName }) => firstName), ['Bob']);
  await ann.call('groups.unban', { id, userId: bob.id });
  assert.deepEqual((await ann.call('groups.add', { id, userIds: [bob.id] })).added, [bob.id]);
  assert.deepEqual((await noticesIn(bob, id)).map(({ type }) => type), ['group.created', 'member.banned', 'member.unbanned', 'member.added']);
  await ann.call('groups.ban', { id, userId: bob.id });
  await assert.rejects(bob.call('chats.get', { id }), refusedWith('CHAT_NOT_FOUND'));
});

test('the owner who leaves hands over to the longest-serving admin, else to the longest-serving member; the last one ends the group', async (t) => {
  const { person, mongodbUri } = await buildTestApp(t);
  const [ann, bob, cem, dan] = await Promise.all([person('Ann'), person('Bob'), person('Cem'), person('Dan')]);
  const { id } = await ann.call('groups.create', { title: 'Chess', userIds: [bob.id] });
  await ann.call('groups.add', { id, userIds: [cem.id] });
  await ann.call('groups.add', { id, userIds: [dan.id] });
  await ann.call('groups.appoint', { id, userId: dan.id, role: 'admin' });
  await ann.call('groups.appoint', { id, userId: cem.id, role: 'admin' });
  await ann.call('groups.leave', { id });
  assert.deepEqual(await rolesIn(bob, id), { Bob: 'member', Cem: 'admin', Dan: 'owner' });
  assert.deepEqual((await noticesIn(bob, id)).at(-1), { type: 'member.left', actorId: ann.id, ownerId: dan.id });
  await dan.call('groups.appoint', { id, userId: cem.id, role: 'member' });
  await dan.call('groups.leave', { id });
  assert.deepEqual(await rolesIn(bob, id), { Bob: 'owner', Cem: 'member' });
  await bob.call('groups.leave', { id });
  const chats = (await connect(t, mongodbUri)).collection('chats');
  const hasEnded = async (): Promise<boolean> => (await chats.findOne({ _id: new Types.ObjectId(id) }))?.['removedAt'] !== undefined;
  assert.equal(await hasEnded(), false);
  await cem.call('groups.leave', { id });
  assert.equal(await hasEnded(), true);
  for (const one of [ann, bob, cem, dan]) {
    assert.deepEqual((await one.call('chats.list')).items, []);
    await assert.rejects(one.call('chats.get', { id }), refusedWith('CHAT_NOT_FOUND'));
  }
});

test('a group that is ended is over for everybody in it, and its last notice says who has ended it', async (t) => {
  const { person, mongodbUri } = await buildTestApp(t);
  const [ann, bob] = await Promise.all([person('Ann'), person('Bob')]);
  const { id } = await ann.call('groups.create', { title: 'Chess', userIds: [bob.id] });
  const sockets = await Promise.all([ann.socket(), bob.socket()]);
  await ann.call('groups.remove', { id });
  for (const socket of sockets) assert.deepEqual((await socket.next('chat.left')).params, { chatId: id });
  for (const one of [ann, bob]) {
    assert.deepEqual((await one.call('chats.list')).items, []);
    await assert.rejects(one.call('messages.send', { chatId: id, text: 'anybody?' }), refusedWith('CHAT_NOT_FOUND'));
    assert.deepEqual((await one.call('messages.sync', { chats: { [id]: { seq: 1, rev: 0 } } })).gone, [id]);
  }
  const last = await (await connect(t, mongodbUri)).collection('messages').find({ chatId: new Types.ObjectId(id) }).sort({ seq: -1 }).limit(1).next();
  assert.deepEqual(last?.['notice'], { type: 'group.ended', actorId: ann.id });
});

test('a group that has no room for all who are to be added takes none of them, and says for how many there is', async (t) => {
  const { person, mongodbUri } = await buildTestApp(t);
  const [ann, bob, cem] = await Promise.all([person('Ann'), person('Bob'), person('Cem')]);
  const { id } = await ann.call('groups.create', { title: 'Chess' });
  await (await connect(t, mongodbUri)).collection('chats').updateOne({ _id: new Types.ObjectId(id) }, { $set: { memberCount: 4999 } });
  await assert.rejects(ann.call('groups.add', { id, userIds: [bob.id, cem.id] }), (error) => refusedWith('GROUP_FULL')(error) && (error as AppError).details?.['room'] === 1);
  assert.deepEqual(await rolesIn(ann, id), { Ann: 'owner' });
  assert.deepEqual((await ann.call('groups.add', { id, userIds: [bob.id] })).added, [bob.id]);
});

test('newcomers see earlier history or not, as the group has it when they come', async (t) => {
  const { person } = await buildTestApp(t);
  const [ann, bob, cem] = await Promise.all([person('Ann'), person('Bob'), person('Cem')]);
  const { id } = await ann.call('groups.create', { title: 'Chess', settings: { history: 'joined' } });
  const early = await ann.call('messages.send', { chatId: id, text: 'early' });
  await ann.call('groups.add', { id, userIds: [bob.id] });
  const late = await ann.call('messages.send', { chatId: id, text: 'late' });
  const seqs = async (of: Person, request: object = {}): Promise<number[]> => (await of.call('messages.list', { chatId: id, ...request })).items.map(({ seq }) => seq);
  assert.deepEqual(await seqs(bob), [3, 4]);
  for (const request of [{ after: 0 }, { before: 3 }, { around: 2 }]) assert.ok((await seqs(bob, request)).every((seq) => seq >= 3));
  await assert.rejects(bob.call('messages.get', { id: early.id }), refusedWith('MESSAGE_NOT_FOUND'));
  assert.equal((await bob.call('messages.get', { id: late.id })).text, 'late');
  const { chats } = await bob.call('messages.sync', {});
  assert.deepEqual(chats[0]?.messages.map(({ seq }) => seq), [3, 4]);
  await ann.call('groups.update', { id, settings: { history: 'everyone' } });
  await ann.call('groups.add', { id, userIds: [cem.id] });
  assert.equal((await seqs(cem))[0], 1);
  assert.equal((await seqs(bob))[0], 3);
});

test('a message never stands behind the notice that has ended its sender\'s right to write, whatever process takes it', async (t) => {
  const one = await buildTestApp(t);
  const other = await buildTestApp(t, { mongodbUri: one.mongodbUri });
  const [ann, bob] = await Promise.all([one.person('Ann'), one.person('Bob')]);
  const { id } = await ann.call('groups.create', { title: 'Chess', userIds: [bob.id] });
  // The other process knows Bob as a member, and the end of the log.
  await other.dispatch.call('messages.send', bob.caller, { chatId: id, text: 'hello' });
  const socket = await openSocket(t, other.url, bob.accessToken);
  const sends = Array.from({ length: 30 }, (_, index) => other.dispatch.call('messages.send', bob.caller, { chatId: id, text: `${index}` }).then(() => undefined, (error: unknown) => error));
  await ann.call('groups.expel', { id, userId: bob.id });
  sends.push(other.dispatch.call('messages.send', bob.caller, { chatId: id, text: 'too late' }).then(() => assert.fail('it was taken'), (error: unknown) => error));
  const refusals = (await Promise.all(sends)).filter((error) => error !== undefined);
  assert.ok(refusals.length > 0 && refusals.every(refusedWith('CHAT_NOT_FOUND')));
  const { items } = await ann.call('messages.list', { chatId: id, limit: 100 });
  const removedAt = items.find(({ notice }) => notice?.type === 'member.removed')?.seq ?? 0;
  assert.ok(removedAt > 0 && items.every(({ senderId, seq }) => senderId !== bob.id || seq < removedAt));
  await other.dispatch.call('messages.send', ann.caller, { chatId: id, text: 'secret' });
  await socket.next('chat.left');
  assert.ok(!socket.events.some(({ params }) => params['text'] === 'secret'));
});

test('who may write, add and change is as the group has it set', async (t) => {
  const { person } = await buildTestApp(t);
  const [ann, bob, cem] = await Promise.all([person('Ann'), person('Bob'), person('Cem')]);
  const { id } = await ann.call('groups.create', { title: 'Chess', userIds: [bob.id] });
  await assert.rejects(bob.call('groups.update', { id, title: 'Go' }), refusedWith('NOT_ALLOWED'));
  await bob.call('messages.send', { chatId: id, text: 'hello' });
  await ann.call('groups.update', { id, settings: { send: 'admins', add: 'admins', change: 'everyone' } });
  await assert.rejects(bob.call('messages.send', { chatId: id, text: 'hello' }), refusedWith('NOT_ALLOWED'));
  await assert.rejects(bob.call('groups.add', { id, userIds: [cem.id] }), refusedWith('NOT_ALLOWED'));
  assert.equal((await bob.call('groups.update', { id, title: 'Go' })).title, 'Go');
  await assert.rejects(bob.call('groups.update', { id, settings: { send: 'everyone' } }), refusedWith('NOT_ALLOWED'));
  await ann.call('groups.appoint', { id, userId: bob.id, role: 'admin' });
  await bob.call('messages.send', { chatId: id, text: 'hello' });
});

test('a change that changes nothing is no notice', async (t) => {
  const { person } = await buildTestApp(t);
  const [ann, bob] = await Promise.all([person('Ann'), person('Bob')]);
  const { id } = await ann.call('groups.create', { title: 'Chess', userIds: [bob.id] });
  await ann.call('groups.update', { id, title: 'Chess', description: null, settings: { send: 'everyone' } });
  await ann.call('groups.update', { id });
  await ann.call('groups.add', { id, userIds: [bob.id] });
  await ann.call('groups.unban', { id, userId: bob.id });
  await ann.call('groups.appoint', { id, userId: bob.id, role: 'member' });
  assert.equal((await noticesIn(ann, id)).length, 1);
});
