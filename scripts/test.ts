/** Runs the tests on a real MongoDB of their own, which is gone afterwards. `npm test -- <file> …` runs only those files. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readConfig } from '../src/config.ts';
import { findMongod, startMongod } from '../src/plugins/mongod/index.ts';

const report = (line: string): void => console.log(line);

const chosen = process.argv.slice(2);
const files = (chosen.length > 0 ? chosen : (await readdir('test', { recursive: true })).filter((name) => name.endsWith('.test.ts')).map((name) => join('test', name))).sort();

const { mongod: options } = readConfig(process.env);
const binary = await findMongod({ ...options, report });
const dataDir = await mkdtemp(join(tmpdir(), 'parley-test-'));
const mongod = await startMongod({ ...options, binary, dataDir, report, onLost: (error) => console.error(error) });

let runner: ChildProcess | undefined;
let stopped = false;
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.on(signal, () => {
    stopped = true;
    runner?.kill(signal);
  });
}

/** Whether all of them pass. */
async function run(some: readonly string[], atOnce: number): Promise<boolean> {
  if (some.length === 0 || stopped) return !stopped;
  runner = spawn(process.execPath, ['--import', 'tsx', '--test', `--test-concurrency=${atOnce}`, '--test-timeout=180000', ...some], {
    stdio: 'inherit',
    env: { ...process.env, TEST_MONGODB_URI: mongod.uri, MONGOD_BINARY: binary },
  });
  const [code] = (await once(runner, 'exit')) as [number | null];
  return code === 0;
}

// Those that measure time run alone: whatever ran beside them would be measured, too.
const isTimed = (file: string): boolean => file.endsWith('.timing.test.ts');
const passed = [await run(files.filter(isTimed), 1), await run(files.filter((file) => !isTimed(file)), 2)];

await mongod.stop();
await rm(dataDir, { recursive: true });
process.exitCode = passed.every(Boolean) ? 0 : 1;
