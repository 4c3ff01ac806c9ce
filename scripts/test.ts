/** Runs the tests on a real MongoDB of their own, which is gone afterwards. `npm test -- <file> …` runs only those files. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readdir, symlink, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { withStore, type Store } from './store.ts';

let running: ChildProcess | undefined;
let stopped = false;
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.on(signal, () => {
    stopped = true;
    running?.kill(signal);
  });
}

/** Whether the command ends well. */
async function run({ env }: Store, ...args: readonly string[]): Promise<boolean> {
  if (stopped) return false;
  running = spawn(process.execPath, args, { stdio: 'inherit', env });
  const [code] = (await once(running, 'exit')) as [number | null];
  return code === 0;
}

/**
 * JavaScript of everything, made once in a folder of its own: two hundred processes run it, and making it anew takes each
 * more than a second. Types are for `npm run check`.
 */
async function compile(store: Store): Promise<string> {
  const code = join(store.folder, 'code');
  const isMade = await run(store, 'node_modules/typescript/bin/tsc', '--noCheck', '--noResolve', '--noEmit', 'false', '--inlineSourceMap', '--outDir', code);
  if (!isMade) throw new Error('the code could not be compiled');
  for (const name of ['node_modules', 'package.json']) await symlink(resolve(name), join(code, name));
  return code;
}

async function test(store: Store, files: readonly string[], nodeArgs: readonly string[]): Promise<boolean> {
  // The reporter that says at the end what has failed, also where the output goes into a file.
  const runFiles = async (some: readonly string[], atOnce: number): Promise<boolean> =>
    some.length === 0 || run(store, ...nodeArgs, '--test', '--test-reporter=spec', `--test-concurrency=${atOnce}`, '--test-timeout=600000', ...some);
  // Those that measure time run alone: whatever ran beside them would be measured, too.
  const isTimed = (file: string): boolean => /\.timing\.test\.[jt]s$/.test(file);
  // The others wait for something a third of the time: one more than there are cores.
  const passed = [await runFiles(files.filter(isTimed), 1), await runFiles(files.filter((file) => !isTimed(file)), 3)];
  return passed.every(Boolean) && !stopped;
}

/**
 * The files to run for these: most of what a small one takes is to load the server and to get it warm, so most share
 * processes, but for those that measure the time or the memory that they take. They are dealt out like cards, for
 * neighbours often take long together.
 */
async function deal(names: readonly string[], folder: string): Promise<string[]> {
  const isShared = (name: string): boolean => /^(attacks|delivery|features|plugins|transports)\//.test(name) && !/\.(timing|memory)\.test\.js$/.test(name);
  const shared = names.filter(isShared);
  const hands = Array.from({ length: 16 }, (_, hand) => ({ name: `shared.${hand}.test.js`, files: shared.filter((_name, place) => place % 16 === hand) }));
  for (const { name, files } of hands) await writeFile(join(folder, name), files.map((file) => `import './${file}';\n`).join(''));
  return [...names.filter((name) => !isShared(name)), ...hands.map(({ name }) => name)].map((name) => join(folder, name));
}

async function testAll(store: Store): Promise<boolean> {
  const names = (await readdir('test', { recursive: true })).filter((name) => name.endsWith('.test.ts')).sort();
  const code = await compile(store);
  return test(store, await deal(names.map((name) => name.replace(/ts$/, 'js')), join(code, 'test')), ['--enable-source-maps']);
}

const chosen = process.argv.slice(2);
const passed = await withStore(async (store) => (chosen.length > 0 ? test(store, chosen, ['--import', 'tsx']) : testAll(store)));
process.exitCode = passed ? 0 : 1;
