/** Changing the own profile: what may be changed, by whom, what becomes of the rest, and who hears of it. */
import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import * as fc from 'fast-check';
import { Types } from 'mongoose';
import { searchWordsOf, type UserDocument } from '../../src/features/users/user.model.ts';
import { buildTestApp, connect } from '../helpers/app.ts';
import { guest, type Person } from '../helpers/people.ts';
import { ask, requireError } from '../transports/ask.ts';

const update = (person: Person, changes: object) => person.call('users.update', { id: 'me', ...changes });

/** People as they are stored, and the same byte for byte. */
async function storedUsers(t: TestContext, mongodbUri: string) {
  const users = (await connect(t, mongodbUri)).collection<UserDocument>('users');
  return {
    read: async ({ id }: Person) => (await users.findOne({ _id: new Types.ObjectId(id) })) as UserDocument,
    bytes: async ({ id }: Person) => users.findOne({ _id: new Types.ObjectId(id) }, { raw: true }) as unknown as Promise<Buffer>,
  };
}

const everything = {
  firstName: 'Anna Maria',
  lastName: 'Lee',
  about: 'Likes tea.\nAnd rain.',
  username: 'anna.maria',
  language: 'ru',
  privacy: { search: 'nobody', lastSeen: 'contacts', groups: 'contacts', readReceipts: false },
};

test('each field changes alone, and the stored document keeps everything else', async (t) => {
  const { person, mongodbUri } = await buildTestApp(t);
  const ann = await person('Ann');
  const stored = await storedUsers(t, mongodbUri);
  const settings = Object.entries(everything.privacy).map(([key, value]) => ({ privacy: { [key]: value } }));
  const changes: object[] = [...Object.entries(everything).filter(([key]) => key !== 'privacy').map(([key, value]) => ({ [key]: value })), ...settings];
  for (const change of changes) {
    const before = await stored.read(ann);
    const me = await update(ann, change);
    const privacy = { ...before.privacy, ...('privacy' in change && (change.privacy as object)) };
    const expected = { ...before, ...change, privacy };
    assert.deepEqual(await stored.read(ann), { ...expected, words: searchWordsOf(expected) }, JSON.stringify(change));
    assert.deepEqual(me, await ann.call('users.me'));
  }
  const { firstName, lastName, about, username, language, privacy } = await ann.call('users.me');
  assert.deepEqual({ firstName, lastName, about, username, language, privacy }, everything);
});

test('null takes the last name and the description away, and nothing else', async (t) => {
  const { person, mongodbUri } = await buildTestApp(t);
  const ann = await person('Ann');
  const stored = await storedUsers(t, mongodbUri);
  await update(ann, everything);
  const { lastName: _lastName, about: _about, words: _words, ...rest } = await stored.read(ann);
  const me = await update(ann, { lastName: null, about: null });
  assert.equal('lastName' in me || 'about' in me, false);
  const { words, ...left } = await stored.read(ann);
  assert.deepEqual(left, rest);
  assert.equal(words.includes('lee'), false);
  assert.deepEqual(await update(ann, { lastName: null, about: null }), me);
  for (const name of ['firstName', 'username', 'language', 'privacy']) await assert.rejects(update(ann, { [name]: null }), { code: 'VALIDATION_FAILED' }, name);
  for (const name of ['search', 'lastSeen', 'groups', 'readReceipts']) await assert.rejects(update(ann, { privacy: { [name]: null } }), { code: 'VALIDATION_FAILED' }, name);
});

test('nothing changes on an update that says nothing, or what is so already', async (t) => {
  const { person, mongodbUri } = await buildTestApp(t);
  const ann = await person('Ann');
  const stored = await storedUsers(t, mongodbUri);
  await update(ann, everything);
  const before = await stored.bytes(ann);
  for (const changes of [{}, { privacy: {} }, everything, { username: 'ANNA.Maria' }]) {
    await update(ann, changes);
    assert.deepEqual(await stored.bytes(ann), before, JSON.stringify(changes));
  }
});

test('nobody changes anybody else, whether they exist or not', async (t) => {
  const { person, mongodbUri } = await buildTestApp(t);
  const [ann, eve] = await Promise.all([person('Ann'), person('Eve')]);
  const stored = await storedUsers(t, mongodbUri);
  const before = await stored.bytes(ann);
  for (const id of [ann.id, '0'.repeat(24)]) await assert.rejects(eve.call('users.update', { id, ...everything }), { code: 'NOT_YOURSELF' });
  assert.deepEqual(await stored.bytes(ann), before);
  assert.equal((await ann.call('users.update', { id: ann.id, about: 'Me.' })).about, 'Me.');
});

test('over HTTP, PATCH and POST change me under `me` and under my id, and nobody under any other', async (t) => {
  const { url, person } = await buildTestApp(t);
  const [ann, bob] = await Promise.all([person('Ann'), person('Bob')]);
  for (const method of ['PATCH', 'POST']) {
    const change = (id: string, about: string | null) => ask(url, `/user/${id}`, { method, token: ann.accessToken, json: { about } });
    for (const id of ['me', ann.id]) {
      const { status, body } = await change(id, `By ${method} ${id}.`);
      assert.deepEqual([status, body], [200, await ann.call('users.me')]);
      assert.equal((body as { about: string }).about, `By ${method} ${id}.`);
      assert.equal('about' in ((await change(id, null)).body as object), false);
    }
    for (const id of [bob.id, '0'.repeat(24)]) requireError(await change(id, 'By Ann.'), 'NOT_YOURSELF');
    assert.equal('about' in (await bob.call('users.me')), false);
  }
});

test('a username that somebody has is refused in whatever case, and what came along with it changes nothing', async (t) => {
  const { person, mongodbUri } = await buildTestApp(t);
  const [ann, bob] = await Promise.all([person('Ann'), person('Bob')]);
  await update(ann, { username: 'The.One' });
  const stored = await storedUsers(t, mongodbUri);
  const before = await stored.bytes(bob);
  for (const username of ['the.one', 'THE.ONE']) await assert.rejects(update(bob, { username, about: 'I am the one.' }), { code: 'USERNAME_TAKEN' });
  assert.deepEqual(await stored.bytes(bob), before);
});

test('of many who take the same username at the same instant exactly one gets it', async (t) => {
  const { person, mongodbUri } = await buildTestApp(t);
  const people = await Promise.all(Array.from({ length: 8 }, (_, index) => person(`P${'abcdefgh'[index]}`)));
  const stored = await storedUsers(t, mongodbUri);
  const outcomes = await Promise.allSettled(people.map((one) => update(one, { username: 'Wanted', about: 'Mine.' })));
  const refused = outcomes.flatMap((outcome) => (outcome.status === 'rejected' ? [(outcome.reason as { code: string }).code] : []));
  assert.deepEqual(refused, Array.from({ length: 7 }, () => 'USERNAME_TAKEN'));
  const documents = await Promise.all(people.map((one) => stored.read(one)));
  assert.deepEqual(documents.map(({ username, about }) => [username === 'wanted', about === 'Mine.']).filter(([has, said]) => has !== said), []);
});

test('an old username is free for others, and signs nobody in', async (t) => {
  const { person, dispatch } = await buildTestApp(t);
  const [ann, bob] = await Promise.all([person('Ann'), person('Bob')]);
  const { username } = await ann.call('users.me');
  await update(ann, { username: 'new.ann' });
  const login = (name: string) => dispatch.call('auth.login', guest, { username: name, password: ann.password }) as Promise<{ user: { id: string } }>;
  await assert.rejects(login(username), { code: 'WRONG_CREDENTIALS' });
  assert.equal((await login('NEW.ann')).user.id, ann.id);
  assert.equal((await update(bob, { username })).username, username);
});

test('people are found by their new names and no more by the old ones', async (t) => {
  const { person } = await buildTestApp(t);
  const [ann, bob] = await Promise.all([person('Antonia'), person('Bob')]);
  const { username } = await ann.call('users.me');
  const find = async (search: string) => (await bob.call('users.search', { search })).items.map(({ id }) => id);
  await update(ann, { firstName: 'Élodie', lastName: 'Durand', username: 'elo.d' });
  for (const search of ['elodie', 'ÉLO', 'durand', 'elo.d', 'dur elo']) assert.deepEqual(await find(search), [ann.id], search);
  for (const search of ['antonia', username]) assert.deepEqual(await find(search), [], search);
  await update(ann, { lastName: null });
  assert.deepEqual([await find('durand'), await find('elodie')], [[], [ann.id]]);
});

test('names that change at the same instant, on two servers, are all kept, and all of them are what people are found by', async (t) => {
  const one = await buildTestApp(t);
  const other = await buildTestApp(t, { mongodbUri: one.mongodbUri });
  const ann = await one.person('Ann');
  const stored = await storedUsers(t, one.mongodbUri);
  for (let round = 0; round < 30; round++) {
    const last = { lastName: round % 3 ? `Last${round}` : null, about: `In round ${round}.` };
    const [, , me] = await Promise.all([
      update(ann, { firstName: `First${round}` }),
      other.dispatch.call('users.update', ann.caller, { id: 'me', ...last }),
      update(ann, { username: `user${round}` }),
    ]);
    const document = await stored.read(ann);
    assert.deepEqual([document.firstName, document.lastName ?? null, document.about, document.username], [`First${round}`, last.lastName, last.about, me.username]);
    assert.deepEqual(document.words, searchWordsOf(document));
  }
});

test('the account itself is told to every connection of its owner, and to nobody else', async (t) => {
  const { person, published } = await buildTestApp(t);
  const [ann, bob] = await Promise.all([person('Ann'), person('Bob')]);
  await ann.call('messages.send', { to: bob.id, text: 'hello' });
  const [phone, laptop, others] = await Promise.all([ann.socket(), ann.socket(), bob.socket()]);
  published.length = 0;
  const me = await phone.call('users.update', { id: 'me', firstName: 'Anna', privacy: { readReceipts: false } });
  for (const socket of [phone, laptop]) assert.deepEqual((await socket.next('user.updated')).params, me);
  // What is answered afterwards has come after everything that was told before.
  await others.call('users.me');
  assert.deepEqual(others.events.map(({ method }) => method), ['member.updated']);
  assert.deepEqual(published.filter(({ event }) => event.name === 'user.updated').map(({ topic }) => topic), [`user:${ann.id}`]);
  await assert.rejects(bob.call('users.update', { id: ann.id, firstName: 'Eve' }), { code: 'NOT_YOURSELF' });
  await phone.call('users.me');
  assert.deepEqual(phone.events.map(({ method }) => method), ['member.updated']);
});

test('names and descriptions in every script are kept as they are, composed', async (t) => {
  const { person } = await buildTestApp(t);
  const ann = await person('Ann');
  const names = ['小明', 'Ωμέγα', 'محمد', 'עִבְרִית', 'कि', 'ไทย', '각', '𝕬𝖓𝖓', '👩‍👩‍👧‍👦', '🏳️‍🌈', '\u202eevil', 'a\u200bb', "O'Neill-D’Arcy", '$where', '<script>', '{{7*7}}', 'null', '__proto__'];
  for (const name of names) {
    const about = `${name}\n\t${name}\u2028${name}`;
    const me = await update(ann, { firstName: name, lastName: name, about });
    assert.deepEqual([me.firstName, me.lastName, me.about], [name, name, about].map((text) => text.normalize('NFC')), name);
  }
  assert.equal((await update(ann, { firstName: 'e\u0301'.repeat(50) })).firstName, 'é'.repeat(50));
  assert.equal((await update(ann, { firstName: '👍'.repeat(50) })).firstName, '👍'.repeat(50));
  assert.equal((await update(ann, { about: '👍'.repeat(500) })).about, '👍'.repeat(500));
});

test('what is no text, no name or too long is refused, and nothing of the change is made', async (t) => {
  const { person, mongodbUri } = await buildTestApp(t);
  const ann = await person('Ann');
  const stored = await storedUsers(t, mongodbUri);
  const before = await stored.bytes(ann);
  const noText = ['', '\ud800', 'a\udc00', '\0', 'a\u0000b', '\u001b[0m', '\u007f', '\u0085', `a${'\u0301'.repeat(31)}`];
  const noName = [' ', '\u00a0\u3000', '\u200b\u200d', '\u2028', 'A\nB', 'é'.repeat(51), '\u0958'.repeat(26)];
  const noUsername = ['', 'ab', 'a'.repeat(33), 'a b', 'ann\n', 'änn', 'аnn', 'ａｎｎ', '\u212aelvin', 'ann@example.org', 'a/b', '..\u2024'];
  const refused = [
    ...[...noText, ...noName].flatMap((text) => [{ firstName: text }, { lastName: text }]),
    ...[...noText, 'é'.repeat(501)].map((about) => ({ about })),
    ...noUsername.map((username) => ({ username })),
    ...['de', 'EN', ''].map((language) => ({ language })),
    ...[{ search: 'contacts' }, { lastSeen: 'Nobody' }, { groups: 'friends' }, { readReceipts: 'yes' }, { photo: 'nobody' }].map((privacy) => ({ privacy })),
  ];
  for (const change of refused) await assert.rejects(update(ann, { about: 'Made it.', ...change }), { code: 'VALIDATION_FAILED' }, JSON.stringify(change));
  assert.deepEqual(await stored.bytes(ann), before);
});

test('whatever name is taken is read back as its composed form, and finds its owner by each of its words', async (t) => {
  const { person } = await buildTestApp(t);
  const [ann, bob] = await Promise.all([person('Ann'), person('Bob')]);
  await fc.assert(
    fc.asyncProperty(fc.string({ unit: 'grapheme', minLength: 1, maxLength: 30 }), fc.string({ unit: 'binary', minLength: 1, maxLength: 30 }), async (firstName, lastName) => {
      const taken = await update(ann, { firstName, lastName }).catch((error: unknown) => assert.equal((error as { code: string }).code, 'VALIDATION_FAILED'));
      if (!taken) return;
      assert.deepEqual([taken.firstName, taken.lastName], [firstName.normalize('NFC'), lastName.normalize('NFC')]);
      for (const search of searchWordsOf(taken).filter((word) => word.length <= 50)) {
        const { items } = await bob.call('users.search', { search, limit: 100 });
        assert.ok(items.some(({ id }) => id === ann.id), JSON.stringify([search, firstName, lastName]));
      }
    }),
    { numRuns: 150 },
  );
});
