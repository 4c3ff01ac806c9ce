/** With whom somebody has private chats. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Types } from 'mongoose';
import { buildTestApp, connect } from '../helpers/app.ts';

test('partners are those of private chats, never of groups, and one is none of oneself', async (t) => {
  const { person, services } = await buildTestApp(t);
  const [ann, bob, cem] = await Promise.all([person('Ann'), person('Bob'), person('Cem')]);
  await ann.call('chats.open', { userId: ann.id });
  await ann.call('chats.open', { userId: bob.id });
  await ann.call('groups.create', { title: 'Chess', userIds: [bob.id, cem.id] });
  assert.deepEqual(await services.chats.partnersOf(ann.id), [bob.id]);
  const { pairs } = await services.chats.topicsOf(ann.id);
  assert.deepEqual(await services.chats.partnersOf(ann.id, pairs), [bob.id]);
  assert.deepEqual(await services.chats.partnersOf(cem.id), []);
});

test('of very many partners those of the 200 chats with the latest messages count', async (t) => {
  const { person, services, mongodbUri } = await buildTestApp(t);
  const ann = await person('Ann');
  const connection = await connect(t, mongodbUri);
  const others = Array.from({ length: 205 }, () => new Types.ObjectId());
  const chats = others.map((other, index) => ({ _id: new Types.ObjectId(), kind: 'private', pairKey: [ann.id, other.toHexString()].sort().join(':'), createdAt: new Date(), head: { seq: 1, at: new Date(1e12 + ((index * 7) % 205)) } }));
  const first = { role: 'member', joinedSeq: 0, roleSeq: 0, fromSeq: 0, readSeq: 0, deliveredSeq: 0, ownVersion: 0, changedAt: new Date() };
  await connection.collection('chats').insertMany(chats);
  await connection.collection('memberships').insertMany(chats.map(({ _id }) => ({ chatId: _id, userId: new Types.ObjectId(ann.id), ...first })));
  const latest = others.filter((_, index) => (index * 7) % 205 >= 5).map((id) => id.toHexString());
  assert.deepEqual(new Set(await services.chats.partnersOf(ann.id)), new Set(latest));
});
