/** The README's shell blocks do what they say, run as they stand in a fresh copy of the project. */
import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
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

/** What the README says that kills the server. */
async function killing(): Promise<string> {
  const [, command] = /Kill the server \(`([^`]+)`/.exec(await readFile('README.md', 'utf8')) ?? [];
  return command ?? assert.fail('nothing kills the server');
}

/** What a stranger has after cloning: the files that are kept in git, or would be, and nothing else. */
async function clone(t: TestContext, shells: readonly Shell[]): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'parley-readme-'));
  t.after(async () => {
    for (const shell of shells) await shell.end();
    await rm(folder, { recursive: true });
  });
  const { stdout } = await run('git', ['ls-files', '--cached', '--others', '--exclude-standard', '-z']);
  for (const file of stdout.split('\0').filter(Boolean)) await cp(file, join(folder, file));
  return folder;
}

interface Shell {
  pid: number;
  output: () => string;
  hasEnded: () => boolean;
  /** Asks everything in it to end, and resolves when nothing of it is left. */
  end: () => Promise<void>;
}

/** Runs a block in a shell with a process group of its own. */
function startShell(block: string, cwd: string, env: Record<string, string>): Shell {
  const child = spawn('bash', ['-c', block], { cwd, env: { ...process.env, ...env }, detached: true, stdio: ['ignore', 'pipe', 'pipe'] });
  const pid = child.pid ?? 0;
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (output += chunk.toString()));
  // Its pipes are closed once the last process that holds them is gone.
  let ended = false;
  const closed = once(child, 'close').then(() => void (ended = true));
  return {
    pid,
    output: () => output,
    hasEnded: () => ended,
    async end() {
      if (!ended) process.kill(-pid, 'SIGTERM');
      await closed;
    },
  };
}

test('a stranger starts it, people talk and recover a password, and what they said is there after it was killed', async (t) => {
  const [install, tests, ...tryIt] = await shellBlocks();
  assert.equal(tests, 'npm ci && npm test\n', 'this very run');
  const shells: Shell[] = [];
  const folder = await clone(t, shells);
  const port = String(await freePort());
  const shell = (block: string): Shell => {
    const started = startShell(block, folder, { PORT: port, DATA_DIR: './data' });
    shells.push(started);
    return started;
  };
  const saysSo = (what: string, { output, hasEnded }: Shell, pattern: RegExp) =>
    until(what, () => pattern.test(output()) || (hasEnded() && assert.fail(output())), 120_000);

  const server = shell(install ?? '');
  await saysSo('a start', server, /Parley listens on .*\n.*\/docs\n.*outbox.*\n.*data is in/);

  const again = `curl -s "$api/message?chatId=$(echo "$sent" | field chatId)" -H "authorization: Bearer $bob"`;
  const pause = 'echo; echo READY; until test -e killed; do sleep 0.1; done';
  const story = [...tryIt, pause, again, 'rm heard.txt'].join('\n').replaceAll('127.0.0.1:3000', `127.0.0.1:${port}`);
  const person = shell(`set -e\n${story}`);
  await saysSo('the story', person, /READY/);
  assert.match(person.output(), /Bob is [0-9a-f]{24}/);
  assert.match(person.output(), /"method":"message.created","params":\{.*"text":"Hello Bob"/);
  assert.match(person.output(), /\{"items":\[\{.*"text":"Hello Bob".*\],"more":false\}/);

  assert.match(person.output(), /👍\nKnight to f3\n[^]*name: 'picture.png'[^]*\nwebp 400 300\n3\nmissed: \[ 'Bob, your move' \]\n/);

  const [, verified = '', reset = ''] = person.output().split(/(?:Verify|Reset) at /);
  assert.match(verified, /^http:\/\/127\.0\.0\.1:\d+\/verify-email\?token=[\w-]{43}\ntrue\n/);
  assert.match(reset, /^http:\/\/127\.0\.0\.1:\d+\/reset-password\?token=[\w-]{43}\nclosed with 4401\n[\w-]+\.[\w-]+\.[\w-]+\n/);

  const another = spawn(process.execPath, ['-e', 'setInterval(() => undefined, 1000)', 'dist/server.js', 'of another folder']);
  t.after(() => another.kill());
  await run('bash', ['-c', await killing()], { cwd: folder });
  await until('its end', server.hasEnded);
  assert.deepEqual([another.exitCode, another.signalCode], [null, null], 'another server goes on');
  await saysSo('a new start', shell('npm start'), /data is in/);
  await writeFile(join(folder, 'killed'), '');
  await until('the end of the story', person.hasEnded);
  assert.match(person.output().split('READY')[1] ?? '', /"text":"Hello Bob"/);
});
