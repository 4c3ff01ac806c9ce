/** Whatever people do, on whatever devices, in whatever process: devices, a fresh fetch and a model of plain maps agree. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { prove } from './histories.ts';

test('after each of a thousand histories devices hold what a fresh fetch gives, which is what the model says; so they do after twenty in which people act at once', async () => {
  // The same each time: `npm run prove` lives through others.
  assert.deepEqual(await prove({ count: 1000, seed: 1, processes: 2, env: process.env }), []);
});
