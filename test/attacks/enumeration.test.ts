/** Finding out who has an account: nothing that a stranger can ask tells by its words. */
import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { toWire, type AppError } from '../../src/core/errors.ts';
import { addressOf, inTurn } from '../helpers/guesses.ts';
import { startIssuer } from '../helpers/issuer.ts';
import { buildMailedApp, type MailedApp } from '../helpers/mailed.ts';
import { ask, type Answer } from '../transports/ask.ts';
import { doors, knocker } from './doors.ts';

/** All that an answer shows, but for what differs from request to request anyway. */
function shownOf({ status, text, headers }: Answer): object {
  const kept = [...headers].filter(([name]) => name !== 'date' && !name.startsWith('ratelimit-'));
  return { status, text: text.replace(/"requestId":"[^"]+"/, ''), headers: kept };
}

/** Addresses of accounts of every kind, and of none. */
async function everyKind(t: TestContext, env: Record<string, string> = {}): Promise<{ app: MailedApp; known: Record<string, string>; unknown: string }> {
  const issuer = await startIssuer(t);
  const app = await buildMailedApp(t, { env: { ...issuer.env, ...env } });
  const [verified, unverified, twofold, removed] = [await app.verified('Ann'), await app.unverified('Bob'), await app.verified('Cleo'), await app.verified('Dora')];
  await app.turnOnSecondFactor(twofold);
  await removed.call('account.remove', { password: removed.password });
  const google = 'google@example.org';
  await app.ask('auth.loginWithGoogle', { credential: issuer.credential(issuer.account({ email: google })) });
  return { app, known: { verified: verified.email, unverified: unverified.email, twofold: twofold.email, removed: removed.email, google }, unknown: 'nobody@example.org' };
}

for (const door of doors) {
  test(`POST ${door.path} answers the same, to the letter, whether and what sort of account there is`, async (t) => {
    const { app, known, unknown } = await everyKind(t);
    const knock = await knocker(app, door);
    const expected = shownOf(await knock(unknown));
    for (const [kind, email] of Object.entries(known)) {
      for (const spelling of [email, email.toUpperCase()]) assert.deepEqual(shownOf(await knock(spelling)), expected, kind);
    }
  });
}

test('a wrong password is answered the same by username, too', async (t) => {
  const { app } = await everyKind(t);
  const answers = ['ann', 'bob', 'cleo', 'nobody'].map(async (username) => shownOf(await ask(app.url, '/auth/login', { method: 'POST', json: { username, password: 'wrong horse' } })));
  const [first, ...others] = await Promise.all(answers);
  for (const other of others) assert.deepEqual(other, first);
});

test('a stranger who has to wait because many guess is told the same, whether and what sort of account there is', async (t) => {
  t.mock.timers.enable({ apis: ['Date'], now: Date.now() });
  const { app, known, unknown } = await everyKind(t, { RATE_SCALE: '1' });
  const login = (email: string, ip: string): Promise<unknown> => app.ask('auth.login', { email, password: 'wrong horse' }, { ip }).then(() => undefined, (error: unknown) => toWire(error as AppError));
  const answersOf = async (email: string): Promise<unknown[]> => {
    await inTurn(20, (index) => login(email, addressOf(index)));
    return inTurn(3, () => login(email, '192.0.2.1'));
  };
  const expected = await answersOf(unknown);
  assert.deepEqual(expected.map((answer) => (answer as { code: string }).code), ['WRONG_CREDENTIALS', 'RATE_LIMITED', 'RATE_LIMITED']);
  for (const [kind, email] of Object.entries(known)) assert.deepEqual(await answersOf(email), expected, kind);
});
