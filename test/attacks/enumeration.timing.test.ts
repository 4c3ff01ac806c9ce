/** Finding out who has an account by the time that an answer takes. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { buildMailedApp } from '../helpers/mailed.ts';
import { differenceOf } from '../helpers/timing.ts';
import { doors, knocker } from './doors.ts';

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
