/** Fetching a mongod: whole or not at all. */
import assert from 'node:assert/strict';
import { copyFileSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { fetchBinary, type Fetcher } from '../../src/plugins/mongod/fetch.ts';
import { findMongod } from '../../src/plugins/mongod/index.ts';
import { run } from '../../src/plugins/mongod/run.ts';
import { until } from '../helpers/until.ts';

function folder(t: TestContext): string {
  const path = mkdtempSync(join(tmpdir(), 'parley-fetch-'));
  t.after(() => rmSync(path, { recursive: true, force: true }));
  return path;
}

test('fetching twice at once leaves one whole binary, and a failed fetch nothing', async (t) => {
  const cache = folder(t);
  const target = join(cache, 'mongod');
  const binary = await findMongod({ report: console.error });
  const copy = (into: string) => {
    copyFileSync(binary, join(into, 'copy'));
    return Promise.resolve(join(into, 'copy'));
  };
  const fetching = (fetcher: typeof copy) => fetchBinary(target, { name: 'test', fetcher }, () => undefined);
  await Promise.all([fetching(copy), fetching(copy)]);
  await assert.rejects(fetching(() => Promise.reject(new Error('cut off'))), /cut off/);
  assert.deepEqual(readdirSync(cache), ['mongod']);
  assert.equal(await findMongod({ binary: target, report: () => undefined }), target);
});

test('a fetch that is broken off leaves nothing', async (t) => {
  const cache = folder(t);
  const breakOff = new AbortController();
  let pid = 0;
  const stall: Fetcher = (into, _, signal) =>
    run('sh', ['-c', 'echo $$; exec sleep 100'], { milliseconds: 100_000, cwd: into, signal, onOutput: (text) => (pid = Number(text)) });
  const fetching = fetchBinary(join(cache, 'mongod'), { name: 'test', fetcher: stall }, () => undefined, breakOff.signal);
  await until('a program', () => pid);
  breakOff.abort();
  await assert.rejects(fetching, { name: 'AbortError' });
  assert.deepEqual(readdirSync(cache), []);
  assert.throws(() => process.kill(pid, 0), { code: 'ESRCH' });
});
