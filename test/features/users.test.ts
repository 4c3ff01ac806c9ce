/** Accounts: what makes a person one of a kind, and what others may see of them. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { buildTestApp } from '../helpers/app.ts';
import { guest, type Output } from '../helpers/people.ts';
import type { Dispatch } from '../../src/transports/dispatch.ts';

const register = async (dispatch: Dispatch, account: object): Promise<Output<'auth.register'>> =>
  (await dispatch.call('auth.register', guest, { email: 'ann@example.org', password: 'correct horse', firstName: 'Ann', ...account })) as Output<'auth.register'>;

/** The codes of the errors among the outcomes. */
const codesOf = (outcomes: PromiseSettledResult<unknown>[]): string[] => outcomes.flatMap((outcome) => (outcome.status === 'rejected' ? (outcome.reason as { code: string }).code : []));

test('an e-mail address is one account, in whatever case it is written', async (t) => {
  const { dispatch } = await buildTestApp(t);
  const { user } = await register(dispatch, { email: 'Ann@Example.ORG' });
  assert.equal(user.email, 'ann@example.org');
  for (const email of ['ann@example.org', 'ANN@EXAMPLE.ORG']) {
    await assert.rejects(register(dispatch, { email, username: 'other' }), { code: 'EMAIL_TAKEN' });
  }
});

test('a username is one account, in whatever case it is written', async (t) => {
  const { dispatch } = await buildTestApp(t);
  const { user } = await register(dispatch, { username: 'Ann.B-1_x' });
  assert.equal(user.username, 'ann.b-1_x');
  await assert.rejects(register(dispatch, { email: 'other@example.org', username: 'ANN.b-1_X' }), { code: 'USERNAME_TAKEN' });
});

test('of two who take the same e-mail at the same instant exactly one wins', async (t) => {
  const { dispatch } = await buildTestApp(t);
  const outcomes = await Promise.allSettled(['ann@example.org', 'ANN@example.org'].map((email, index) => register(dispatch, { email, username: `user${index}` })));
  assert.deepEqual(codesOf(outcomes), ['EMAIL_TAKEN']);
});

test('of many who take the same username at the same instant exactly one wins', async (t) => {
  const { dispatch } = await buildTestApp(t);
  const outcomes = await Promise.allSettled(Array.from({ length: 10 }, (_, index) => register(dispatch, { email: `ann${index}@example.org`, username: 'Ann' })));
  assert.deepEqual(codesOf(outcomes), Array.from({ length: 9 }, () => 'USERNAME_TAKEN'));
});

test('whoever gives no username gets a free one, also all at the same instant', async (t) => {
  const { dispatch } = await buildTestApp(t);
  await register(dispatch, { email: 'taken@example.org', username: 'ann' });
  const made = await Promise.all(Array.from({ length: 20 }, (_, index) => register(dispatch, { email: `ann@host${index}.example.org` })));
  const usernames = made.map(({ user }) => user.username);
  assert.equal(new Set([...usernames, 'ann']).size, 21);
  for (const email of ['é@example.org', '!!@example.org', '__proto__@example.org', `${'a'.repeat(60)}@example.org`]) {
    const made = await register(dispatch, { email }).catch((error: unknown) => error as { code: string });
    if ('user' in made) assert.match(made.user.username, /^[a-z0-9_.-]{3,32}$/);
    else assert.equal(made.code, 'VALIDATION_FAILED', email);
  }
});

test("nobody's e-mail is in anything another person is answered or told", async (t) => {
  const { person, published } = await buildTestApp(t);
  const [ann, bob] = await Promise.all([person('Ann'), person('Bob')]);
  const annUser = await ann.call('users.me');
  const { chatId, id } = await ann.call('messages.send', { to: bob.id, text: 'hello' });
  const { me: _ownAccount, ...synced } = await bob.call('messages.sync');
  const seen = [
    await bob.call('users.get', { id: ann.id }),
    await bob.call('users.search', { search: annUser.username }),
    await bob.call('users.search', { search: 'Ann' }),
    await bob.call('chats.open', { userId: ann.id }),
    await bob.call('chats.list'),
    await bob.call('chats.get', { id: chatId }),
    await bob.call('messages.list', { chatId }),
    await bob.call('messages.get', { id }),
    synced,
    published,
  ];
  assert.equal(annUser.email, ann.email);
  assert.ok(JSON.stringify(seen).includes(annUser.username), 'Ann herself is in the answers');
  assert.equal(JSON.stringify(seen).includes('@example.org'), false);
  assert.equal(JSON.stringify(seen).includes('email'), false);
});

test('a person is found by id, a stranger is not', async (t) => {
  const { person } = await buildTestApp(t);
  const [ann, bob] = await Promise.all([person('Ann'), person('Bob')]);
  const { id, username, firstName } = await ann.call('users.me');
  assert.deepEqual(await bob.call('users.get', { id: ann.id }), { id, username, firstName });
  await assert.rejects(bob.call('users.get', { id: '0123456789abcdef01234567' }), { code: 'USER_NOT_FOUND' });
});
