/** Counted attempts: how many are allowed, and that each counts once. */
import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { counterCollection } from '../../src/features/counters/counter.model.ts';
import { createCountersService, type Limit } from '../../src/features/counters/counters.service.ts';
import { connect, freshDatabase } from '../helpers/app.ts';
import { createClock, minute, second, zeros, type Clock } from '../helpers/guesses.ts';

const key = ['mail', 'ann@example.org'];
const twoAMinute: Limit = { most: 2, within: minute };

/** What counts attempts with such an id, and gives the milliseconds to wait. */
async function buildCount(t: TestContext, limit: Limit): Promise<{ count: (id: string) => Promise<number>; clock: Clock }> {
  const clock = createClock();
  const counters = createCountersService(counterCollection(await connect(t, freshDatabase(t))), clock.now);
  return { count: (id) => counters.count(key, [limit], id), clock };
}

test('an attempt that is counted again is allowed, and counts once', async (t) => {
  const { count, clock } = await buildCount(t, twoAMinute);
  for (let turn = 0; turn < 5; turn++) assert.equal(await count('first'), 0);
  clock.pass(1);
  assert.equal(await count('second'), 0);
  assert.equal(await count('third'), minute - 1);
});

test('an attempt that was allowed is allowed again also when the limit is reached since then, and keeps others waiting no longer', async (t) => {
  const { count, clock } = await buildCount(t, twoAMinute);
  assert.deepEqual([await count('first'), await count('second'), await count('third')], [0, 0, minute]);
  clock.pass(minute - 1);
  assert.deepEqual([await count('first'), await count('second'), await count('third')], [0, 0, 1]);
  clock.pass(1);
  assert.deepEqual([await count('third'), await count('fourth')], [0, 0]);
});

test('an attempt beyond a limit that is counted again does not prolong the wait of the next', async (t) => {
  const { count, clock } = await buildCount(t, { ...twoAMinute, wait: { first: 10 * second, longest: 40 * second } });
  assert.deepEqual([await count('first'), await count('second'), await count('third')], [0, 0, 10 * second]);
  clock.pass(10 * second);
  assert.deepEqual([await count('third'), await count('third'), await count('fourth')], [0, 0, 20 * second]);
  clock.pass(20 * second);
  assert.deepEqual([await count('third'), await count('fourth')], [0, 0]);
});

test('of the same attempt counted many times at once one counts', async (t) => {
  const { count } = await buildCount(t, twoAMinute);
  assert.deepEqual(await Promise.all(Array.from({ length: 20 }, () => count('first'))), zeros(20));
  assert.deepEqual([await count('second'), (await count('third')) > 0], [0, true]);
});
