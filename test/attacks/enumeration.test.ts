/** Finding out who has an account: nothing that a stranger can ask tells, not by its words, and not by its time. */
import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { startIssuer } from '../helpers/issuer.ts';
import { buildMailedApp, type MailedApp } from '../helpers/mailed.ts';
import { differenceOf } from '../helpers/timing.ts';
import { ask, type Answer } from '../transports/ask.ts';

/** All that an answer shows, but for what differs from request to request anyway. */
function shownOf({ status, text, headers }: Answer): object {
  const kept = [...headers].filter(([name]) => name !== 'date' && !name.startsWith('ratelimit-'));
  return { status, text: text.replace(/"requestId":"[^"]+"/, ''), headers: kept };
}

interface Door {
  path: string;
  /** What is sent about an address. */
  json: (email: string) => object;
  /** The status of every answer. */
  status: number;
  tries: number;
}

const doors: Door[] = [
  { path: '/auth/login', json: (email) => ({ email, password: 'wrong horse' }), status: 401, tries: 200 },
  { path: '/auth/send-reset-email', json: (email) => ({ email }), status: 204, tries: 400 },
  { path: '/user/me/email', json: (email) => ({ email }), status: 204, tries: 400 },
];

/** Somebody who knocks at a door, about the address given. */
async function knocker({ url, verified }: MailedApp, { path, json, status }: Door): Promise<(email: string) => Promise<Answer>> {
  const { accessToken: token } = await verified('Mallory');
  return async (email) => {
    const answer = await ask(url, path, { method: 'POST', token, json: json(email) });
    assert.equal(answer.status, status);
    return answer;
  };
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

/** How far the medians may be apart, and how often that is measured: noise spoils one measurement, but what is there is there each time. */
const tolerance = 0.05;
const measurements = 3;

for (const door of doors) {
  test(`POST ${door.path} takes the same time for an address that has an account and one that has none`, async (t) => {
    const app = await buildMailedApp(t, { passwordCost: 8 });
    const [known, knock] = [await app.verified('Ann'), await knocker(app, door)];
    const differences: number[] = [];
    while (differences.length < measurements && !differences.some((difference) => difference <= tolerance)) {
      differences.push(await differenceOf(door.tries, () => knock(known.email), () => knock(`nobody-${known.email}`)));
    }
    t.diagnostic(`apart by ${differences.map((difference) => `${(100 * difference).toFixed(1)} %`).join(', then ')}`);
    assert.ok(Math.min(...differences) <= tolerance, `the medians are apart by ${differences.join(', ')}`);
  });
}
