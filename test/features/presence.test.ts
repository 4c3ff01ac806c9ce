/** Who is seen to be here, by whom, and when they hear of it. */
import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { Types } from 'mongoose';
import { buildTestApp, connect, type TestApp } from '../helpers/app.ts';
import type { Person } from '../helpers/people.ts';
import type { TestSocket } from '../helpers/socket.ts';
import { until } from '../helpers/until.ts';

interface Scene extends TestApp {
  /** Lets so many seconds pass. */
  wait: (seconds: number) => void;
  ann: Person;
  bob: Person;
}

/** Ann and Bob, who have a private chat, and a clock that stands still unless it is moved. */
async function buildScene(t: TestContext): Promise<Scene> {
  let time = 0;
  const server = await buildTestApp(t, { presenceGather: 5, clock: () => time });
  const [ann, bob] = await Promise.all([server.person('Ann'), server.person('Bob')]);
  await ann.call('chats.open', { userId: bob.id });
  return { ...server, ann, bob, wait: (seconds) => void (time += 1000 * seconds) };
}

interface Presence {
  userId: string;
  online: boolean;
  lastSeenAt?: string;
}

const look = async (viewer: Person, ...others: { id: string }[]): Promise<Presence[]> => (await viewer.call('presence.get', { userIds: others.map(({ id }) => id) })).people;
const heard = async (socket: TestSocket): Promise<Presence> => (await socket.next('presence.changed')).params as unknown as Presence;
const watch = async (socket: TestSocket, others?: { id: string }[]): Promise<Presence[]> =>
  ((await socket.call('presence.watch', { ...(others && { userIds: others.map(({ id }) => id) }) })) as { people: Presence[] }).people;
const tell = (person: Person, lastSeen: string): Promise<unknown> => person.call('users.update', { id: 'me', privacy: { lastSeen } });

/** Until the server has so many connections and no more. */
const untilOpen = ({ app }: TestApp, count: number): Promise<boolean> => until('the server knows of the close', () => app.websocketServer.clients.size === count);

/** Closes a socket, and waits until the server knows. */
async function leave(server: TestApp, socket: TestSocket): Promise<void> {
  const left = server.app.websocketServer.clients.size - 1;
  socket.webSocket.close();
  await untilOpen(server, left);
}

/** The next that this connection hears is that somebody else comes, whom it watches. */
async function requireNothingUntil(socket: TestSocket, sentinel: Person): Promise<void> {
  await sentinel.socket();
  assert.deepEqual(await heard(socket), { userId: sentinel.id, online: true });
}

test('who has a private chat with somebody hears that they come, and 20 seconds after they have gone that they went, and when', async (t) => {
  const scene = await buildScene(t);
  const { ann, bob, wait } = scene;
  const bobs = await bob.socket();
  const anns = await ann.socket();
  assert.deepEqual(await heard(bobs), { userId: ann.id, online: true });
  const before = new Date().toISOString();
  await leave(scene, anns);
  const after = new Date().toISOString();
  wait(19);
  assert.deepEqual(await look(bob, ann), [{ userId: ann.id, online: true }]);
  wait(2);
  const { lastSeenAt = '', ...gone } = await heard(bobs);
  assert.deepEqual(gone, { userId: ann.id, online: false });
  assert.ok(before <= lastSeenAt && lastSeenAt <= after);
  assert.deepEqual(await look(bob, ann), [{ userId: ann.id, online: false, lastSeenAt }]);
});

test('a reconnect within 20 seconds is seen by nobody, and neither is a second device', async (t) => {
  const scene = await buildScene(t);
  const { ann, bob, wait, published } = scene;
  const bobs = await bob.socket();
  const first = await ann.socket();
  await heard(bobs);
  const second = await ann.socket();
  await leave(scene, first);
  wait(60);
  await leave(scene, second);
  wait(15);
  const third = await ann.socket();
  wait(15);
  await leave(scene, third);
  wait(21);
  assert.equal((await heard(bobs)).online, false);
  assert.deepEqual(published.flatMap(({ topic, event }) => (topic === `presence:${ann.id}` ? [(event.payload as Presence).online] : [])), [true, false]);
});

test('whoever flaps 50 times in 10 seconds is told of twice at most', async (t) => {
  const scene = await buildScene(t);
  const { ann, bob, wait, published } = scene;
  const bobs = await bob.socket();
  for (let time = 0; time < 50; time++) {
    const socket = await ann.socket();
    await leave(scene, socket);
    wait(0.2);
  }
  wait(30);
  while ((await heard(bobs)).online);
  const told = published.filter(({ topic }) => topic === `presence:${ann.id}`);
  assert.ok(told.length <= 2, `${told.length} events`);
});

test('who hides it is hidden, sees nobody else, and looks like somebody who does not exist', async (t) => {
  const { ann, bob, person } = await buildScene(t);
  const cem = await person('Cem');
  await Promise.all([ann.socket(), bob.socket(), cem.socket()]);
  await tell(bob, 'nobody');
  const nobody = { id: '0'.repeat(24) };
  const unseen = ({ id }: { id: string }): Presence => ({ userId: id, online: false });
  assert.deepEqual(await look(ann, bob, nobody, cem), [unseen(bob), unseen(nobody), { userId: cem.id, online: true }]);
  assert.deepEqual(await look(bob, ann, cem), [unseen(ann), unseen(cem)]);
  assert.deepEqual(await look(bob, bob), [{ userId: bob.id, online: true }]);
});

test('when somebody was last seen is hidden with it', async (t) => {
  const scene = await buildScene(t);
  const { ann, bob, wait } = scene;
  const [bobs, anns] = [await bob.socket(), await ann.socket()];
  await heard(bobs);
  await leave(scene, anns);
  wait(21);
  assert.ok((await heard(bobs)).lastSeenAt);
  await tell(ann, 'nobody');
  assert.deepEqual(await look(bob, ann), [{ userId: ann.id, online: false }]);
});

test('whoever tells contacts alone is seen by those whose chat they have opened, and it takes both sides', async (t) => {
  const { ann, bob, person } = await buildScene(t);
  const cem = await person('Cem');
  await ann.call('groups.create', { title: 'Chess', userIds: [bob.id, cem.id] });
  await Promise.all([ann.socket(), bob.socket(), cem.socket()]);
  await tell(ann, 'contacts');
  assert.deepEqual((await look(ann, bob, cem)).map(({ online }) => online), [true, false]);
  assert.deepEqual((await look(bob, ann)).map(({ online }) => online), [true]);
  assert.deepEqual((await look(cem, ann, bob)).map(({ online }) => online), [false, true]);
});

test('who begins to hide is gone for those who saw them, without a time', async (t) => {
  const { ann, bob } = await buildScene(t);
  const bobs = await bob.socket();
  await ann.socket();
  assert.equal((await heard(bobs)).online, true);
  await tell(ann, 'nobody');
  assert.deepEqual(await heard(bobs), { userId: ann.id, online: false });
});

test('what is changed of who may see is told, twice in 10 seconds at most', async (t) => {
  const { ann, bob, wait, published } = await buildScene(t);
  const bobs = await bob.socket();
  await ann.socket();
  for (const expected of [true, false]) {
    assert.equal((await heard(bobs)).online, expected);
    if (expected) await tell(ann, 'nobody');
  }
  for (let time = 0; time < 10; time++) await tell(ann, time % 2 === 0 ? 'everyone' : 'nobody');
  await tell(ann, 'contacts');
  assert.equal(published.filter(({ topic }) => topic === `presence:${ann.id}`).length, 2);
  wait(10);
  assert.deepEqual(await heard(bobs), { userId: ann.id, online: true });
});

test('whoever was away, or watched others, while somebody hid hears when they show themselves again', async (t) => {
  for (const turnAway of [
    async (scene: Scene, bobs: TestSocket) => leave(scene, bobs),
    async ({ bob }: Scene, bobs: TestSocket) => watch(bobs, [bob]),
  ]) {
    const scene = await buildScene(t);
    const { ann, bob, wait } = scene;
    const bobs = await bob.socket();
    const [witness] = [await (await scene.person('Eve')).socket(), await ann.socket()];
    await watch(witness, [ann]);
    assert.equal((await heard(bobs)).online, true);
    await turnAway(scene, bobs);
    await tell(ann, 'nobody');
    while ((await heard(witness)).online);
    const back = bobs.webSocket.readyState === bobs.webSocket.OPEN ? bobs : await bob.socket();
    assert.deepEqual(await watch(back), [{ userId: ann.id, online: false }]);
    back.events.length = 0;
    wait(10);
    await tell(ann, 'everyone');
    assert.deepEqual(await heard(back), { userId: ann.id, online: true });
  }
});

test('what one connection is answered the others of the same person hear all the same', async (t) => {
  const { ann, bob, wait } = await buildScene(t);
  const bobs = await bob.socket();
  await ann.socket();
  assert.equal((await heard(bobs)).online, true);
  await tell(ann, 'nobody');
  assert.equal((await heard(bobs)).online, false);
  await tell(ann, 'everyone');
  const second = await bob.socket();
  assert.deepEqual(await watch(second), [{ userId: ann.id, online: true }]);
  wait(10);
  assert.deepEqual(await heard(bobs), { userId: ann.id, online: true });
});

test('two between whom there is a block are gone for each other, whoever made it, until it ends', async (t) => {
  const { ann, bob, wait, person } = await buildScene(t);
  const cem = await person('Cem');
  const bobs = await bob.socket();
  const anns = await ann.socket();
  assert.deepEqual(await heard(bobs), { userId: ann.id, online: true });
  assert.deepEqual(await watch(anns), [{ userId: bob.id, online: true }]);
  // She may have heard that he came as well.
  anns.events.length = 0;
  await ann.call('blocks.create', { userId: bob.id });
  assert.deepEqual(await heard(anns), { userId: bob.id, online: false });
  assert.deepEqual(await heard(bobs), { userId: ann.id, online: false });
  const unseen = ({ id }: Person): Presence => ({ userId: id, online: false });
  assert.deepEqual([await look(ann, bob), await look(bob, ann)], [[unseen(bob)], [unseen(ann)]]);
  assert.deepEqual((await look(cem, ann, bob)).map(({ online }) => online), [true, true]);
  wait(10);
  await ann.call('blocks.remove', { userId: bob.id });
  assert.deepEqual(await heard(anns), { userId: bob.id, online: true });
  assert.deepEqual(await heard(bobs), { userId: ann.id, online: true });
});

test('who comes and goes is not heard by those they block, or who block them', async (t) => {
  const scene = await buildScene(t);
  const { ann, bob, wait, person } = scene;
  const cem = await person('Cem');
  await cem.call('chats.open', { userId: ann.id });
  await ann.call('blocks.create', { userId: bob.id });
  await cem.call('blocks.create', { userId: ann.id });
  const [bobs, cems, dans] = [await bob.socket(), await cem.socket(), await (await person('Dan')).socket()];
  for (const socket of [bobs, cems, dans]) await watch(socket, [ann, scene.bob, cem]);
  await leave(scene, await ann.socket());
  assert.deepEqual(await heard(dans), { userId: ann.id, online: true });
  wait(21);
  assert.ok((await heard(dans)).lastSeenAt);
  for (const socket of [bobs, cems]) {
    await socket.call('users.me');
    assert.deepEqual(socket.events.filter(({ method, params }) => method === 'presence.changed' && params['userId'] === ann.id), []);
  }
});

test('somebody whose account is removed is gone like everybody else, and nothing of them is kept', async (t) => {
  const scene = await buildScene(t);
  const { ann, bob, wait, mongodbUri } = scene;
  const bobs = await bob.socket();
  await ann.socket();
  assert.equal((await heard(bobs)).online, true);
  await ann.call('account.remove', { password: ann.password });
  await untilOpen(scene, 1);
  wait(21);
  assert.deepEqual(await heard(bobs), { userId: ann.id, online: false });
  const document = await (await connect(t, mongodbUri)).collection('users').findOne({ _id: new Types.ObjectId(ann.id) });
  assert.equal(document?.['lastSeenAt'], undefined);
});

test('a connection hears of those it asks for, and of nobody else; asked for nobody in particular, of its partners again', async (t) => {
  const { ann, bob, person } = await buildScene(t);
  const [cem, dan] = [await person('Cem'), await person('Dan')];
  await dan.call('chats.open', { userId: bob.id });
  const bobs = await bob.socket();
  assert.deepEqual(await watch(bobs, [cem]), [{ userId: cem.id, online: false }]);
  await ann.socket();
  await cem.socket();
  assert.deepEqual(await heard(bobs), { userId: cem.id, online: true });
  assert.deepEqual(await watch(bobs), [{ userId: ann.id, online: true }, { userId: dan.id, online: false }]);
  await tell(cem, 'nobody');
  await tell(ann, 'nobody');
  assert.deepEqual(await heard(bobs), { userId: ann.id, online: false });
  await requireNothingUntil(bobs, dan);
});

test('what one connection watches is no other connection\'s', async (t) => {
  const { ann, bob, person } = await buildScene(t);
  const cem = await person('Cem');
  const [one, other] = [await bob.socket(), await bob.socket()];
  await watch(one, [cem]);
  await cem.socket();
  await heard(one);
  await requireNothingUntil(other, ann);
});

test('two who have a chat now watch each other from then on, and hear that the other is here, unless they chose whom to watch', async (t) => {
  const { ann, bob, person } = await buildScene(t);
  const cem = await person('Cem');
  await tell(ann, 'contacts');
  const [anns, chosen, cems] = [await ann.socket(), await ann.socket(), await cem.socket()];
  await watch(chosen, [bob]);
  await ann.call('chats.open', { userId: cem.id });
  assert.deepEqual(await heard(cems), { userId: ann.id, online: true });
  assert.deepEqual(await heard(anns), { userId: cem.id, online: true });
  await requireNothingUntil(chosen, bob);
});

test('a stranger who opens a chat, or writes there, is no contact by that; whoever answers is seen at once, and told of', async (t) => {
  const { ann, bob, person, wait } = await buildScene(t);
  const eve = await person('Eve');
  await tell(bob, 'contacts');
  await bob.socket();
  const eves = await eve.socket();
  const { id: chatId } = await eve.call('chats.open', { userId: bob.id });
  await eve.call('messages.send', { chatId, text: 'hello' });
  assert.deepEqual(await look(eve, bob), [{ userId: bob.id, online: false }]);
  assert.deepEqual(await look(bob, eve), [{ userId: eve.id, online: false }]);
  assert.deepEqual(await watch(eves), [{ userId: bob.id, online: false }]);
  wait(10);
  await bob.call('messages.send', { chatId, text: 'hello yourself' });
  assert.deepEqual(await look(eve, bob), [{ userId: bob.id, online: true }]);
  assert.deepEqual(await heard(eves), { userId: bob.id, online: true });
  const anns = await ann.socket();
  assert.deepEqual(await watch(anns), [{ userId: bob.id, online: false }], 'Bob has not opened the chat that Ann has opened');
  wait(10);
  await bob.call('chats.open', { userId: ann.id });
  assert.deepEqual(await heard(anns), { userId: bob.id, online: true });
});

test('who is here is in the store, too, for a process that dies; and it never goes back', async (t) => {
  const { ann, mongodbUri, services } = await buildScene(t);
  const users = (await connect(t, mongodbUri)).collection('users');
  const stored = async (): Promise<Date | undefined> => (await users.findOne({ _id: new Types.ObjectId(ann.id) }))?.['lastSeenAt'] as Date | undefined;
  const before = new Date();
  await ann.socket();
  const first = await until('it is written while she is here', stored);
  assert.ok(first >= before);
  await until('it is written again', async () => ((await stored()) ?? first) > first);
  const [last] = [(await stored()) ?? first];
  await services.users.noteSeen(new Map([[ann.id, before]]));
  assert.ok(((await stored()) ?? before) >= last);
});

test('a server that stops has written when those went who are not told of yet, for they were told of too often', async (t) => {
  const scene = await buildScene(t);
  const { ann, bob, wait, close, mongodbUri } = scene;
  const [bobs, anns] = [await bob.socket(), await ann.socket()];
  assert.equal((await heard(bobs)).online, true);
  await leave(scene, anns);
  wait(12);
  for (const [setting, online] of [['nobody', false], ['everyone', true]] as const) {
    await tell(ann, setting);
    assert.equal((await heard(bobs)).online, online);
  }
  const users = (await connect(t, mongodbUri)).collection('users');
  const before = new Date(0);
  await users.updateOne({ _id: new Types.ObjectId(ann.id) }, { $set: { lastSeenAt: before } });
  wait(9);
  await until('her grace is over', async () => !(await look(bob, ann))[0]?.online);
  await close();
  assert.ok(((await users.findOne({ _id: new Types.ObjectId(ann.id) }))?.['lastSeenAt'] as Date) > before);
});

test('a server that stops has written when everybody was here last', async (t) => {
  const { ann, close, mongodbUri } = await buildScene(t);
  const anns = await ann.socket();
  const before = new Date();
  await close();
  await anns.closed;
  const document = await (await connect(t, mongodbUri)).collection('users').findOne({ _id: new Types.ObjectId(ann.id) });
  assert.ok((document?.['lastSeenAt'] as Date) >= before);
});
