/** A removal that is broken off anywhere is completed by whoever starts next. */
import assert from 'node:assert/strict';
import { once, EventEmitter } from 'node:events';
import { describe, test, type TestContext } from 'node:test';
import { Types, type Connection } from 'mongoose';
import { createRemovals, type Removals } from '../../src/features/account/account.removal.ts';
import { createRemovalSteps, type RemovalStep } from '../../src/features/account/removal.steps.ts';
import { counterCollection } from '../../src/features/counters/counter.model.ts';
import { createCountersService } from '../../src/features/counters/counters.service.ts';
import { mailModel } from '../../src/features/mails/mail.model.ts';
import { createMailQueue } from '../../src/features/mails/mails.service.ts';
import { createGuesses } from '../../src/features/passwords/guesses.service.ts';
import { createPasswordHashing } from '../../src/features/passwords/password.hashing.ts';
import { createPasswordsService } from '../../src/features/passwords/passwords.service.ts';
import { securityModel } from '../../src/features/security/security.model.ts';
import { createSecurityService } from '../../src/features/security/security.service.ts';
import { createAccessTokens } from '../../src/features/sessions/access.tokens.ts';
import { revocationModel } from '../../src/features/sessions/revocation.model.ts';
import { sessionModel } from '../../src/features/sessions/session.model.ts';
import { createSessionsService } from '../../src/features/sessions/sessions.service.ts';
import { tokenModel } from '../../src/features/tokens/token.model.ts';
import { createTokensService } from '../../src/features/tokens/tokens.service.ts';
import { createCredentialsService } from '../../src/features/users/credentials.service.ts';
import { userModel, type UserDocument } from '../../src/features/users/user.model.ts';
import { reindexMessages } from '../../src/services.ts';
import { buildTestApp, connect, type TestApp } from '../helpers/app.ts';
import { nowhere } from '../helpers/files.ts';
import { readOutbox } from '../helpers/mailbox.ts';
import { guest, type Person } from '../helpers/people.ts';
import { countWaitingMails, mentions } from '../helpers/store.ts';
import { until } from '../helpers/until.ts';
import { silentBus } from '../helpers/silent.bus.ts';


interface RemovalProcess {
  removals: Removals;
  parts: ReturnType<typeof createParts>;
  /** What went wrong in the background. */
  errors: unknown[];
  /** Resolves once a removal has come to its last step again. */
  passed: () => Promise<unknown>;
}

function createParts(connection: Connection) {
  const onError = (error: unknown): void => assert.fail(String(error));
  const security = createSecurityService(securityModel(connection));
  const credentials = createCredentialsService({ users: userModel(connection), bus: silentBus, photoAddress: nowhere });
  const tokens = createTokensService(tokenModel(connection));
  const sessions = createSessionsService({ credentials, sessions: sessionModel(connection), revocations: revocationModel(connection), accessTokens: createAccessTokens(['a secret that is only good for tests']), security, bus: silentBus, onError });
  return {
    security,
    sessions,
    credentials,
    tokens,
    mails: createMailQueue(mailModel(connection), onError),
    passwords: createPasswordsService({ hashing: createPasswordHashing(4), guesses: createGuesses({ counters: createCountersService(counterCollection(connection)), scale: 1000 }), security }),
  };
}

/** What a process has that does nothing but remove accounts, in the store of an app whose messages it removes. */
async function createProcess(t: TestContext, { mongodbUri, services }: TestApp, change: (steps: RemovalStep[]) => RemovalStep[] = (steps) => steps): Promise<RemovalProcess> {
  const started: { stop: () => unknown }[] = [];
  // Before the connection, which ends with the test as well, is closed.
  t.after(() => Promise.all(started.map(({ stop }) => stop())));
  const parts = createParts(await connect(t, mongodbUri));
  const errors: unknown[] = [];
  const passes = new EventEmitter();
  const steps = [...change(createRemovalSteps({ ...parts, blocks: services.blocks, tellOfMember: async () => undefined, groups: services.groups, messages: services.messages, files: services.files, photos: { release: () => Promise.resolve() } })), async () => passes.emit('passed')];
  const removals = createRemovals({ ...parts, steps, onError: (error) => errors.push(error) });
  started.push(parts.sessions, removals);
  return { removals, parts, errors, passed: () => once(passes, 'passed') };
}

const crash = (): Promise<never> => Promise.reject(new Error('a crash'));

/** The steps, of which one crashes: before it has done anything, or when it has done everything but say so. */
const crashingAt = (place: number, isDone: boolean) => (steps: RemovalStep[]): RemovalStep[] =>
  steps.map((step, index) => {
    if (index !== place) return step;
    return isDone ? async (...given) => step(...given).then(crash) : crash;
  });

/** What there is of a removed account but for its messages. */
async function tracesOf(connection: Connection, { id }: Person) {
  const userId = new Types.ObjectId(id);
  const counts = await Promise.all(['sessions', 'tokens', 'security'].map((name) => connection.collection(name).countDocuments({ userId })));
  const user = await connection.collection<UserDocument>('users').findOne({ _id: userId });
  return { documents: counts.reduce((sum, count) => sum + count), user };
}

/** Every change of the chat has a number of its own, without a gap, and nothing of this person is left to be read. */
async function requireRemoved(reader: Person, sender: Person, chatId: string, count: number): Promise<void> {
  const revs: (number | undefined)[] = [];
  for (let after = 0, more = true; more; after += 100) {
    const page = await reader.call('messages.list', { chatId, after, limit: 100 });
    const theirs = page.items.filter(({ senderId }) => senderId === sender.id);
    assert.deepEqual(theirs.filter(({ text, removedAt }) => text !== undefined || removedAt === undefined), []);
    revs.push(...theirs.map(({ rev }) => rev));
    ({ more } = page);
  }
  assert.deepEqual(revs.sort((a = 0, b = 0) => a - b), Array.from({ length: count }, (_, index) => index + 1));
}

/** How many farewells to this person these processes have sent. */
async function countFarewells({ email }: Person, ...apps: TestApp[]): Promise<number> {
  const sent = (await Promise.all(apps.map(({ dataDir }) => readOutbox(dataDir)))).flat();
  return sent.filter(({ to, subject }) => to.includes(email) && subject === 'Your account was removed').length;
}

const places = ['sessions', 'links', 'log', 'blocks', 'files', 'photos', 'members', 'farewell', 'messages', 'groups'];

// Each waits for mails most of the time: several at once.
describe('a removal', { concurrency: 5 }, () => {
  for (const [index, place] of places.entries()) {
    for (const isDone of [false, true]) {
      test(`a removal that crashes ${isDone ? 'after' : 'before'} the step for ${place} is completed at the next start`, async (t) => {
        const app = await buildTestApp(t);
        const [ann, bob] = await Promise.all([app.person('Annabel'), app.person('Bob')]);
        const { chatId } = await ann.call('messages.send', { to: bob.id, text: 'secret one' });
        for (const text of ['secret two', 'secret three']) await ann.call('messages.send', { chatId, text });
        const connection = await connect(t, app.mongodbUri);

        const crashed = await createProcess(t, app, (steps) => {
          assert.equal(steps.length, places.length);
          return crashingAt(index, isDone)(steps);
        });
        await crashed.removals.remove(ann.caller, { password: ann.password, messages: 'remove' });
        await until('the crash', () => crashed.errors.length > 0);
        await crashed.removals.stop();
        const { user } = await tracesOf(connection, ann);
        assert.deepEqual([user?.email, user?.passwordHash, user?.firstName, user?.removal?.messages], [undefined, undefined, 'Deleted account', 'remove']);

        const next = await createProcess(t, app);
        const passed = next.passed();
        next.removals.start();
        await passed;
        assert.deepEqual(next.errors, []);
        await requireRemoved(bob, ann, chatId, 3);
        assert.equal((await tracesOf(connection, ann)).documents, 0);
        await until('the farewell is sent', async () => (await countWaitingMails(connection)) === 0);
        // These processes remove and do nothing else: what a server looks through when it starts has yet to be looked through.
        await reindexMessages(connection, { prepare: () => Promise.resolve(), onProgress: () => undefined });
        for (const secret of ['annabel', 'secret']) assert.equal(await mentions(connection, secret), false, secret);
        assert.equal(await countFarewells(ann, app), 1);
      });
    }
  }
});

test('what a request that was under way leaves behind goes a little later, and only then is the removal complete', async (t) => {
  const app = await buildTestApp(t);
  const [ann, bob] = await Promise.all([app.person('Annabel'), app.person('Bob')]);
  const { chatId } = await ann.call('messages.send', { to: bob.id, text: 'secret one' });
  const connection = await connect(t, app.mongodbUri);
  const first = await createProcess(t, app);
  const { sessions, security, tokens } = first.parts;
  const passed = first.passed();
  await first.removals.remove(ann.caller, { password: ann.password, messages: 'remove' });
  await passed;
  await first.removals.stop();

  const { accessToken } = await sessions.open({ id: ann.id, stamp: '' }, guest, 'password');
  await security.record(ann.id, 'signed-in', guest, ann.email);
  await tokens.issue('verify-email', { userId: ann.id, lifetime: 1000, data: { email: ann.email } });
  await app.services.messages.send(ann.caller, { chatId, text: 'secret two' });

  const hasNote = async (): Promise<boolean> => (await tracesOf(connection, ann)).user?.removal !== undefined;
  assert.ok(await hasNote());
  await connection.collection('users').updateOne({ _id: new Types.ObjectId(ann.id) }, { $set: { 'removal.startedAt': new Date(Date.now() - 2 * 60_000) } });
  const next = await createProcess(t, app);
  next.removals.start();
  await until('the removal is complete', async () => !(await hasNote()));
  assert.equal((await tracesOf(connection, ann)).documents, 0);
  await requireRemoved(bob, ann, chatId, 2);
  await assert.rejects(next.parts.sessions.authenticate(accessToken, guest), { code: 'UNAUTHENTICATED' });
  await until('no mail waits', async () => (await countWaitingMails(connection)) === 0);
  assert.equal(await mentions(connection, 'annabel'), false);
});

test('one farewell is sent, also if the crash came when it was sent and that was not noted', async (t) => {
  const app = await buildTestApp(t);
  const ann = await app.person('Ann');
  const connection = await connect(t, app.mongodbUri);
  const farewell = places.indexOf('farewell');
  const crashed = await createProcess(t, app, (steps) => crashingAt(farewell + 1, false)(steps));
  crashed.parts.credentials.endFarewell = crash;
  await crashed.removals.remove(ann.caller, { password: ann.password, messages: 'keep' });
  await until('the crash', () => crashed.errors.length > 0);
  await crashed.removals.stop();
  await until('the farewell is sent', async () => (await countWaitingMails(connection)) === 0);
  assert.ok((await tracesOf(connection, ann)).user?.removal?.farewell);

  const next = await createProcess(t, app);
  const passed = next.passed();
  next.removals.start();
  await passed;
  await until('no mail waits', async () => (await countWaitingMails(connection)) === 0);
  assert.equal((await tracesOf(connection, ann)).user?.removal?.farewell, undefined);
  assert.equal(await countFarewells(ann, app), 1);
});

test('of many removals that are taken up a few are under way at a time', async (t) => {
  const app = await buildTestApp(t);
  const people = await Promise.all(Array.from({ length: 8 }, (_, index) => app.person(`Ann${'abcdefgh'[index] ?? ''}`)));
  let underWay = 0;
  let most = 0;
  const first: RemovalStep = async () => {
    most = Math.max(most, ++underWay);
    await new Promise(setImmediate);
  };
  const last: RemovalStep = async () => void (underWay -= 1);
  const process = await createProcess(t, app, (steps) => [first, ...steps, last]);
  const { credentials } = process.parts;
  for (const { id } of people) await credentials.erase(await credentials.require(id), 'keep');
  process.removals.start();
  const users = (await connect(t, app.mongodbUri)).collection('users');
  await until('all are done', async () => underWay === 0 && (await users.countDocuments({ 'removal.farewell': { $exists: true } })) === 0);
  assert.deepEqual([process.errors, most], [[], 3]);
});

test('two processes that carry out the same removal at once do no harm, and send one farewell', async (t) => {
  const one = await buildTestApp(t);
  const other = await buildTestApp(t, { mongodbUri: one.mongodbUri });
  const [ann, bob] = await Promise.all([one.person('Ann'), one.person('Bob')]);
  const { id: chatId } = await ann.call('chats.open', { userId: bob.id });
  await Promise.all(Array.from({ length: 60 }, (_, index) => ann.call('messages.send', { chatId, text: `number ${index}` })));
  const { text } = await bob.call('messages.send', { chatId, text: 'answer' });
  const processes = [await createProcess(t, one), await createProcess(t, other)] as const;
  const { credentials } = processes[0].parts;
  await credentials.erase(await credentials.require(ann.id), 'remove');
  const passed = processes.map((process) => process.passed());
  for (const { removals } of processes) removals.start();
  await Promise.all(passed);
  assert.deepEqual(processes.flatMap(({ errors }) => errors), []);
  await requireRemoved(bob, ann, chatId, 60);
  assert.equal((await bob.call('messages.list', { chatId, limit: 1 })).items[0]?.text, text);
  const told = [...one.published, ...other.published].filter(({ event }) => event.name === 'message.removed').map(({ event }) => (event.payload as { rev: number }).rev);
  assert.equal(new Set(told).size, 60);
  const connection = await connect(t, one.mongodbUri);
  await until('no mail waits', async () => (await countWaitingMails(connection)) === 0);
  assert.equal(await countFarewells(ann, one, other), 1);
});

test('a server that stops breaks off the removal of five hundred messages, and the next one ends it', async (t) => {
  const one = await buildTestApp(t);
  const [ann, bob] = await Promise.all([one.person('Ann'), one.person('Bob')]);
  const { id: chatId } = await ann.call('chats.open', { userId: bob.id });
  await Promise.all(Array.from({ length: 500 }, (_, index) => ann.call('messages.send', { chatId, text: `number ${index}` })));
  const connection = await connect(t, one.mongodbUri);
  const left = () => connection.collection('messages').countDocuments({ text: { $exists: true } });
  await ann.call('account.remove', { password: ann.password, messages: 'remove' });
  await until('the removal has begun', async () => (await left()) < 500);
  await one.close();
  const stayed = await left();
  assert.ok(stayed > 0, 'nobody waited for the end of it');

  const next = await buildTestApp(t, { mongodbUri: one.mongodbUri });
  await until('all are removed', async () => (await left()) === 0, 60_000);
  const reader = { ...bob, call: ((name, input) => next.dispatch.call(name, bob.caller, input)) as Person['call'] };
  await requireRemoved(reader, ann, chatId, 500);
});
