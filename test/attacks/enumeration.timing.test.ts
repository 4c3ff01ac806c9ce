/** Finding out who has an account by the time that an answer takes. */
import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { Types } from 'mongoose';
import { addressOf, inTurn } from '../helpers/guesses.ts';
import { buildMailedApp } from '../helpers/mailed.ts';
import { differenceOf } from '../helpers/timing.ts';
import { ask } from '../transports/ask.ts';
import { doors, knocker } from './doors.ts';

/** How far the medians may be apart, and how often that is measured: noise spoils one measurement, but what is there is there each time. */
const tolerance = 0.05;
const measurements = 3;

async function requireSameTime(t: TestContext, tries: number, one: () => Promise<unknown>, other: () => Promise<unknown>): Promise<void> {
  const differences: number[] = [];
  while (differences.length < measurements && !differences.some((difference) => difference <= tolerance)) differences.push(await differenceOf(tries, one, other));
  t.diagnostic(`apart by ${differences.map((difference) => `${(100 * difference).toFixed(1)} %`).join(', then ')}`);
  assert.ok(Math.min(...differences) <= tolerance, `the medians are apart by ${differences.join(', ')}`);
}

for (const door of doors) {
  test(`POST ${door.path} takes the same time for an address that has an account and one that has none`, async (t) => {
    const app = await buildMailedApp(t, { passwordCost: 8 });
    const [known, knock] = [await app.verified('Ann'), await knocker(app, door)];
    await requireSameTime(t, door.tries, () => knock(known.email), () => knock(`nobody-${known.email}`));
  });
}

test('where many guess, a stranger is made to wait in the same time, also if there is an account and its log is long', async (t) => {
  const app = await buildMailedApp(t, { env: { RATE_SCALE: '1', TRUSTED_PROXIES: '127.0.0.1' } });
  const { id, email } = await app.verified('Ann');
  const entry = (index: number): object => ({ userId: new Types.ObjectId(id), kind: 'sign-in-failed', at: new Date(), ip: addressOf(index), network: addressOf(index), userAgent: 'test' });
  await app.store.collection('security').insertMany(Array.from({ length: 20_000 }, (_, index) => entry(index)));
  const strangers = 60;
  const guesser = async (name: string): Promise<() => Promise<void>> => {
    const login = async (stranger: number): Promise<number> => (await ask(app.url, '/auth/login', { method: 'POST', json: { email: name, password: 'wrong horse' }, headers: { 'x-forwarded-for': addressOf(stranger % strangers) } })).status;
    assert.deepEqual(new Set(await inTurn(strangers, login)), new Set([401]));
    let stranger = 0;
    return async () => assert.equal(await login(stranger++), 429);
  };
  await requireSameTime(t, 400, await guesser(email), await guesser(`nobody-${email}`));
});
