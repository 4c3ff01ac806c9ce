/** What people set to be private is private: whether they are found, and how far they have read. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { buildTestApp } from '../helpers/app.ts';
import type { Output, Person } from '../helpers/people.ts';
import type { Notification, TestSocket } from '../helpers/socket.ts';

type Chat = Output<'chats.open'>;
/** How far each member has read, as far as it is told. */
type Marks = Record<string, number | undefined>;

const tell = (person: Person, readReceipts: boolean) => person.call('users.update', { id: 'me', privacy: { readReceipts } });
const marksIn = ({ members }: Pick<Chat, 'members'>): Marks => Object.fromEntries(members.map(({ user, readSeq }) => [user.id, readSeq]));

/** Every way in which a person is shown a chat. */
async function viewsOf(viewer: Person, chatId: string, others: readonly Person[]): Promise<Record<string, Chat>> {
  const [got, list, sync] = await Promise.all([viewer.call('chats.get', { id: chatId }), viewer.call('chats.list'), viewer.call('messages.sync')]);
  const listed = list.items.find(({ id }) => id === chatId);
  const entry = sync.chats.find(({ chat }) => chat.id === chatId);
  const synced = entry && { ...entry.chat, members: entry.members };
  const partner = others.find(({ id }) => id !== viewer.id && got.members.some(({ user }) => user.id === id)) ?? viewer;
  const opened = await viewer.call('chats.open', { userId: partner.id });
  assert.ok(listed && synced);
  assert.equal(opened.id, chatId);
  return { 'chats.get': got, 'chats.list': listed, 'messages.sync': synced, 'chats.open': opened };
}

/** Events that have come so far; what is answered has come after whatever was told before. */
async function arrived(socket: TestSocket): Promise<Notification[]> {
  // Answered once all marks that had gathered are told.
  await socket.call('chats.receive', { chats: {} });
  return socket.events.splice(0);
}

test('whoever wants to be found by nobody is found by nobody, and otherwise there for those who know them', async (t) => {
  const { person } = await buildTestApp(t);
  const [ann, bob, cem] = await Promise.all([person('Annabella'), person('Bob'), person('Annabeth')]);
  const { username } = await ann.call('users.update', { id: 'me', lastName: 'Durand' });
  await ann.call('messages.send', { to: bob.id, text: 'hello' });
  const find = async (searcher: Person, search: string, limit = 20) => {
    const { items, more } = await searcher.call('users.search', { search, limit });
    return { ids: items.map(({ id }) => id), more };
  };
  await ann.call('users.update', { id: 'me', privacy: { search: 'nobody' } });
  for (const searcher of [ann, bob, cem]) {
    for (const search of ['annabella', 'durand', username, 'durand annabella']) assert.deepEqual(await find(searcher, search), { ids: [], more: false }, search);
  }
  assert.deepEqual(await find(bob, 'annab', 1), { ids: [cem.id], more: false });
  await ann.call('users.update', { id: 'me', firstName: 'Annabelle', username: 'annabelle.d' });
  for (const search of ['annabelle', 'annabelle.d']) assert.deepEqual((await find(bob, search)).ids, [], search);

  assert.equal((await bob.call('users.get', { id: ann.id })).firstName, 'Annabelle');
  assert.equal((await bob.call('chats.list')).items.length, 1);
  await cem.call('messages.send', { to: ann.id, text: 'found by id' });

  await ann.call('users.update', { id: 'me', privacy: { search: 'everyone' } });
  for (const search of ['annabelle', 'annabelle.d', 'durand']) assert.deepEqual((await find(bob, search)).ids, [ann.id], search);
});

test('whoever lets contacts alone add them to groups is added by those they have written to, not by those who have written to them', async (t) => {
  const { person } = await buildTestApp(t);
  const [ann, bob, cem] = await Promise.all([person('Ann'), person('Bob'), person('Cem')]);
  await bob.call('users.update', { id: 'me', privacy: { groups: 'contacts' } });
  for (const stranger of [ann, cem]) await stranger.call('chats.open', { userId: bob.id });
  await ann.call('messages.send', { to: bob.id, text: 'hello' });
  const isAdded = async (maker: Person): Promise<boolean[]> => {
    const { memberCount } = await maker.call('groups.create', { title: 'Chess', userIds: [bob.id] });
    const { id } = await maker.call('groups.create', { title: 'More chess' });
    return [memberCount === 2, (await maker.call('groups.add', { id, userIds: [bob.id] })).added.includes(bob.id)];
  };
  assert.deepEqual([await isAdded(ann), await isAdded(cem)], [[false, false], [false, false]]);
  await bob.call('messages.send', { to: ann.id, text: 'hello' });
  assert.deepEqual([await isAdded(ann), await isAdded(cem)], [[true, true], [false, false]]);
});

test('how far somebody has read shows between people who both tell it, wherever a chat is shown; their own mark always', async (t) => {
  const { person } = await buildTestApp(t);
  const [ann, bob] = await Promise.all([person('Ann'), person('Bob')]);
  const { chatId } = await ann.call('messages.send', { to: bob.id, text: 'one' });
  await ann.call('messages.send', { to: bob.id, text: 'two' });
  await bob.call('chats.read', { id: chatId, seq: 1 });
  const requireShown = async (viewer: Person, marks: Marks, unread: number): Promise<void> => {
    for (const [name, chat] of Object.entries(await viewsOf(viewer, chatId, [ann, bob]))) {
      assert.deepEqual(marksIn(chat), { [ann.id]: undefined, [bob.id]: undefined, ...marks }, name);
      if ('unread' in chat) assert.equal(chat.unread, unread, name);
    }
  };
  for (const [annTells, bobTells] of [[true, true], [true, false], [false, false], [false, true], [true, true]] as const) {
    await Promise.all([tell(ann, annTells), tell(bob, bobTells)]);
    const both = annTells && bobTells;
    await requireShown(ann, { [ann.id]: 2, ...(both && { [bob.id]: 1 }) }, 0);
    await requireShown(bob, { [bob.id]: 1, ...(both && { [ann.id]: 2 }) }, 1);
  }
});

test('what was read while nobody was told shows once everybody tells again', async (t) => {
  const { person } = await buildTestApp(t);
  const [ann, bob] = await Promise.all([person('Ann'), person('Bob')]);
  const { chatId } = await ann.call('messages.send', { to: bob.id, text: 'one' });
  await tell(bob, false);
  await bob.call('chats.read', { id: chatId, seq: 1 });
  assert.deepEqual(marksIn(await ann.call('chats.get', { id: chatId })), { [ann.id]: 1, [bob.id]: undefined });
  await tell(bob, true);
  assert.deepEqual(marksIn(await ann.call('chats.get', { id: chatId })), { [ann.id]: 1, [bob.id]: 1 });
});

test('reading is told to all own devices, and to others only if both tell', async (t) => {
  const { person } = await buildTestApp(t);
  const [ann, bob] = await Promise.all([person('Ann'), person('Bob')]);
  const { chatId } = await ann.call('messages.send', { to: bob.id, text: 'one' });
  const [annPhone, bobPhone, bobLaptop] = await Promise.all([ann.socket(), bob.socket(), bob.socket()]);
  const reads = async (socket: TestSocket) => (await arrived(socket)).filter(({ method }) => method === 'chat.read').map(({ params }) => params);
  for (const [annTells, bobTells] of [[true, true], [true, false], [false, true], [false, false], [true, true]] as const) {
    await Promise.all([tell(ann, annTells), tell(bob, bobTells)]);
    for (const socket of [annPhone, bobPhone, bobLaptop]) await arrived(socket);
    const { seq } = await ann.call('messages.send', { chatId, text: 'more' });
    await bobPhone.call('chats.read', { id: chatId, seq });
    const read = { chatId, marks: [{ userId: bob.id, seq }] };
    assert.deepEqual(await reads(annPhone), annTells && bobTells ? [read] : []);
    for (const socket of [bobPhone, bobLaptop]) assert.deepEqual(await reads(socket), [read]);
  }
});

test('a new chat is announced to each as they may see it', async (t) => {
  const { person } = await buildTestApp(t);
  for (const [annTells, bobTells] of [[true, true], [true, false], [false, true]] as const) {
    const [ann, bob] = await Promise.all([person('Ann'), person('Bob')]);
    await Promise.all([tell(ann, annTells), tell(bob, bobTells)]);
    const sockets = await Promise.all([ann.socket(), bob.socket()]);
    const opened = await ann.call('chats.open', { userId: bob.id });
    const [forAnn, forBob] = await Promise.all(sockets.map(async (socket) => marksIn((await socket.next('chat.created')).params as Chat)));
    const both = annTells && bobTells;
    assert.deepEqual(forAnn, { [ann.id]: 0, [bob.id]: both ? 0 : undefined });
    assert.deepEqual(forBob, { [ann.id]: both ? 0 : undefined, [bob.id]: 0 });
    assert.deepEqual(marksIn(opened), forAnn);
  }
});

test('whoever tells nobody still sees their own mark among their notes', async (t) => {
  const { person } = await buildTestApp(t);
  const ann = await person('Ann');
  await tell(ann, false);
  const { chatId } = await ann.call('messages.send', { to: ann.id, text: 'buy milk' });
  for (const chat of Object.values(await viewsOf(ann, chatId, [ann]))) assert.deepEqual(marksIn(chat), { [ann.id]: 1 });
});

const action = fc.record({ kind: fc.constantFrom('tell', 'hide', 'send', 'send', 'read', 'read', 'open'), by: fc.nat(2), to: fc.nat(2), seq: fc.nat(5) });
type Action = typeof action extends fc.Arbitrary<infer A> ? A : never;

/** Lets one of the people do something; the chat that it was done in, if any. */
async function act({ kind, by, to, seq }: Action, people: readonly Person[], tells: Map<string, boolean>): Promise<void> {
  const [person, other] = [people[by] as Person, people[to] as Person];
  if (kind === 'tell' || kind === 'hide') {
    await tell(person, kind === 'tell');
    tells.set(person.id, kind === 'tell');
  } else if (kind === 'send') await person.call('messages.send', { to: other.id, text: 'hello' });
  else if (kind === 'open') await person.call('chats.open', { userId: other.id });
  else for (const { id } of (await person.call('chats.list')).items) await person.call('chats.read', { id, seq });
}

test('whatever people set and read, nobody ever sees a mark of one who does not tell, nor any but their own if they do not tell', async (t) => {
  const { person } = await buildTestApp(t);
  await fc.assert(
    fc.asyncProperty(fc.array(action, { minLength: 5, maxLength: 30 }), async (actions) => {
      const people = await Promise.all(['Ann', 'Bob', 'Cem'].map((name) => person(name)));
      const devices = await Promise.all(people.map(async (one) => ({ one, socket: await one.socket() })));
      const tells = new Map(people.map(({ id }) => [id, true]));
      const isTold = (viewer: Person, id: string): boolean => id === viewer.id || (tells.get(viewer.id) === true && tells.get(id) === true);
      const requireDiscreet = (viewer: Person, what: string, chat: Chat): void => {
        for (const [id, readSeq] of Object.entries(marksIn(chat))) assert.equal(readSeq !== undefined, isTold(viewer, id), what);
      };
      for (const one of actions) {
        await act(one, people, tells);
        const heard = await Promise.all(devices.map(async ({ one: viewer, socket }) => ({ viewer, events: await arrived(socket) })));
        for (const { viewer, events } of heard) {
          for (const { method, params } of events) {
            if (method === 'chat.created') requireDiscreet(viewer, method, params as Chat);
            if (method === 'chat.read') for (const { userId } of params['marks'] as { userId: string }[]) assert.ok(isTold(viewer, userId), method);
          }
        }
      }
      await Promise.all(
        people.map(async (viewer) => {
          for (const { id } of (await viewer.call('chats.list')).items) {
            for (const [name, chat] of Object.entries(await viewsOf(viewer, id, people))) requireDiscreet(viewer, name, chat);
          }
        }),
      );
      for (const { socket } of devices) socket.webSocket.terminate();
    }),
    { numRuns: 10 },
  );
});
