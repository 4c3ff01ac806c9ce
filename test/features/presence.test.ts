/** Who is seen to be here, and when others hear of it. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Types } from 'mongoose';
import { connect } from '../helpers/app.ts';
import { buildScene, heard, leave, look, requireNothingUntil, tell, watch, type Presence } from '../helpers/presence.ts';
import { until } from '../helpers/until.ts';

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
