/** Passwords: which are taken, how they are kept, and how much hashing is done at once. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createPasswordHashing } from '../../src/features/passwords/password.hashing.ts';
import { buildTestApp, connect } from '../helpers/app.ts';
import { guest } from '../helpers/people.ts';

test('a password has at least 8 characters, and at most 72 bytes of UTF-8', async (t) => {
  const { dispatch } = await buildTestApp(t);
  let count = 0;
  const register = (password: string): Promise<unknown> => dispatch.call('auth.register', guest, { email: `ann${count++}@example.org`, password, firstName: 'Ann' });
  for (const password of ['x'.repeat(7), 'яжщю', '👍🎉🔥🌊🍀🎈🚲', 'x'.repeat(73), 'é'.repeat(37), '語'.repeat(25), `${'x'.repeat(70)}語`, '']) {
    await assert.rejects(register(password), { code: 'VALIDATION_FAILED' }, password);
  }
  for (const password of ['bqtzkfwh', 'яжщюфпэы', '👍🎉🔥🌊🍀🎈🚲🎸', 'x'.repeat(72), 'é'.repeat(36), '語'.repeat(24)]) await register(password);
});

test('a password whose composed form is longer than it was is measured by that, and whoever has one can sign in', async (t) => {
  const { dispatch } = await buildTestApp(t);
  // Never composed again once it is decomposed (Unicode, composition exclusions): 3 bytes become 6.
  const growing = '\u0958';
  const register = (email: string, password: string): Promise<unknown> => dispatch.call('auth.register', guest, { email, password, firstName: 'Ann' });
  await assert.rejects(register('ann@example.org', `${growing.repeat(13)}abc`), { code: 'VALIDATION_FAILED' });
  const password = `${growing.repeat(11)}abc`;
  await register('bob@example.org', password);
  await dispatch.call('auth.login', guest, { email: 'bob@example.org', password });
});

test('a password longer than 72 bytes does not match by its beginning', async (t) => {
  const { dispatch } = await buildTestApp(t);
  const password = 'x'.repeat(72);
  await dispatch.call('auth.register', guest, { email: 'ann@example.org', password, firstName: 'Ann' });
  await dispatch.call('auth.login', guest, { email: 'ann@example.org', password });
  await assert.rejects(dispatch.call('auth.login', guest, { email: 'ann@example.org', password: `${password}y` }), { code: 'WRONG_CREDENTIALS' });
});

test('the store knows passwords and refresh tokens by their hashes alone', async (t) => {
  const { person, mongodbUri } = await buildTestApp(t);
  const ann = await person('Ann');
  const next = await ann.call('auth.refresh', { refreshToken: ann.refreshToken });
  const connection = await connect(t, mongodbUri);
  const collections = await connection.db?.collections();
  const stored = JSON.stringify(await Promise.all((collections ?? []).map((collection) => collection.find().toArray())));
  assert.ok(stored.includes(ann.email), 'the whole database is looked at');
  const secrets = [ann.password, ann.accessToken, ann.refreshToken, next.refreshToken ?? '', next.accessToken];
  for (const secret of secrets) {
    for (const part of [secret, ...secret.split('.').slice(1)]) assert.equal(stored.includes(part), false, part);
  }
  const user = await connection.collection('users').findOne({ email: ann.email });
  assert.match(String(user?.['passwordHash']), /^\$2b\$04\$.{53}$/);
});

test('the same password of two people is stored differently', async (t) => {
  const { person, mongodbUri } = await buildTestApp(t);
  await Promise.all([person('Ann'), person('Bob')]);
  const users = await (await connect(t, mongodbUri)).collection('users').find().toArray();
  assert.equal(new Set(users.map((user) => user['passwordHash'] as string)).size, 2);
});

test('too many hashes at once are refused as BUSY; those that were taken are finished', async () => {
  const passwords = createPasswordHashing(4);
  const outcomes = await Promise.allSettled(Array.from({ length: 1000 }, () => passwords.hash('one', 'correct horse')));
  const refused = outcomes.filter((outcome) => outcome.status === 'rejected');
  assert.ok(refused.length > 0 && refused.length < 1000, `${refused.length} refused`);
  for (const { reason } of refused) assert.equal((reason as { code: string }).code, 'BUSY');
  assert.equal(await passwords.matches('one', 'correct horse', await passwords.hash('one', 'correct horse')), true, 'it works again afterwards');
});

test('comparing with nobody waits in the same queue, and never matches', async () => {
  const passwords = createPasswordHashing(4);
  assert.equal(await passwords.matches('one', 'nobody has this password', undefined), false);
  const outcomes = await Promise.allSettled(Array.from({ length: 1000 }, () => passwords.admit('one', () => passwords.matches('one', 'correct horse', undefined))));
  assert.ok(outcomes.some((outcome) => outcome.status === 'rejected' && (outcome.reason as { code: string }).code === 'BUSY'));
});

test('who brings many passwords keeps nobody waiting who brings one', async () => {
  const passwords = createPasswordHashing(4);
  const done: string[] = [];
  const hash = (party: string): Promise<unknown> => passwords.hash(party, 'correct horse').then(() => done.push(party));
  const many = [['many', 50], ['more', 40]].flatMap(([party, length]) => Array.from({ length: Number(length) }, () => hash(String(party))));
  await assert.rejects(hash('many'), { code: 'BUSY' });
  await hash('one');
  assert.ok(done.length <= 10, `${done.length} came before`);
  await Promise.all(many);
  assert.equal(done.length, 91);
});

test('however many networks bring all they can, there is room for one more', async () => {
  const passwords = createPasswordHashing(4);
  const outcomes = Array.from({ length: 100 * 50 }, (_, index) => passwords.hash(`network ${index % 100}`, 'correct horse').then(() => true, () => false));
  await passwords.hash('one', 'correct horse');
  const admitted = (await Promise.all(outcomes)).filter(Boolean).length;
  assert.ok(admitted > 500 && admitted < 1000, `${admitted}`);
});

test('a password is the same however a device composes its characters', async (t) => {
  const { dispatch } = await buildTestApp(t);
  const password = 'pâté à la crème';
  await dispatch.call('auth.register', guest, { email: 'ann@example.org', password: password.normalize('NFC'), firstName: 'Ann' });
  await dispatch.call('auth.login', guest, { email: 'ann@example.org', password: password.normalize('NFD') });
});
