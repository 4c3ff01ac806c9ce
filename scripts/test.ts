/** Runs the tests on a real MongoDB of their own, which is gone afterwards. `npm test -- <file> …` runs only those files. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readConfig } from '../src/config.ts';
import { findMongod, startMongod } from '../src/plugins/mongod/index.ts';

const report = (line: string): void => console.log(line);

const chosen = process.argv.slice(2);
const files = chosen.length > 0 ? chosen : (await readdir('test', { recursive: true })).filter((name) => name.endsWith('.test.ts')).map((name) => join('test', name));

const { mongod: options } = readConfig(process.env);
const binary = await findMongod({ ...options, report });
const dataDir = await mkdtemp(join(tmpdir(), 'parley-test-'));
const mongod = await startMongod({ ...options, binary, dataDir, report, onLost: (error) => console.error(error) });

const runner = spawn(process.execPath, ['--import', 'tsx', '--test', '--test-concurrency=2', '--test-timeout=180000', ...files.sort()], {
  stdio: 'inherit',
  env: { ...process.env, TEST_MONGODB_URI: mongod.uri, MONGOD_BINARY: binary },
});
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => runner.kill(signal));
const [code] = (await once(runner, 'exit')) as [number | null];

await mongod.stop();
await rm(dataDir, { recursive: true });
process.exitCode = code ?? 1;
