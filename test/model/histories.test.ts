/** Whatever people do, on whatever devices, in whatever process: devices, a fresh fetch and a model of plain maps agree. */
import { test } from 'node:test';
import * as fc from 'fast-check';
import { buildTestApp } from '../helpers/app.ts';
import { openSocket } from '../helpers/socket.ts';
import { actions, History } from './history.ts';

const runs = Number(process.env['HISTORIES'] ?? 40);

test('after any history each device holds what a fresh fetch gives, and both are what the model says', async (t) => {
  const one = await buildTestApp(t);
  const other = await buildTestApp(t, { mongodbUri: one.mongodbUri });
  await fc.assert(
    fc.asyncProperty(actions, fc.integer({ min: 1, max: 10 }), fc.constantFrom(0, 10), fc.constantFrom(1, 2), fc.infiniteStream(fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true })), async (steps, limit, lossEvery, processes, chances) => {
      const people = await Promise.all(['Ann', 'Bob', 'Cem', 'Dan'].map((name) => one.person(name)));
      const history = new History({ apps: [one, processes === 1 ? one : other], people, limit, lossEvery, random: () => (chances.next() as IteratorYieldResult<number>).value, openSocket: (url, { accessToken }) => openSocket(t, url, accessToken) });
      try {
        await history.begin();
        for (const step of steps) await history.act(step);
        await history.requireSame();
      } finally {
        history.close();
      }
    }),
    { numRuns: runs, includeErrorInReport: true, endOnFailure: true },
  );
});
