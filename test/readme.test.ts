/** The README's shell blocks do what they say, run as they stand in a fresh copy of the project. */
import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { cp, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { promisify } from 'node:util';
import { freePort } from './helpers/process.ts';
import { until } from './helpers/until.ts';

const run = promisify(execFile);

async function shellBlocks(): Promise<string[]> {
  const readme = await readFile('README.md', 'utf8');
  return [...readme.matchAll(/^```bash\n([\s\S]*?)^```$/gm)].map((match) => match[1] ?? '');
}

/** What a stranger has after cloning: the files that are kept in git, or would be, and nothing else. */
async function clone(t: TestContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'parley-readme-'));
  t.after(() => rm(folder, { recursive: true, force: true }));
  const { stdout } = await run('git', ['ls-files', '--cached', '--others', '--exclude-standard', '-z']);
  for (const file of stdout.split('\0').filter(Boolean)) await cp(file, join(folder, file));
  return folder;
}

/** Starts a block in a shell of its own and in a process group of its own, ended with the test. */
function start(t: TestContext, block: string, cwd: string, env: Record<string, string>) {
  const child = spawn('bash', ['-c', block], { cwd, env: { ...process.env, ...env }, detached: true, stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (output += chunk.toString()));
  const end = async (signal: NodeJS.Signals): Promise<void> => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    const exited = once(child, 'exit');
    process.kill(-(child.pid ?? 0), signal);
    await exited;
  };
  t.after(() => end('SIGTERM'));
  return { child, output: () => output, end };
}

test('a stranger starts it, two people talk, and what they said is there after it was killed', async (t) => {
  const [install, tests, ...tryIt] = await shellBlocks();
  assert.equal(tests, 'npm ci && npm test\n', 'this very run');
  const folder = await clone(t);
  const port = String(await freePort());
  const env = { PORT: port, DATA_DIR: './data' };
  const start3 = (block: string) => start(t, block, folder, env);

  const server = start3(install ?? '');
  await until('three lines', () => /Parley listens on .*\n.*\/docs\n.*data/.exec(server.output()) ?? (server.child.exitCode !== null && assert.fail(server.output())), 120_000);

  const again = `curl -s "$api/message?chatId=$(echo "$sent" | field chatId)" -H "authorization: Bearer $bob"`;
  const wait = 'echo; echo READY; until test -e killed; do sleep 0.1; done';
  const story = [...tryIt, wait, again, 'kill %1'].join('\n').replaceAll('127.0.0.1:3000', `127.0.0.1:${port}`);
  const person = start3(`set -e\n${story}`);
  await until('the story', () => person.output().includes('READY') || (person.child.exitCode !== null && assert.fail(person.output())), 60_000);
  assert.match(person.output(), /Bob is [0-9a-f]{24}/);
  assert.match(person.output(), /"method":"message.created","params":\{.*"text":"Hello Bob"/);
  assert.match(person.output(), /\{"items":\[\{.*"text":"Hello Bob".*\],"more":false\}/);

  const { stdout } = await run('pgrep', ['-f', 'dist/server.js', '-g', String(server.child.pid)]);
  for (const pid of stdout.trim().split('\n')) process.kill(Number(pid), 'SIGKILL');
  await until('its end', () => server.child.exitCode !== null || server.child.signalCode !== null);
  const next = start3('npm start');
  await until('a new start', () => next.output().includes('data is in') || (next.child.exitCode !== null && assert.fail(next.output())), 60_000);
  await run('touch', [join(folder, 'killed')]);
  await once(person.child, 'close');
  assert.match(person.output().split('READY')[1] ?? '', /"text":"Hello Bob"/);
});
