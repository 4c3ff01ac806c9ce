/** Finding out who has an account by the time that an answer takes. */
import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { Types, type Connection } from 'mongoose';
import { buildTestApp, connect } from '../helpers/app.ts';
import { addressOf, inTurn } from '../helpers/guesses.ts';
import { countWaitingMails } from '../helpers/store.ts';
import { differenceOf, requireTime } from '../helpers/timing.ts';
import { ask } from '../transports/ask.ts';
import { doors, knocker } from './doors.ts';

/** How far the medians may be apart. */
const tolerance = 0.05;

async function requireSameTime(t: TestContext, settle: () => Promise<unknown>, one: () => Promise<unknown>, other: () => Promise<unknown>): Promise<void> {
  await requireTime(t, async () => {
    const { medians, least, most, tries } = await differenceOf(tolerance, settle, one, other);
    const [apart, from, to] = [medians, least, most].map((part) => `${(100 * part).toFixed(1)} %`);
    const found = `the medians of ${tries} tries each are apart by ${apart}, which may be ${from} to ${to}`;
    // Fails where chance is ruled out, passes where the difference is too small to matter; between these it tells nothing.
    if (least > tolerance || most < -tolerance) return found;
    t.diagnostic(found);
    const isTold = most - least <= 2 * tolerance && Math.abs(medians) <= tolerance;
    if (!isTold) t.skip(`too much else goes on here: apart by ${apart}, which may be ${from} to ${to}`);
    return undefined;
  });
}

/** Without a pause: each try waits for this. */
async function allSent(store: Connection): Promise<void> {
  while ((await countWaitingMails(store)) > 0);
}

for (const door of doors) {
  test(`POST ${door.path} takes the same time for an address that has an account and one that has none`, async (t) => {
    // At this cost the password is most of what a login takes, as it is at the real one.
    const app = await buildTestApp(t, { passwordCost: 8 });
    const store = await connect(t, app.mongodbUri);
    const [known, knock] = [await app.verified('Ann'), await knocker(app, door)];
    const unknown = `nob${known.email.slice(3)}`;
    await requireSameTime(t, () => allSent(store), () => knock(known.email), () => knock(unknown));
  });
}

test('where many guess, a stranger is made to wait in the same time, also if there is an account and its log is long', async (t) => {
  const app = await buildTestApp(t, { env: { RATE_SCALE: '1', TRUSTED_PROXIES: '127.0.0.1' } });
  const store = await connect(t, app.mongodbUri);
  const { id, email } = await app.verified('Ann');
  const entry = (index: number): object => ({ userId: new Types.ObjectId(id), kind: 'sign-in-failed', at: new Date(), ip: addressOf(index), network: addressOf(index), userAgent: 'test' });
  await store.collection('security').insertMany(Array.from({ length: 20_000 }, (_, index) => entry(index)));
  const strangers = 60;
  const guesser = async (name: string): Promise<() => Promise<void>> => {
    const login = async (stranger: number): Promise<number> => (await ask(app.url, '/auth/login', { method: 'POST', json: { email: name, password: 'wrong horse' }, headers: { 'x-forwarded-for': addressOf(stranger % strangers) } })).status;
    assert.deepEqual(new Set(await inTurn(strangers, login)), new Set([401]));
    let stranger = 0;
    return async () => assert.equal(await login(stranger++), 429);
  };
  await requireSameTime(t, () => allSent(store), await guesser(email), await guesser(`nob${email.slice(3)}`));
});
