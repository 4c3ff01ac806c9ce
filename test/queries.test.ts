/** What the server asks of MongoDB: always by an index, for little more than it needs, and with nothing sorted that has no bound. */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { test, type TestContext } from 'node:test';
import { Types, type Connection } from 'mongoose';
import { operations } from '../src/contracts.ts';
import { connectMongo } from '../src/plugins/mongo.ts';
import { reindexMessages } from '../src/services.ts';
import { buildTestApp, connect, freshDatabase } from './helpers/app.ts';
import { addCrowd, chatsOfOne, inGroup, inLongChat, leftGroup, type Crowd } from './helpers/crowd.ts';
import { toForm, toPiece, upload } from './helpers/files.ts';
import { buildGoogleApp, type GoogleApp } from './helpers/google.ts';
import { watchCode } from './helpers/passed.ts';
import type { Output, Person } from './helpers/people.ts';
import { profile, type Query } from './helpers/profile.ts';
import { until } from './helpers/until.ts';
import { ask, requireError } from './transports/ask.ts';
import { tellStory } from './transports/story.ts';

interface Exception {
  of: RegExp;
  /** How much it may look at: there is more to be looked at, and something does look at about as much. */
  most?: number;
  sorts?: true;
  scans?: true;
  because: string;
}

/** What may look at more than `2 × what it is wanted for + 10`, sort, or scan a collection. */
const exceptions: Record<string, Exception> = {
  upgrades: { of: /^upgrades \{"filter":\{\}\}$/, scans: true, because: 'there is one document for each upgrade, read when the server starts' },
  sessions: { of: /^sessions .*"sort":\{"lastUsedAt"/, sorts: true, because: 'it sorts what it gives: the sessions of one person' },
  people: { of: /^users \{"pipeline":\[\{"\$match":\{"words":/, most: 10_000, sorts: true, because: 'it looks at no more people' },
  words: { of: /^searchTerms .*"\$limit":"\?"\},\{"\$facet"/, most: 10_010, sorts: true, because: 'it looks at no more messages than 10,001, and ends after a fifth of a second however many words of others lie in between' },
  changes: { of: /^messages .*"rev":\{"\$gt":"\?","\$lte":"\?"\},"seq".*"sort":\{"rev"/, most: 501, because: 'changes of messages that come as new ones are passed over, so many at a time' },
  purge: { of: /^messages .*"senderId":"\?","kind":"\?","removedAt"/, most: 500, because: 'an account that goes looks through its chats, so many messages at a time' },
  count: { of: /^memberships .*\{"\$group":\{"_id":"\?","n"/, most: inGroup, because: 'members are counted after each change of a group, and not those who have left' },
  newcomer: { of: /^memberships .*"changedAt":\{"\$gt":"\?"\},"role":\{"\$exists":"\?"\}/, most: inGroup + leftGroup, because: 'whoever has nothing of a group yet passes over those who have left it' },
  mine: { of: /^memberships \{"distinct":"\?","filter":\{"userId":"\?"/, most: chatsOfOne + 10, because: 'it gives all that it looks at, the chats of one person: of a distinct MongoDB does not say how much' },
  end: { of: /^memberships \{"distinct":"\?","filter":\{"chatId":"\?","version":"\?"\}\}/, most: inGroup + leftGroup, because: 'the end of a group concerns all who were in it' },
};

/** Where the code asks MongoDB for something: these methods belong to collections, but for a few of services that are called alike. */
const asking = /(?<!credentials|tokens|replaced|people)\.(?:find|findOne|findById|findOneAndUpdate|findOneAndDelete|aggregate|updateOne|updateMany|deleteOne|deleteMany|replaceOne|bulkWrite|distinct|countDocuments|exists|command)\(/g;

/** Places that this test does not come to, and why there is nothing to be seen. */
const unseen: Record<string, string> = {
  'user.model: .updateOne({_id,username,firstName': 'names of before are folded anew: by id',
  'chat.opening: .findOne({pairKey}).orFail': 'two open a chat at once: as before that',
  'counters.service: .updateOne({_id:idOf(key)},[': 'many guess at one account: by id',
  'log.writer: .command({ping:1})': 'the store was silent: nothing is looked up',
  'log.writer: .find({_id:{$in:ids}})': 'the store was silent: by id',
  'mails.service: .updateOne({_id,attempts:{$gt:0}}': 'a mail was found needless too early: by id',
  'message.changes: .findOne({_id:': 'the store was silent: by id',
  'security.service: .exists({_id:id})': 'a process has died before it has said what it did: by id',
  'session.store: .findById(session._id)': 'one token is used twice at once: by id',
};

const appName = 'the-server';

interface Scene {
  server: GoogleApp;
  ann: Person;
  bob: Person;
  crowd: Crowd;
}

/** In chats with many messages, members and past. */
async function liveInCrowd({ ann, bob, crowd: { longChatId: chatId, groupIds: [id = '', other], memberId } }: Scene): Promise<void> {
  const socket = await ann.socket();
  await socket.call('auth.renew', { accessToken: ann.accessToken });
  for (const watched of [{ userIds: [bob.id] }, {}]) await socket.call('presence.watch', watched);
  const { items } = await ann.call('messages.list', { chatId, before: 100, limit: 5 });
  const early = items[0]?.id;
  for (const place of [{ before: 2500 }, { after: 2500 }, { around: 2500 }]) await ann.call('messages.list', { chatId, ...place });
  await ann.call('messages.hide', { id: early });
  await bob.call('messages.send', { chatId, text: 'number', replyTo: items[1]?.id });
  await assert.rejects(bob.call('messages.send', { to: memberId, text: 'number', replyTo: items[1]?.id }), { code: 'MESSAGE_NOT_FOUND' });
  await ann.call('messages.list', { chatId, limit: 1 });
  await ann.call('messages.list', { chatId, before: 100 });
  for (const message of items.slice(2)) await ann.call('messages.react', { id: message.id, emoji: '👍' });
  for (const person of [ann, bob]) await person.call('chats.receive', { chats: { [chatId]: inLongChat + 1, [id]: 2 } });
  for (const person of [ann, bob]) await person.call('chats.read', { id: chatId, seq: inLongChat + 1 });
  await socket.next('chat.received');
  await socket.next('chat.read');

  const { id: written } = await ann.call('messages.send', { chatId: id, text: 'number' });
  await ann.call('messages.edit', { id: written, text: 'numbers' });
  for (const change of [{ title: 'Twins' }, { title: 'All twins', settings: { send: 'admins' } }]) await bob.call('groups.update', { id, ...change });
  assert.ok((await ann.call('messages.send', { id: written, chatId: id, text: 'number' })).deduplicated);
  await socket.next('notice.created');
  await bob.call('blocks.create', { userId: memberId });
  await assert.rejects(bob.call('chats.open', { userId: memberId }), { code: 'BLOCKED' });
  await assert.rejects(bob.call('messages.send', { to: memberId, text: 'number' }), { code: 'BLOCKED' });
  for (const readReceipts of [false, true]) await ann.call('users.update', { id: 'me', privacy: { groups: 'contacts', readReceipts } });
  await bob.call('groups.create', { title: 'Contacts', userIds: [ann.id] });
  for (const name of ['groups.expel', 'groups.ban']) await bob.call(name as 'groups.ban', { id, userId: memberId });
  await bob.call('groups.banned', { id });
  for (const after of [undefined, memberId]) await ann.call('groups.members', { id, limit: 50, ...(after && { after }) });
  await bob.call('groups.remove', { id: other });
  const group = { key: randomUUID(), title: 'Two', userIds: [bob.id] };
  for (let time = 0; time < 2; time++) await ann.call('groups.create', group);
}

/** Whoever has been away for long, or looks for something. */
async function lookAround({ server, ann, crowd: { longChatId: chatId, groupIds: [groupId = ''] } }: Scene): Promise<void> {
  const cursor = await catchUp(ann, { chats: {}, limit: 500 });
  await catchUp(ann, { chats: { [chatId]: { seq: inLongChat + 1, rev: inLongChat / 2 + 3 } }, cursor });
  await catchUp(ann, { chats: { [chatId]: { seq: 2500, rev: 1000 }, [groupId]: { seq: 1, rev: 0 } }, cursor, limit: 500 });
  const { items, cursor: behind } = await ann.call('chats.list');
  await ann.call('messages.hide', { id: items.at(-1)?.lastMessage?.id });
  for (const from of [{}, { cursor: behind }]) await ann.call('chats.list', from);
  for (const search of [{ search: 'number' }, { search: 'nu' }, { search: 'number 4711' }, { search: 'number', chatId }, { search: 'number', senderId: ann.id, before: new Date().toISOString() }]) {
    const { cursor: next } = await ann.call('search.messages', search);
    if (next !== undefined) await ann.call('search.messages', { ...search, cursor: next });
  }
  for (const search of ['twin', 'twin17', 'twin tw', 'nobody']) await ann.call('users.search', { search });
  const log = await ann.call('security.list');
  await ann.call('security.list', { before: log.items.at(-1)?.id });
  const known = server.issuer.account();
  await server.enter(known);
  await assert.rejects(ann.call('account.linkGoogle', { credential: server.issuer.credential(known) }), { code: 'GOOGLE_TAKEN' });
}

async function catchUp(person: Person, { chats, ...rest }: { chats: Record<string, object>; limit?: number; cursor?: string }): Promise<string> {
  const places = { ...chats };
  let { cursor } = rest;
  for (let more = true; more; ) {
    const answer: Output<'messages.sync'> = await person.call('messages.sync', { ...rest, chats: places, ...(cursor !== undefined && { cursor }) });
    for (const { chat, place } of answer.chats) places[chat.id] = place;
    ({ more, cursor } = answer);
  }
  return cursor ?? '';
}

async function sendFiles({ server: { url }, ann, bob, crowd: { longChatId: chatId } }: Scene): Promise<void> {
  const [one, two, three] = (await Promise.all([1, 2, 3].map(() => upload(url, ann)))).map(({ id }) => id);
  const { id } = await ann.call('messages.send', { chatId, fileIds: [one, two] });
  await bob.call('messages.send', { chatId, fileIds: [one] });
  await ann.call('files.remove', { id: three });
  await ann.call('messages.remove', { id });
  await until('one is gone, and one is not', async () => (await ann.call('files.quota')).used === (await bob.call('files.get', { id: one })).size);
  const { id: large } = await ann.call('files.create', { name: 'a text', size: 6 });
  requireError(await ask(url, `/file/${large}/complete`, { method: 'POST', token: ann.accessToken }), 'UPLOAD_INCOMPLETE');
  await ask(url, `/file/${large}/upload`, { method: 'PATCH', token: ann.accessToken, ...toPiece('a text') });
  await ask(url, `/file/${large}/complete`, { method: 'POST', token: ann.accessToken });
  await ann.call('files.remove', { id: large });
  requireError(await ask(url, '/file', { method: 'POST', token: ann.accessToken, ...(await toForm('')) }), 'FILE_EMPTY');
}

/** What a crash has left behind, found by another process, when the removal of Bob is to be done once more. */
async function takeUp(t: TestContext, store: Connection, { server, ann, bob, crowd }: Scene): Promise<void> {
  server.mails.refuse(451);
  const offered = server.mails.offered();
  await server.person('Dan');
  await until('a mail is refused', () => server.mails.offered() > offered);
  await until('Bob has left', async () => (await store.collection('memberships').countDocuments({ chatId: new Types.ObjectId(crowd.groupIds[0]), userId: new Types.ObjectId(bob.id), role: { $exists: true } })) === 0);
  t.mock.timers.tick(120_000);
  await server.close();
  await store.collection('chats').updateOne({ _id: new Types.ObjectId(crowd.longChatId) }, { $set: { 'head.seq': inLongChat - 10 } });
  const next = await buildTestApp(t, { mongodbUri: server.mongodbUri });
  await next.dispatch.call('messages.send', ann.caller, { chatId: crowd.longChatId, text: 'once more' });
  await until('the removal is complete', async () => (await store.collection('users').countDocuments({ removal: { $exists: true } })) === 0);
  await next.close();
  const admin = await connectMongo(server.mongodbUri);
  await reindexMessages(admin, { prepare: () => Promise.resolve(), onProgress: () => undefined });
  await admin.close();
}


test('every query goes by an index, looks at little more than it gives, and sorts nothing without a bound', async (t) => {
  // The codes of a second factor are good for half a minute.
  t.mock.timers.enable({ apis: ['Date'], now: Date.now() });
  const uri = freshDatabase(t);
  const store = await connect(t, uri);
  const stopWatching = await watchCode();
  const server = await buildGoogleApp(t, { mongodbUri: `${uri}?appName=${appName}`, fileMilliseconds: { sweep: 50, release: 0 } });
  const [ann, bob] = await Promise.all([server.verified('Ann'), server.verified('Bob')]);
  const scene = { server, ann, bob, crowd: await addCrowd(store, ann.id, bob.id) };
  const stopNoting = await profile(store, appName);
  for (const chapter of [liveInCrowd, lookAround, sendFiles, tellStory]) await chapter(scene);
  await takeUp(t, store, scene);

  assert.deepEqual([...operations.keys()].filter((name) => !server.answered.has(name)), [], 'operations that were not asked for');
  const places = await stopWatching(/\/src\/features\//, asking);
  const isExcused = (text: string): boolean => Object.keys(unseen).some((excuse) => text.includes(excuse));
  assert.deepEqual(places.filter(({ isPassed, text }) => !isPassed && !isExcused(text)).map(({ text }) => text), [], 'places in the code that were not come to');
  assert.deepEqual(Object.keys(unseen).filter((excuse) => !places.some(({ text }) => text.includes(excuse))), [], 'excuses for places that there are not');
  const faults = (await stopNoting()).flatMap(faultsOf);
  assert.deepEqual(faults.filter(({ exception }) => exception === undefined), []);
  assert.deepEqual(Object.keys(exceptions).sort(), [...new Set(faults.map(({ exception }) => exception))].sort(), 'exceptions that are needed');
  const lookedAt = (name: string): number => Math.max(...faults.filter(({ exception }) => exception === name).map(({ examined }) => examined));
  assert.deepEqual(Object.entries(exceptions).flatMap(([name, { most = 0 }]) => (lookedAt(name) < most / 2 ? [`${name}: ${lookedAt(name)} of ${most}`] : [])), [], 'bounds that nothing comes near');
});

/** What is wrong with a query, and the name of the exception that allows it. */
function faultsOf({ collection, shape, plan, sorts, examined, wanted }: Query) {
  const query = `${collection} ${shape}`;
  const [name, { most = 0, ...may }] = Object.entries(exceptions).find(([, { of }]) => of.test(query)) ?? [undefined, {} as Partial<Exception>];
  const faults = [
    { fault: 'sorts', is: sorts, isAllowed: may.sorts },
    { fault: 'uses no index', is: plan.includes('COLLSCAN'), isAllowed: may.scans },
    { fault: `looks at ${examined} for ${wanted}`, is: examined > 2 * wanted + 10, isAllowed: examined <= most },
  ];
  return faults.filter(({ is }) => is).map(({ fault, isAllowed }) => ({ query, plan, fault, exception: isAllowed ? name : undefined, examined }));
}
