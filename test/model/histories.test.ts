/** Whatever people do, on whatever devices, in whatever process: devices, a fresh fetch and a model of plain maps agree. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { prove } from './histories.ts';

test('after each of a thousand histories every device holds what a fresh fetch gives, and both are what the model says', async () => {
  // The same each time: `npm run prove` lives through others.
  assert.deepEqual(await prove({ count: 1000, seed: 1, processes: 2, env: process.env }), []);
});
