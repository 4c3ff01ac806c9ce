/** The security log: its owner reads it, page by page; nobody else does, and nobody changes it. */
import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { Types } from 'mongoose';
import { contracts, operations } from '../../src/contracts.ts';
import { orderOf } from '../../src/core/order.ts';
import type { SecurityKind } from '../../src/features/security/security.contract.ts';
import { routes } from '../../src/transports/rest/routes.ts';
import { buildTestApp, connect, type TestApp } from '../helpers/app.ts';
import { guest, type Person } from '../helpers/people.ts';
import { until } from '../helpers/until.ts';
import { ask, requireError } from '../transports/ask.ts';

/** A log with so many entries besides that of the sign-up, made by failures. */
async function withFailures(t: TestContext, count: number): Promise<{ app: TestApp; ann: Person; ids: string[] }> {
  const app = await buildTestApp(t);
  const ann = await app.person('Ann');
  for (let time = 0; time < count; time++) await app.services.security.record(ann.id, 'sign-in-failed', { ip: `192.0.2.${time + 1}`, userAgent: '' });
  const { items } = await ann.call('security.list', { limit: 100 });
  return { app, ann, ids: items.map(({ id }) => id) };
}

test('the latest comes first', async (t) => {
  const { ann } = await withFailures(t, 5);
  const { items, more } = await ann.call('security.list');
  assert.deepEqual(items.map(({ kind, ip }) => [kind, ip]), [...[5, 4, 3, 2, 1].map((number) => ['sign-in-failed', `192.0.2.${number}`]), ['registered', guest.ip]]);
  assert.equal(more, false);
});

test('the latest comes first, whichever process has written it', async (t) => {
  const { app, ann, ids } = await withFailures(t, 2);
  const entries = (await connect(t, app.mongodbUri)).collection('security');
  const [newest] = await entries.find({ userId: new Types.ObjectId(ann.id) }).sort({ at: -1 }).limit(1).toArray();
  // Within a second ids of another process may come before or after ours.
  const _id = new Types.ObjectId('0'.repeat(24));
  await entries.insertOne({ ...newest, _id, at: new Date((newest?.['at'] as Date).getTime() + 1) });
  const first = await ann.call('security.list', { limit: 1 });
  assert.deepEqual(first.items.map(({ id }) => id), [_id.toHexString()]);
  const rest = await ann.call('security.list', { before: _id.toHexString() });
  assert.deepEqual(rest.items.map(({ id }) => id), ids);
});

test('entries of the same moment are all there, page by page', async (t) => {
  const { app, ann, ids } = await withFailures(t, 3);
  await (await connect(t, app.mongodbUri)).collection('security').updateMany({}, { $set: { at: new Date() } });
  const seen: string[] = [];
  for (let more = true; more; ) {
    const before = seen.at(-1);
    const page = await ann.call('security.list', { limit: 1, ...(before !== undefined && { before }) });
    seen.push(...page.items.map(({ id }) => id));
    more = page.more;
  }
  assert.deepEqual(seen.sort(), [...ids].sort());
});

test('page by page the log is whole, nothing twice and nothing left out, also while it grows', async (t) => {
  const { app, ann, ids } = await withFailures(t, 24);
  assert.equal(ids.length, 25);
  const seen: string[] = [];
  for (let more = true; more; ) {
    const before = seen.at(-1);
    const page = await ann.call('security.list', { limit: 10, ...(before !== undefined && { before }) });
    assert.ok(page.items.length <= 10);
    seen.push(...page.items.map(({ id }) => id));
    more = page.more;
    await app.services.security.record(ann.id, 'signed-out', guest);
  }
  assert.deepEqual(seen, ids);
});

test('a page has 50 entries unless asked otherwise, and at most 100', async (t) => {
  const { ann, ids } = await withFailures(t, 60);
  const { items, more } = await ann.call('security.list');
  assert.deepEqual([items.map(({ id }) => id), more], [ids.slice(0, 50), true]);
  for (const limit of [0, 101, -1]) await assert.rejects(ann.call('security.list', { limit }), { code: 'VALIDATION_FAILED' });
});

test('nobody reads the log of anybody else, not even from the place of an entry there', async (t) => {
  const { app, ann, ids } = await withFailures(t, 3);
  const mallory = await app.person('Mallory');
  await app.services.security.record(ann.id, 'signed-out', guest);
  const { items: [latest] } = await ann.call('security.list', { limit: 1 });
  assert.ok(latest);
  for (const input of [{}, { before: ids[0] }, { before: latest.id }, { before: 'f'.repeat(24) }]) {
    const { items } = await mallory.call('security.list', input);
    assert.deepEqual(items.filter(({ id }) => ids.includes(id)), []);
    if ('before' in input) assert.deepEqual(items, [], 'nothing comes after what is not there');
  }
  for (const input of [{ userId: ann.id }, { id: ann.id }, { before: { $ne: null } }]) await assert.rejects(mallory.call('security.list', input), { code: 'VALIDATION_FAILED' });
  await assert.rejects(app.dispatch.call('security.list', guest, {}), { code: 'UNAUTHENTICATED' });
});

test('no operation and no route changes the log', async (t) => {
  assert.deepEqual(Object.keys(contracts.security.operations), ['security.list']);
  assert.deepEqual([...operations.keys()].filter((name) => name.startsWith('security.')), ['security.list']);
  assert.deepEqual(routes.filter(({ path }) => path.includes('security')).map(({ method }) => method), ['GET']);
  const { app, ann, ids } = await withFailures(t, 2);
  for (const method of ['POST', 'PUT', 'PATCH', 'DELETE']) {
    for (const path of ['/user/me/security', `/user/me/security/${ids[0] ?? ''}`]) requireError(await ask(app.url, path, { method, token: ann.accessToken }), 'NOT_FOUND');
  }
  assert.deepEqual((await ann.call('security.list')).items.map(({ id }) => id), ids);
});

test('entries stay as they are when what they tell of is changed or undone', async (t) => {
  const ann = await (await buildTestApp(t)).person('Ann');
  await ann.call('users.update', { id: 'me', username: 'ann_the_first' });
  const before = await ann.call('security.list', { limit: 100 });
  await ann.call('users.update', { id: 'me', username: 'ann_the_second' });
  await ann.call('sessions.endOthers', {});
  const after = await ann.call('security.list', { limit: 100 });
  assert.deepEqual(after.items.slice(-before.items.length), before.items);
});

test('entries are kept for 180 days, and MongoDB removes them by itself', async (t) => {
  const app = await buildTestApp(t);
  const indexes = await (await connect(t, app.mongodbUri)).collection('security').indexes();
  assert.deepEqual(indexes.filter(({ expireAfterSeconds }) => expireAfterSeconds !== undefined).map(({ key, expireAfterSeconds }) => [key, expireAfterSeconds]), [[{ at: 1 }, 180 * 24 * 60 * 60]]);
});

test('what is asked of a log is answered by an index, however much else is in it', async (t) => {
  const app = await buildTestApp(t);
  const ann = await app.person('Ann');
  const { security } = app.services;
  const { db } = await connect(t, app.mongodbUri);
  assert.ok(db);
  const since = new Date(Date.now() - 60_000);
  // Before whatever the clock of another process may take for this minute.
  const earlier = (Math.floor(since.getTime() / 1000) - 2 * 3600).toString(16);
  const entry = (kind: SecurityKind, index: number): object => ({ _id: new Types.ObjectId(`${earlier}${index.toString(16).padStart(16, '0')}`), userId: new Types.ObjectId(ann.id), kind, at: since, network: `198.51.${index}.1` });
  await db.collection('security').insertMany(Array.from({ length: 200 }, (_, index) => entry(index % 2 ? 'sign-in-failed' : 'signed-in', index)));
  await db.command({ profile: 2 });
  assert.ok(await security.hasSignedInFrom(ann.id, '198.51.8.1'));
  assert.equal(await security.hasSignedInFrom(ann.id, '203.0.113.1'), false);
  assert.equal(await security.isUndone(ann.id, orderOf(since)), false);
  await db.command({ profile: 0 });
  const profiled = await db.collection('system.profile').find({ ns: /[.]security$/ }).toArray();
  assert.deepEqual(profiled.map(({ keysExamined, docsExamined }) => [keysExamined <= 4, docsExamined <= 1]), [[true, true], [true, true], [true, true]]);
});

test('of whoever tries accounts that do not exist nothing is kept', async (t) => {
  const { dispatch, mongodbUri } = await buildTestApp(t);
  const entries = (await connect(t, mongodbUri)).collection('security');
  await assert.rejects(dispatch.call('auth.login', guest, { email: 'nobody@example.org', password: 'correct horse' }), { code: 'WRONG_CREDENTIALS' });
  await until('the failure is written', async () => (await entries.countDocuments()) === 1);
  const [entry] = await entries.find().toArray();
  assert.deepEqual([entry?.['ip'], entry?.['userAgent'], entry?.['at']], ['0.0.0.0', '', new Date(0)], 'which MongoDB removes with the next round');
});

test('a log ends with its account', async (t) => {
  const app = await buildTestApp(t);
  const [ann, bob] = await Promise.all([app.person('Ann'), app.person('Bob')]);
  await ann.call('account.remove', { password: ann.password });
  const entries = (await connect(t, app.mongodbUri)).collection('security');
  await until('her log is gone', async () => (await entries.countDocuments({ userId: new Types.ObjectId(ann.id) })) === 0);
  assert.equal((await bob.call('security.list')).items.length, 1);
});
