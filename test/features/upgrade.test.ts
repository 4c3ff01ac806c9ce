/** What older versions have stored. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { mongo, Types } from 'mongoose';
import { orderOf } from '../../src/core/order.ts';
import { buildTestApp, connect } from '../helpers/app.ts';
import { untilIndexed } from '../helpers/search.ts';
import { until } from '../helpers/until.ts';

test('people who signed up before there were settings are found and shown as everybody is; old sessions are over', async (t) => {
  const before = await buildTestApp(t);
  const [ann, bob] = [await before.person('Ann'), await before.person('Bob')];
  await ann.call('chats.open', { userId: bob.id });
  await before.close();
  const store = await connect(t, before.mongodbUri);
  await store.collection('users').updateOne({ _id: new Types.ObjectId(bob.id) }, { $unset: { privacy: '', language: '' } });
  await store.collection('sessions').updateOne({ userId: new Types.ObjectId(bob.id) }, { $unset: { replaced: '', successorKey: '' }, $set: { previousHash: 'x' } });

  await store.collection('upgrades').deleteMany({});

  const { dispatch } = await buildTestApp(t, { mongodbUri: before.mongodbUri });
  const found = (await dispatch.call('users.search', ann.caller, { search: 'bob' })) as { items: unknown[] };
  assert.equal(found.items.length, 1);
  const { items } = (await dispatch.call('chats.list', ann.caller, {})) as { items: { members: { readSeq?: number }[] }[] };
  assert.deepEqual(items[0]?.members.map(({ readSeq }) => readSeq), [0, 0]);
  assert.equal(((await dispatch.call('users.me', bob.caller, {})) as { language: string }).language, 'en');
  await assert.rejects(dispatch.call('auth.refresh', bob.caller, { refreshToken: bob.refreshToken }), { code: 'SESSION_ENDED' });
});

test('contacts of before are those to whom somebody has written', async (t) => {
  const before = await buildTestApp(t);
  const [ann, bob, cem] = await Promise.all([before.person('Ann'), before.person('Bob'), before.person('Cem')]);
  await ann.call('messages.send', { to: bob.id, text: 'hello' });
  await bob.call('messages.send', { to: cem.id, text: 'hello' });
  await ann.call('chats.open', { userId: cem.id });
  await before.close();
  const store = await connect(t, before.mongodbUri);
  await store.collection('memberships').updateMany({}, { $unset: { engaged: '' } });
  await store.collection('upgrades').deleteMany({});
  const { services } = await buildTestApp(t, { mongodbUri: before.mongodbUri });
  assert.deepEqual(await services.chats.contactsAmong(ann.id, [bob.id, cem.id]), { contacts: new Set([bob.id]), contactOf: new Set() });
  assert.deepEqual(await services.chats.contactsAmong(bob.id, [ann.id, cem.id]), { contacts: new Set([cem.id]), contactOf: new Set([ann.id]) });
});

test('people and messages of before are found by words as they are folded now', async (t) => {
  const before = await buildTestApp(t);
  const [ann, bob] = await Promise.all([before.person('Ann'), before.person('Weiß')]);
  await ann.call('messages.send', { to: bob.id, text: 'Straße' });
  await untilIndexed(t, before.mongodbUri);
  await before.close();
  const store = await connect(t, before.mongodbUri);
  await store.collection('users').updateOne({ _id: new Types.ObjectId(bob.id) }, { $set: { words: ['bob', 'weiß'] } });
  await store.collection('searchTerms').updateMany({}, { $set: { words: [`@${ann.id}`, 'straße'] } });
  await store.collection('upgrades').deleteMany({});
  const { dispatch } = await buildTestApp(t, { mongodbUri: before.mongodbUri });
  assert.equal(((await dispatch.call('users.search', ann.caller, { search: 'weiss' })) as { items: unknown[] }).items.length, 1);
  await until('the message is found', async () => ((await dispatch.call('search.messages', ann.caller, { search: 'strasse' })) as { items: unknown[] }).items.length === 1);
});

test('what a database has been brought to once is not looked for again', async (t) => {
  const before = await buildTestApp(t);
  const ann = await before.person('Ann');
  await before.close();
  const store = await connect(t, before.mongodbUri);
  await store.collection('users').updateMany({}, { $unset: { language: '', privacy: '' } });
  await buildTestApp(t, { mongodbUri: before.mongodbUri });
  assert.equal(await store.collection('users').countDocuments({ _id: new Types.ObjectId(ann.id), privacy: { $exists: true } }), 0);
});

test('mails and links of before are in the order in which they came', async (t) => {
  const before = await buildTestApp(t);
  await before.close();
  const store = await connect(t, before.mongodbUri);
  const since = new Date('2026-11-21T12:00:00.500Z');
  await store.collection<{ _id: string }>('tokens').insertOne({ _id: 'undo:1', data: { since: since.toISOString() } } as never);
  await store.collection('mails').insertOne({ kind: 'password-changed', nextAttemptAt: new Date(Date.now() + 600_000), giveUpAt: new Date(Date.now() + 600_000) });
  await store.collection('upgrades').deleteMany({});
  await buildTestApp(t, { mongodbUri: before.mongodbUri });
  assert.deepEqual((await store.collection('tokens').findOne())?.['data'], { since: orderOf(since) });
  assert.ok((await store.collection('mails').findOne())?.['order'] instanceof mongo.Timestamp);
});

test('indexes that others do the work of now are gone', async (t) => {
  const before = await buildTestApp(t);
  await before.close();
  const store = await connect(t, before.mongodbUri);
  const present = { partialFilterExpression: { role: { $exists: true } } };
  await store.collection('security').createIndexes([{ key: { userId: 1, _id: -1 } }]);
  await store.collection('memberships').createIndexes([{ key: { userId: 1, seq: 1 }, name: 'userId_1' }, { key: { userId: 1 }, name: 'userId_1_in', ...present }]);
  await store.collection('upgrades').deleteMany({});
  await buildTestApp(t, { mongodbUri: before.mongodbUri });
  const names = (await Promise.all(['security', 'memberships'].map((name) => store.collection(name).indexes()))).flat().map(({ name }) => name);
  assert.deepEqual(names.filter((name) => ['userId_1__id_-1', 'userId_1', 'userId_1_in'].includes(name ?? '')), []);
});
