/** Whoever is not in a group any more hears nothing of it, whatever fails meanwhile and whatever process has ended it. */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { test, type TestContext } from 'node:test';
import { setImmediate as nextTurn } from 'node:timers/promises';
import mongoose, { Types } from 'mongoose';
import { buildTestApp, connect, type TestApp } from '../helpers/app.ts';
import type { Person } from '../helpers/people.ts';
import { openSocket, type TestSocket } from '../helpers/socket.ts';

/** What messages have come so far; the answer has come after whatever was told before. */
async function heard(socket: TestSocket): Promise<string[]> {
  await socket.call('users.me');
  return socket.events.filter(({ method }) => method.startsWith('message')).map(({ method, params }) => `${method} ${params['text'] as string}`);
}

/** The next read that the app makes of this model, and that asks for these fields, fails. */
function failNextRead(t: TestContext, { mongodbUri }: TestApp, model: string, fields: object): { hasFailed: boolean } {
  const models = mongoose.connections.filter(({ name }) => mongodbUri.endsWith(name)).flatMap(({ models: own }) => own[model] ?? []);
  const read = { hasFailed: false };
  for (const one of models) {
    const find = one.find.bind(one) as (...parameters: unknown[]) => ReturnType<typeof one.find>;
    t.mock.method(one, 'find', (filter: unknown, projection: object | undefined, ...rest: unknown[]) => {
      const isMeant = !read.hasFailed && Object.keys(fields).every((field) => projection !== undefined && field in projection);
      if (isMeant) read.hasFailed = true;
      return find(filter, isMeant ? { $invalid: 1, ...projection } : projection, ...rest);
    });
  }
  return read;
}

test('a ban holds also where the read for it fails', async (t) => {
  const app = await buildTestApp(t);
  const [ann, bob] = await Promise.all([app.person('Ann'), app.person('Bob')]);
  const { id } = await ann.call('groups.create', { title: 'Chess', userIds: [bob.id] });
  const socket = await bob.socket();
  const read = failNextRead(t, app, 'Membership', { userId: 1, fromSeq: 1 });
  await ann.call('groups.ban', { id, userId: bob.id }).catch(() => undefined);
  assert.ok(read.hasFailed);
  await ann.call('messages.send', { chatId: id, text: 'secret' });
  await socket.next('chat.left');
  assert.deepEqual(await heard(socket), []);
});

test('nobody writes behind their ban, though the read for it fails while they wait', async (t) => {
  const app = await buildTestApp(t);
  const [ann, bob] = await Promise.all([app.person('Ann'), app.person('Bob')]);
  const { id } = await ann.call('groups.create', { title: 'Chess', userIds: [bob.id] });
  await bob.call('messages.send', { chatId: id, text: 'hello' });
  const read = failNextRead(t, app, 'Membership', { userId: 1, fromSeq: 1 });
  const banned = ann.call('groups.ban', { id, userId: bob.id }).catch(() => undefined);
  const sends: Promise<unknown>[] = [];
  while (!read.hasFailed) {
    sends.push(bob.call('messages.send', { chatId: id, text: 'too late' }).catch(() => undefined));
    await nextTurn();
  }
  await Promise.all([banned, ...sends]);
  const messages = (await connect(t, app.mongodbUri)).collection('messages');
  const notice = await messages.findOne({ 'notice.type': 'member.banned' });
  assert.equal(await messages.countDocuments({ senderId: new Types.ObjectId(bob.id), seq: { $gt: notice?.['seq'] as number } }), 0);
});

/** Ann, Bob and Cem in a group that one process has made, and Bob's socket at another, which knows nothing of it yet. */
async function twoProcesses(t: TestContext) {
  const one = await buildTestApp(t);
  const other = await buildTestApp(t, { mongodbUri: one.mongodbUri });
  const [ann, bob, cem] = await Promise.all([one.person('Ann'), one.person('Bob'), one.person('Cem')]);
  const { id } = await ann.call('groups.create', { title: 'Chess', userIds: [bob.id, cem.id] });
  const elsewhere = <T>(person: Person, name: string, input: object) => other.dispatch.call(name, person.caller, input) as Promise<T>;
  return { ann, bob, cem, id, elsewhere, socket: await openSocket(t, other.url, bob.accessToken) };
}

test('a process that writes to a group for the first time finds who was banned in another, also before the last change', async (t) => {
  const { ann, bob, cem, id, elsewhere, socket } = await twoProcesses(t);
  await ann.call('groups.ban', { id, userId: bob.id });
  await ann.call('groups.update', { id, title: 'Go' });
  await elsewhere(cem, 'messages.send', { chatId: id, text: 'secret' });
  await socket.next('chat.left');
  assert.deepEqual(await heard(socket), []);
});

test('a ban in one process holds in the others, though nobody writes there', async (t) => {
  const { ann, bob, cem, id, elsewhere, socket } = await twoProcesses(t);
  await elsewhere(cem, 'messages.send', { chatId: id, text: 'known there' });
  await socket.next('message.created');
  await ann.call('groups.ban', { id, userId: bob.id });
  await socket.next('chat.left');
  const { id: messageId } = await ann.call('messages.send', { chatId: id, text: 'secret' });
  await elsewhere(cem, 'messages.react', { id: messageId, emoji: '👍' });
  assert.deepEqual(await heard(socket), []);
});

test('a reaction in a process that has not heard of a ban yet does not reach the banned', async (t) => {
  const { ann, bob, cem, id, elsewhere, socket } = await twoProcesses(t);
  for (const member of [cem, ann, cem]) {
    await elsewhere(member, 'messages.send', { chatId: id, text: 'known there' });
    await socket.next('message.created');
  }
  const { id: messageId } = await ann.call('messages.send', { chatId: id, text: 'secret' });
  await ann.call('groups.ban', { id, userId: bob.id });
  await elsewhere(cem, 'messages.react', { id: messageId, emoji: '👍' });
  await socket.next('chat.left');
  assert.deepEqual(await heard(socket), []);
});

for (const step of ['topicsOf', 'attend'] as const) {
  test(`a ban and a block hold for a connection that is being greeted, made while it waits for ${step}`, async (t) => {
    const { url, person, services } = await buildTestApp(t);
    const [ann, bob] = await Promise.all([person('Ann'), person('Bob')]);
    const { id } = await ann.call('groups.create', { title: 'Chess', userIds: [bob.id] });
    await ann.call('messages.send', { to: bob.id, text: 'hello' });
    let times = 0;
    const after = <Parameters extends unknown[], T>(work: (...parameters: Parameters) => Promise<T>) => async (...parameters: Parameters): Promise<T> => {
      const done = await work(...parameters);
      // The last look at what it may listen to.
      if (step === 'attend' || ++times === 2) await Promise.all([ann.call('groups.ban', { id, userId: bob.id }), bob.call('blocks.create', { userId: ann.id })]);
      return done;
    };
    if (step === 'attend') services.presence.attend = after(services.presence.attend.bind(services.presence));
    else services.chats.topicsOf = after(services.chats.topicsOf.bind(services.chats));
    const socket = await openSocket(t, url, bob.accessToken);
    await ann.call('messages.send', { chatId: id, text: 'secret' });
    await ann.call('messages.send', { to: bob.id, text: 'unseen' });
    await socket.next('message.withheld');
    assert.deepEqual(await heard(socket), []);
  });
}

test('an edit that has waited for its turn is refused to whoever was banned meanwhile', async (t) => {
  const { person } = await buildTestApp(t);
  const [ann, bob] = await Promise.all([person('Ann'), person('Bob')]);
  const { id } = await ann.call('groups.create', { title: 'Chess', userIds: [bob.id] });
  const [own, others] = [await bob.call('messages.send', { chatId: id, text: 'old' }), await Promise.all(Array.from({ length: 100 }, () => ann.call('messages.send', { chatId: id, text: 'hello' })))];
  const reactions = others.map((message) => ann.call('messages.react', { id: message.id, emoji: '👍' }));
  const edited = assert.rejects(bob.call('messages.edit', { id: own.id, text: 'new' }), { code: 'MESSAGE_NOT_FOUND' });
  await ann.call('groups.ban', { id, userId: bob.id });
  await Promise.all([edited, ...reactions]);
});

test('whoever has left in another process gets no answer to a repeated send here', async (t) => {
  const here = await buildTestApp(t);
  const there = await buildTestApp(t, { mongodbUri: here.mongodbUri });
  const [ann, bob] = await Promise.all([here.person('Ann'), here.person('Bob')]);
  const { id: chatId } = await ann.call('groups.create', { title: 'Chess', userIds: [bob.id] });
  const message = { id: randomUUID(), chatId, text: 'once' };
  await bob.call('messages.send', message);
  await there.dispatch.call('groups.leave', bob.caller, { id: chatId });
  await assert.rejects(bob.call('messages.send', message), { code: 'CHAT_NOT_FOUND' });
});
