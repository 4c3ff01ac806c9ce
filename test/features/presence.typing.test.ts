/** Who is seen to be typing, by whom, how often, and until when. */
import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { Types } from 'mongoose';
import fc from 'fast-check';
import { createTyping, typingPace, type TypingNews } from '../../src/features/presence/presence.typing.ts';
import { buildTestApp, connect, type TestApp } from '../helpers/app.ts';
import type { Person } from '../helpers/people.ts';
import type { TestSocket } from '../helpers/socket.ts';
import { until } from '../helpers/until.ts';

interface Scene extends TestApp {
  /** Lets so many seconds pass. */
  wait: (seconds: number) => void;
  ann: Person;
  bob: Person;
  /** Their private chat. */
  chatId: string;
  bobs: TestSocket;
}

async function buildScene(t: TestContext): Promise<Scene> {
  let time = 0;
  const server = await buildTestApp(t, { presenceGather: 5, clock: () => time });
  const [ann, bob] = await Promise.all([server.person('Ann'), server.person('Bob')]);
  const { id: chatId } = await ann.call('chats.open', { userId: bob.id });
  return { ...server, ann, bob, chatId, bobs: await bob.socket(), wait: (seconds) => void (time += 1000 * seconds) };
}

const heard = async (socket: TestSocket): Promise<object> => (await socket.next('typing.changed')).params;
const told = ({ published }: TestApp): unknown[] => published.filter(({ event }) => event.name === 'typing.changed').map(({ event }) => (event.payload as { expiresIn: number }).expiresIn);

test('the others in a chat hear that somebody types, on every wire, and 6 seconds later that it is over, once', async (t) => {
  const scene = await buildScene(t);
  const { ann, bobs, chatId, wait } = scene;
  const [anns, second] = [await ann.socket(), await ann.socket()];
  await anns.call('presence.type', { chatId });
  assert.deepEqual(await heard(bobs), { chatId, userId: ann.id, expiresIn: 6 });
  wait(6);
  assert.deepEqual(await heard(bobs), { chatId, userId: ann.id, expiresIn: 0 });
  wait(60);
  await ann.call('presence.type', { chatId });
  assert.deepEqual(await heard(bobs), { chatId, userId: ann.id, expiresIn: 6 });
  assert.deepEqual(told(scene), [6, 0, 6]);
  await second.call('users.me');
  assert.deepEqual(second.events.filter(({ method }) => method === 'typing.changed'), [], 'one does not hear it of oneself');
});

test('however often it is said, it is told every 3 seconds at most', async (t) => {
  const scene = await buildScene(t);
  const { ann, bobs, chatId, wait } = scene;
  for (let second = 0; second < 6; second++) {
    for (let time = 0; time < 5; time++) await ann.call('presence.type', { chatId });
    for (let time = 0; time < 5; time++) await ann.call('presence.type', { chatId, active: time % 2 === 0 });
    wait(1);
  }
  for (let time = 0; time < 2; time++) await heard(bobs);
  assert.ok(told(scene).length <= 3);
});

test('who says that they have stopped has stopped, no sooner than 3 seconds after what was told before', async (t) => {
  const { ann, bobs, chatId, wait } = await buildScene(t);
  await ann.call('presence.type', { chatId });
  await heard(bobs);
  await ann.call('presence.type', { chatId, active: false });
  wait(3);
  assert.deepEqual(await heard(bobs), { chatId, userId: ann.id, expiresIn: 0 });
});

test('a message ends it without an event of its own', async (t) => {
  const { ann, bob, bobs, chatId, wait, published } = await buildScene(t);
  const anns = await ann.socket();
  await ann.call('presence.type', { chatId });
  await heard(bobs);
  await bob.call('presence.type', { chatId });
  await heard(anns);
  await ann.call('messages.send', { chatId, text: 'hello' });
  await bobs.next('message.created');
  wait(6);
  // Hers would be over in the same moment.
  assert.deepEqual(await heard(anns), { chatId, userId: bob.id, expiresIn: 0 });
  wait(6);
  await ann.call('presence.type', { chatId });
  await heard(bobs);
  const ofAnn = published.filter(({ event: { name, payload } }) => name === 'typing.changed' && (payload as { userId: string }).userId === ann.id);
  assert.deepEqual(ofAnn.map(({ event }) => event.payload), [6, 6].map((expiresIn) => ({ chatId, userId: ann.id, expiresIn })));
});

test('only who may send may type, and others learn nothing of the chat', async (t) => {
  const { ann, bob, chatId, person } = await buildScene(t);
  const eve = await person('Eve');
  const { id } = await ann.call('groups.create', { title: 'News', userIds: [bob.id], settings: { send: 'admins' } });
  await assert.rejects(bob.call('presence.type', { chatId: id }), { code: 'NOT_ALLOWED' });
  for (const unknown of [id, chatId, '0'.repeat(24)]) await assert.rejects(eve.call('presence.type', { chatId: unknown }), { code: 'CHAT_NOT_FOUND' });
});

test('who has left a group hears nothing of it, and is heard no more', async (t) => {
  const { ann, bob, bobs, person, wait } = await buildScene(t);
  const cem = await person('Cem');
  const cems = await cem.socket();
  const { id } = await ann.call('groups.create', { title: 'Chess', userIds: [bob.id, cem.id] });
  await cem.call('presence.type', { chatId: id });
  assert.deepEqual(await heard(bobs), { chatId: id, userId: cem.id, expiresIn: 6 });
  wait(1);
  await cem.call('presence.type', { chatId: id });
  await cem.call('groups.leave', { id });
  await assert.rejects(cem.call('presence.type', { chatId: id }), { code: 'CHAT_NOT_FOUND' });
  wait(2.5);
  await ann.call('presence.type', { chatId: id });
  assert.deepEqual(await heard(bobs), { chatId: id, userId: ann.id, expiresIn: 6 });
  await cems.call('users.me');
  assert.deepEqual(cems.events.filter(({ method }) => method === 'typing.changed'), []);
});

test('whoever may not write any more, as another process has decided, soon types no more either', async (t) => {
  const scene = await buildScene(t);
  const { ann, bob, bobs, person, wait, mongodbUri } = scene;
  const cem = await person('Cem');
  const group = { userIds: [bob.id, cem.id] };
  const [chess, news] = [await ann.call('groups.create', { title: 'Chess', ...group }), await ann.call('groups.create', { title: 'News', ...group })];
  for (const { id } of [chess, news]) {
    await cem.call('presence.type', { chatId: id });
    assert.deepEqual(await heard(bobs), { chatId: id, userId: cem.id, expiresIn: 6 });
  }
  const { dispatch } = await buildTestApp(t, { mongodbUri });
  await dispatch.call('groups.expel', ann.caller, { id: chess.id, userId: cem.id });
  await dispatch.call('groups.update', ann.caller, { id: news.id, settings: { send: 'admins' } });
  // Nothing is told again while the clock stands still.
  const refusalIn = async (chatId: string): Promise<unknown> => cem.call('presence.type', { chatId }).catch((error: unknown) => (error as { code: string }).code);
  assert.equal(await until('it is known that he was expelled', () => refusalIn(chess.id)), 'CHAT_NOT_FOUND');
  assert.equal(await until('it is known that admins alone may write', () => refusalIn(news.id)), 'NOT_ALLOWED');
  wait(6);
  for (let time = 0; time < 2; time++) assert.equal(((await heard(bobs)) as { expiresIn: number }).expiresIn, 0);
  wait(6);
  for (const { id } of [chess, news]) await refusalIn(id);
  assert.deepEqual(told(scene), [6, 6, 0, 0]);
});

test('two between whom there is a block do not see each other type, in their chat or in a group', async (t) => {
  const scene = await buildScene(t);
  const { ann, bob, bobs, chatId, person, wait } = scene;
  const cem = await person('Cem');
  const [anns, cems] = [await ann.socket(), await cem.socket()];
  const { id } = await cem.call('groups.create', { title: 'Chess', userIds: [ann.id, bob.id] });
  await ann.call('blocks.create', { userId: bob.id });
  await assert.rejects(ann.call('presence.type', { chatId }), { code: 'BLOCKED' });
  await bob.call('presence.type', { chatId });
  for (const typist of [ann, bob]) {
    await typist.call('presence.type', { chatId: id });
    assert.deepEqual(await heard(cems), { chatId: id, userId: typist.id, expiresIn: 6 });
  }
  wait(6);
  for (let time = 0; time < 2; time++) await heard(cems);
  for (const socket of [anns, bobs]) {
    await socket.call('users.me');
    assert.deepEqual(socket.events.filter(({ method }) => method === 'typing.changed'), []);
  }
});

test('in a group of more than 200 nobody is told', async (t) => {
  const scene = await buildScene(t);
  const { ann, bob, bobs, chatId, mongodbUri } = scene;
  const { id } = await ann.call('groups.create', { title: 'Crowd', userIds: [bob.id] });
  const chats = (await connect(t, mongodbUri)).collection('chats');
  await chats.updateOne({ _id: new Types.ObjectId(id) }, { $set: { memberCount: 200 } });
  // A change makes the server read the count anew.
  await ann.call('groups.update', { id, title: 'A crowd' });
  await ann.call('presence.type', { chatId: id });
  assert.deepEqual(await heard(bobs), { chatId: id, userId: ann.id, expiresIn: 6 });
  await chats.updateOne({ _id: new Types.ObjectId(id) }, { $set: { memberCount: 201 } });
  await ann.call('groups.update', { id, title: 'A larger crowd' });
  await bob.call('presence.type', { chatId: id });
  await ann.call('presence.type', { chatId });
  assert.deepEqual(await heard(bobs), { chatId, userId: ann.id, expiresIn: 6 });
  assert.equal(told(scene).length, 2);
});

const pair = ['c'.repeat(24), 'u'.repeat(24)] as const;
const step = fc.oneof(
  fc.record({ kind: fc.constantFrom('type' as const, 'stop' as const, 'send' as const) }),
  fc.record({ kind: fc.constant('pass' as const), rounds: fc.integer({ min: 0, max: 20 }) }),
);

test('in any order of typing, stopping and sending it is told every 3 seconds at most, and the truth last', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const typing = createTyping();
      const heard: { at: number; until: number }[] = [];
      /** What a client believes: a message ends it, and so does time. */
      let [now, shownUntil, truth] = [0, 0, 0];
      const hear = (news: TypingNews | undefined): void => {
        if (!news) return;
        heard.push({ at: now, until: news.until });
        shownUntil = news.until;
      };
      for (const one of [...steps, { kind: 'pass' as const, rounds: 12 }]) {
        if (one.kind === 'pass') for (let round = 0; round < one.rounds; round++) typing.takeDue((now += 250)).forEach(hear);
        else if (one.kind === 'send') {
          typing.sent(...pair);
          [truth, shownUntil] = [0, 0];
        } else {
          truth = one.kind === 'type' ? now + typingPace.lasts : 0;
          hear(typing.type(...pair, one.kind === 'type', now));
        }
      }
      assert.equal(shownUntil > now ? shownUntil : 0, truth > now ? truth : 0);
      for (const [index, { at }] of heard.entries()) assert.ok(at - (heard[index - 1]?.at ?? -Infinity) >= typingPace.between);
    }),
    { numRuns: 500 },
  );
});
