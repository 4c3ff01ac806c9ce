/** How people are found by the beginnings of their names. */
import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { buildTestApp } from '../helpers/app.ts';
import { guest, type Person } from '../helpers/people.ts';

interface Search {
  searcher: Person;
  /** The usernames found, in their order. */
  find: (search: string) => Promise<string[]>;
}

const people = [
  { username: 'elodie', firstName: 'Élodie', lastName: 'Durand-Petit' },
  { username: 'elias.k', firstName: 'Elias', lastName: 'König' },
  { username: 'anna_w', firstName: 'Anna Maria', lastName: 'Weiß' },
  { username: 'zoe', firstName: 'Ζωή' },
  { username: 'ming', firstName: '小明' },
  { username: 'dot.star', firstName: '.*', lastName: '$(a+)+' },
];

async function peopled(t: TestContext): Promise<Search> {
  const { dispatch, person } = await buildTestApp(t);
  for (const { username, ...names } of people) await dispatch.call('auth.register', guest, { email: `${username}@example.org`, password: 'correct horse', username, ...names });
  const searcher = await person('Searcher');
  return { searcher, find: async (search) => (await searcher.call('users.search', { search })).items.map((user) => user.username) };
}

test('the beginning of any word of a name or of the username finds a person', async (t) => {
  const { find } = await peopled(t);
  assert.deepEqual(await find('el'), ['elias.k', 'elodie']);
  for (const search of ['elod', 'dur', 'durand', 'petit']) assert.deepEqual(await find(search), ['elodie'], search);
  for (const search of ['anna', 'maria', 'wei', 'anna_w', 'anna_']) assert.deepEqual(await find(search), ['anna_w'], search);
  for (const search of ['elias.k', 'elias.', 'k']) assert.ok((await find(search)).includes('elias.k'), search);
  for (const search of ['ζω', 'Ζωή']) assert.deepEqual(await find(search), ['zoe'], search);
  assert.deepEqual(await find('小'), ['ming']);
});

test('case and accents make no difference', async (t) => {
  const { find } = await peopled(t);
  for (const search of ['elodie', 'ÉLODIE', 'élodie', 'e\u0301lodie', 'ＥＬＯＤＩＥ']) assert.deepEqual(await find(search), ['elodie'], search);
  for (const search of ['konig', 'KÖNIG', 'ko\u0308nig']) assert.deepEqual(await find(search), ['elias.k'], search);
  for (const search of ['weiss', 'WEISS', 'weiß', 'WEIẞ']) assert.deepEqual(await find(search), ['anna_w'], search);
});

test('of several words all have to fit, in any order', async (t) => {
  const { find } = await peopled(t);
  assert.deepEqual(await find('durand elodie'), ['elodie']);
  assert.deepEqual(await find('mar ann'), ['anna_w']);
  assert.deepEqual(await find('  el   kon '), ['elias.k']);
  assert.deepEqual(await find('elodie konig'), []);
});

test('neither the middle of a word, nor an e-mail, nor signs alone find anybody', async (t) => {
  const { find } = await peopled(t);
  for (const search of ['lodie', 'urand', 'elodie@example.org', 'example', '.*', '.', '[^]', '$', '%', ' ', '!!!', '👍', '\u0301']) {
    assert.deepEqual(await find(search), [], search);
  }
});

test('signs around a word make no pattern of it', async (t) => {
  const { find } = await peopled(t);
  for (const search of ['^elod', '(elod', 'elod*', '[elod]', '$elod', '"elod"', '\\elod']) assert.deepEqual(await find(search), ['elodie'], search);
  for (const search of ['el.die', 'elo|xyz', 'e.*die', '(elo|ann)']) assert.deepEqual(await find(search), [], search);
});

test('a page of people says whether there are more', async (t) => {
  const { searcher } = await peopled(t);
  const two = await searcher.call('users.search', { search: 'el', limit: 2 });
  assert.deepEqual([two.items.length, two.more], [2, false]);
  const one = await searcher.call('users.search', { search: 'el', limit: 1 });
  assert.deepEqual([one.items.map(({ username }) => username), one.more], [['elias.k'], true]);
});
