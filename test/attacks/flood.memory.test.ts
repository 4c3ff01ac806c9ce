/** What thousands of logins leave behind. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { buildTestApp } from '../helpers/app.ts';
import { flood } from '../helpers/flood.ts';

test('floods leave no memory behind', async (t) => {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  const used = (): number => {
    collect();
    return process.memoryUsage().heapUsed / 2 ** 20;
  };
  const { url } = await buildTestApp(t);
  await flood(url, 1000);
  const before = used();
  for (let wave = 0; wave < 2; wave++) await flood(url, 1000);
  const grown = used() - before;
  t.diagnostic(`${grown.toFixed(1)} MB more than before`);
  assert.ok(grown < 10, `${grown} MB`);
});
