/** A thousand logins at once, at the real cost of a password: a bounded part of them is looked at, and everybody else is served meanwhile. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { buildTestApp } from '../helpers/app.ts';
import { ask } from '../transports/ask.ts';

interface Answered {
  status: number;
  code: string;
  retryAfter?: string;
}

/** So many logins at once, from another process; their answers in the order in which they came. */
async function flood(url: string, count: number): Promise<Answered[]> {
  const { stdout } = await promisify(execFile)(process.execPath, ['--import', 'tsx', 'test/helpers/flood.client.ts', url, String(count)], { maxBuffer: 16 * 1024 * 1024 });
  return JSON.parse(stdout) as Answered[];
}

const countOf = (answers: readonly Answered[], code: string): number => answers.filter((answer) => answer.code === code).length;

/** What is being hashed and what waits for it. */
const admitted = 200;

test('of a thousand logins at once those that fit are looked at, and the others are told at once that the server is busy', async (t) => {
  const { url } = await buildTestApp(t, { passwordCost: 10 });
  const answers = await flood(url, 1000);
  assert.equal(answers.length, 1000);
  const [busy, looked] = [countOf(answers, 'BUSY'), countOf(answers, 'WRONG_CREDENTIALS')];
  t.diagnostic(`${looked} looked at, ${busy} refused`);
  assert.equal(busy + looked, 1000);
  assert.ok(looked >= admitted && looked < 500, `${looked} were looked at`);
  for (const { code, status, retryAfter } of answers) assert.deepEqual([status, retryAfter], code === 'BUSY' ? [503, '1'] : [401, undefined]);
  const lastBusy = answers.findLastIndex(({ code }) => code === 'BUSY');
  assert.ok(countOf(answers.slice(0, lastBusy), 'WRONG_CREDENTIALS') < looked / 2, 'nobody waits to be refused');
});

test('whoever is signed in is served meanwhile, over REST and over sockets, and the event loop stays free', async (t) => {
  const { url, person } = await buildTestApp(t, { passwordCost: 10 });
  const [ann, bob] = [await person('Ann'), await person('Bob')];
  const { id: chatId } = await ann.call('chats.open', { userId: bob.id });
  const [anns, bobs] = [await ann.socket(), await bob.socket()];
  const delay = monitorEventLoopDelay({ resolution: 5 });
  delay.enable();

  let answers: Answered[] | undefined;
  const flooding = flood(url, 1000).then((all) => (answers = all));
  let rounds = 0;
  while (!answers) {
    const text = `message ${rounds++}`;
    await anns.call('messages.send', { chatId, text });
    assert.equal((await bobs.next('message.created')).params['text'], text);
    const { status } = await ask(url, '/user/me', { token: bob.accessToken });
    assert.equal(status, 200);
  }
  await flooding;
  delay.disable();
  const [median, ninth] = [delay.percentile(50) / 1e6, delay.percentile(90) / 1e6];
  t.diagnostic(`${rounds} rounds; delay of the event loop: median ${median.toFixed(1)} ms, nine in ten below ${ninth.toFixed(1)} ms, at most ${(delay.max / 1e6).toFixed(1)} ms`);
  assert.ok(ninth < 50, `${ninth} ms`);
  assert.ok(rounds >= 20, `${rounds} rounds while the passwords were looked at`);
});

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
  for (let wave = 0; wave < 3; wave++) await flood(url, 1000);
  const grown = used() - before;
  t.diagnostic(`${grown.toFixed(1)} MB more than before`);
  assert.ok(grown < 10, `${grown} MB`);
});
