/** Runs the tests on a real MongoDB of their own, which is gone afterwards. `npm test -- <file> …` runs only those files. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { readConfig } from '../src/config.ts';
import { findMongod, startMongod } from '../src/plugins/mongod/index.ts';

const report = (line: string): void => console.log(line);

const folder = await mkdtemp(join(tmpdir(), 'parley-test-'));
const { mongod: options } = readConfig(process.env);
const binary = await findMongod({ ...options, report });
const mongod = await startMongod({ ...options, binary, dataDir: join(folder, 'data'), report, onLost: (error) => console.error(error) });

let running: ChildProcess | undefined;
let stopped = false;
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.on(signal, () => {
    stopped = true;
    running?.kill(signal);
  });
}

/** Whether the command ends well. */
async function run(...args: readonly string[]): Promise<boolean> {
  if (stopped) return false;
  running = spawn(process.execPath, args, { stdio: 'inherit', env: { ...process.env, TEST_MONGODB_URI: mongod.uri, MONGOD_BINARY: binary } });
  const [code] = (await once(running, 'exit')) as [number | null];
  return code === 0;
}

/**
 * JavaScript of everything, made once in a folder of its own: two hundred processes run it, and making it anew takes each
 * more than a second. Types are for `npm run check`.
 */
async function compile(): Promise<string> {
  const code = join(folder, 'code');
  const isMade = await run('node_modules/typescript/bin/tsc', '--noCheck', '--noEmit', 'false', '--inlineSourceMap', '--outDir', code);
  if (!isMade) throw new Error('the code could not be compiled');
  for (const name of ['node_modules', 'package.json']) await symlink(resolve(name), join(code, name));
  return code;
}

async function test(files: readonly string[], nodeArgs: readonly string[]): Promise<boolean> {
  const runFiles = async (some: readonly string[], atOnce: number): Promise<boolean> =>
    some.length === 0 || run(...nodeArgs, '--test', `--test-concurrency=${atOnce}`, '--test-timeout=300000', ...some);
  // Those that measure time run alone: whatever ran beside them would be measured, too.
  const isTimed = (file: string): boolean => /\.timing\.test\.[jt]s$/.test(file);
  const passed = [await runFiles(files.filter(isTimed), 1), await runFiles(files.filter((file) => !isTimed(file)), 2)];
  return passed.every(Boolean) && !stopped;
}

/**
 * The files to run for these: most of what a small one takes is to load the server and to get it warm, so those of services
 * and transports share processes. They are dealt out like cards, for neighbours often take long together.
 */
async function deal(names: readonly string[], folder: string): Promise<string[]> {
  const isShared = (name: string): boolean => /^(features|transports)\//.test(name);
  const shared = names.filter(isShared);
  const hands = Array.from({ length: 16 }, (_, hand) => ({ name: `shared.${hand}.test.js`, files: shared.filter((_name, place) => place % 16 === hand) }));
  for (const { name, files } of hands) await writeFile(join(folder, name), files.map((file) => `import './${file}';\n`).join(''));
  return [...names.filter((name) => !isShared(name)), ...hands.map(({ name }) => name)].map((name) => join(folder, name));
}

async function testAll(): Promise<boolean> {
  const names = (await readdir('test', { recursive: true })).filter((name) => name.endsWith('.test.ts')).sort();
  const code = await compile();
  return test(await deal(names.map((name) => name.replace(/ts$/, 'js')), join(code, 'test')), ['--enable-source-maps']);
}

try {
  const chosen = process.argv.slice(2);
  const passed = await (chosen.length > 0 ? test(chosen, ['--import', 'tsx']) : testAll());
  process.exitCode = passed ? 0 : 1;
} finally {
  await mongod.stop();
  await rm(folder, { recursive: true });
}
