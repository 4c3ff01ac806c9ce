/** A thousand logins at once, at the real cost of a password: a bounded part of them is looked at, and everybody else is served meanwhile. */
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { freshDatabase } from '../helpers/app.ts';
import { codeFile, loader } from '../helpers/code.ts';
import { flood, type Answered } from '../helpers/flood.ts';
import { freePort, startServer, type ServerProcess } from '../helpers/process.ts';
import { openSocket } from '../helpers/socket.ts';
import { requireTime } from '../helpers/timing.ts';
import { until } from '../helpers/until.ts';
import { ask } from '../transports/ask.ts';

const countOf = (answers: readonly Answered[], code: string): number => answers.filter((answer) => answer.code === code).length;

/** What of one address is being hashed or waits for it. */
const admitted = 50;

interface Delay {
  median: number;
  most: number;
}

/** How long the event loop of a server was held since it was asked last, in milliseconds: all in all, and by its own work. */
async function askLoop({ child, output }: ServerProcess): Promise<{ looks: number; whole: Delay; own: Delay }> {
  const reports = (): string[] => output().match(/(?<=^loop: ).*(?=\n)/gm) ?? [];
  const { length } = reports();
  child.kill('SIGUSR2');
  return JSON.parse(await until('the loop is reported', () => reports()[length])) as Awaited<ReturnType<typeof askLoop>>;
}

/** Two people who talk to each other on a server in a process of its own: each round is a message sent and received, and a request. */
async function talkers(t: TestContext, url: string): Promise<() => Promise<void>> {
  const enter = async (firstName: string): Promise<{ user: { id: string }; accessToken: string }> => {
    const { body } = await ask(url, '/auth/register', { method: 'POST', json: { email: `${firstName}@example.org`, password: 'correct staple battery', firstName } });
    return body as Awaited<ReturnType<typeof enter>>;
  };
  const [ann, bob] = [await enter('Ann'), await enter('Bob')];
  const [anns, bobs] = [await openSocket(t, url, ann.accessToken), await openSocket(t, url, bob.accessToken)];
  const { id: chatId } = (await anns.call('chats.open', { userId: bob.user.id })) as { id: string };
  let round = 0;
  return async () => {
    const text = `message ${round++}`;
    await anns.call('messages.send', { chatId, text });
    assert.equal((await bobs.next('message.created')).params['text'], text);
    assert.equal((await ask(url, '/user/me', { token: bob.accessToken })).status, 200);
  };
}

function requireAnswers(answers: readonly Answered[]): void {
  const [busy, looked] = [countOf(answers, 'BUSY'), countOf(answers, 'WRONG_CREDENTIALS')];
  assert.deepEqual([answers.length, busy + looked], [1000, 1000]);
  assert.ok(looked >= admitted, `${looked} were looked at`);
  for (const { code, status, retryAfter } of answers) assert.deepEqual([status, retryAfter], code === 'BUSY' ? [503, '1'] : [401, undefined]);
}

/** What took too long, if anything did. */
function findDelay(answers: readonly Answered[], rounds: number, own: Delay, whole: Delay): string | undefined {
  const looked = countOf(answers, 'WRONG_CREDENTIALS');
  if (looked >= 3 * admitted) return `${looked} were looked at`;
  const beforeLastBusy = answers.slice(0, answers.findLastIndex(({ code }) => code === 'BUSY'));
  if (countOf(beforeLastBusy, 'WRONG_CREDENTIALS') >= looked / 2) return 'somebody waited to be refused';
  if (rounds < 20) return `${rounds} rounds while the passwords were looked at`;
  // Not the whole delay: where the threads that hash have all the cores, the machine lets the loop wait, too.
  return own.most < 50 && whole.median < 50 ? undefined : 'the event loop was held for 50 ms';
}

test('of a thousand logins at once those that fit are looked at, the others are told at once that the server is busy, and whoever is signed in is served meanwhile', async (t) => {
  const port = await freePort();
  const dataDir = await mkdtemp(join(tmpdir(), 'parley-flood-'));
  const server = await startServer(dataDir, port, { MONGODB_URI: freshDatabase(t), NODE_OPTIONS: [...loader, '--import', codeFile('test/helpers/loop.probe.ts')].join(' ') });
  t.after(async () => {
    await server.kill('SIGTERM');
    await rm(dataDir, { recursive: true });
  });
  const url = `http://127.0.0.1:${port}`;
  const talk = await talkers(t, url);
  await talk();

  await requireTime(t, async () => {
    await askLoop(server);
    const over = new AbortController();
    const flooding = flood(url, 1000).finally(() => over.abort());
    let rounds = 0;
    for (; !over.signal.aborted; rounds++) await talk();
    const answers = await flooding;
    requireAnswers(answers);

    const { looks, whole, own } = await askLoop(server);
    const shown = ({ median, most }: Delay): string => `median ${median.toFixed(1)} ms, at most ${most.toFixed(1)} ms`;
    t.diagnostic(`${rounds} rounds; ${looks} looks at the event loop: delayed ${shown(whole)}; by its own work ${shown(own)}`);
    return findDelay(answers, rounds, own, whole);
  });
});
