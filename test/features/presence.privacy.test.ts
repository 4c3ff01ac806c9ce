/** By whom somebody is seen to be here: settings, blocks, and whose account is removed. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Types } from 'mongoose';
import { connect } from '../helpers/app.ts';
import type { Person } from '../helpers/people.ts';
import { buildScene, heard, leave, look, tell, untilOpen, watch, type Presence, type Scene } from '../helpers/presence.ts';
import type { TestSocket } from '../helpers/socket.ts';

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
