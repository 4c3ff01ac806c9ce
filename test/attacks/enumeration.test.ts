/** Finding out who has an account: nothing that a stranger can ask tells by its words. */
import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
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
async function everyKind(t: TestContext): Promise<{ app: MailedApp; known: Record<string, string>; unknown: string }> {
  const issuer = await startIssuer(t);
  const app = await buildMailedApp(t, { env: issuer.env });
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
