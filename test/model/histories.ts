/** Random histories, each made by one seed: the same seed makes the same one again. */
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import * as fc from 'fast-check';
import type { Connection } from 'mongoose';
import { isStoreSilent } from '../../src/core/errors.ts';
import { buildTestApp, connect, type TestApp } from '../helpers/app.ts';
import type { Ending } from '../helpers/ending.ts';
import { codeFile, loader } from '../helpers/code.ts';
import { openSocket, type RpcError } from '../helpers/socket.ts';
import { actions } from './actions.ts';
import { liveAtOnce } from './at.once.ts';
import { History } from './history.ts';
import type { Setting } from './online.ts';
import { signIn } from './people.ts';

const plans = fc.record({
  steps: actions,
  /** Messages in an answer to a sync: few make many pages. */
  limit: fc.oneof({ weight: 3, arbitrary: fc.constant(200) }, { weight: 1, arbitrary: fc.integer({ min: 1, max: 10 }) }),
  loses: fc.boolean(),
  processes: fc.constantFrom(1, 2),
});

/** At once: one alone would wait for the journal most of the time. */
const lanes = 8;

/**
 * Lives through so many histories in this process, the first with this seed, each further one with the next, and for every
 * fifty through one in which people act at once. One in which the store is silent for seconds shows nothing: it is begun
 * anew, once.
 * @throws Error that names the seed of the one that went wrong
 */
export async function liveThrough(t: Ending, count: number, firstSeed: number, say: (mark: keyof typeof marks) => void): Promise<void> {
  const one = await buildTestApp(t);
  const other = await buildTestApp(t, { mongodbUri: one.mongodbUri });
  const store = await connect(t, one.mongodbUri);
  const world = { one, other, store };
  const onSilence = (): void => say('repeated');
  let gaps = 0;
  await inLanes(count, firstSeed, async (seed) => {
    const seen = await unlessSilent(() => liveOne(t, world, seed), onSilence);
    gaps += seen;
    say('lived');
  });
  // Otherwise all this would say nothing of gaps.
  if (count >= 100 && gaps < count / 20) throw new Error(`in ${count} histories devices saw ${gaps} gaps alone`);
  await inLanes(Math.ceil(count / 50), firstSeed, (seed) => unlessSilent(() => liveOneAtOnce(t, world, seed), onSilence));
}

async function inLanes(count: number, firstSeed: number, live: (seed: number) => Promise<void>): Promise<void> {
  let begun = 0;
  const lane = async (): Promise<void> => {
    while (begun < count) await live(firstSeed + begun++);
  };
  await Promise.all(Array.from({ length: Math.min(lanes, count) }, lane));
}

async function unlessSilent<T>(live: () => Promise<T>, onSilence: () => void): Promise<T> {
  try {
    return await live();
  } catch (error) {
    if (!isOfSilence(error)) throw error;
    onSilence();
    return live();
  }
}

/** What is said of a history, in one character each. */
export const marks = { lived: '.', repeated: '~' } as const;

/** Said in this process, to a call on a socket, to the opening of one, or by its close. */
function isOfSilence(error: unknown): boolean {
  const cause = (error as Error).cause as Error & Partial<RpcError>;
  return isStoreSilent(cause) || cause.data?.code === 'UNAVAILABLE' || /^(Unexpected server response: 503|closed with 1013 )/.test(cause.message);
}

interface World {
  one: TestApp;
  /** Another process on the same database. */
  other: TestApp;
  store: Connection;
}

/** Of texts that are all different, the same each time. */
const isOneOfTen = (text: string): boolean => createHash('sha256').update(text).digest().readUInt32BE() % 10 === 0;

/** One frame of ten is lost, or none. */
const settingOf = (t: Ending, seed: number, parts: Omit<Setting, 'isLost' | 'openSocket'>): Setting => ({
  ...parts,
  isLost: (device, method, nth) => parts.loses && isOneOfTen(`${seed} ${device} ${method} ${nth}`),
  openSocket: (url, { accessToken }) => openSocket(t, url, accessToken),
});

async function liveOne(t: Ending, { one, other, store }: World, seed: number): Promise<number> {
  const [plan] = fc.sample(fc.noBias(plans), { seed, numRuns: 1 });
  if (!plan) throw new Error('no plan');
  const { steps, limit, loses, processes } = plan;
  const people = await signIn(one, store, ['Ann', 'Bob', 'Cem']);
  const history = new History(settingOf(t, seed, { apps: [one, processes === 1 ? one : other], people, limit, loses }));
  try {
    await history.begin();
    for (const step of steps) await history.act(step);
    await history.requireSame();
    return history.gaps();
  } catch (error) {
    throw new Error(`the history with seed ${seed} went wrong; to live through it again: npm run prove -- 1 ${seed}`, { cause: error });
  } finally {
    history.close();
  }
}

async function liveOneAtOnce(t: Ending, { one, other, store }: World, seed: number): Promise<void> {
  const people = await signIn(one, store, ['Ann', 'Bob', 'Cem', 'Dee']);
  const setting = settingOf(t, seed, { apps: [one, seed % 3 === 0 ? one : other], people, limit: seed % 4 === 0 ? 3 : 200, loses: seed % 2 === 0 });
  try {
    await liveAtOnce(setting, seed);
  } catch (error) {
    throw new Error(`what people did at once with seed ${seed} went wrong`, { cause: error });
  }
}

export interface ProveOptions {
  count: number;
  seed: number;
  processes: number;
  env: NodeJS.ProcessEnv;
  /** Called after each history with how many it was, and how many had to be begun anew for the store was silent. */
  onLived?: (lived: number, repeated: number) => void;
}

/** The same in several processes, without what a test runner does beside it. @returns what went wrong */
export async function prove({ count, seed, processes, env, onLived }: ProveOptions): Promise<string[]> {
  let [lived, repeated] = [0, 0];
  const share = Math.ceil(count / processes);
  const shares = Array.from({ length: processes }, (_, index) => ({ seed: seed + index * share, count: Math.min(share, count - index * share) })).filter((one) => one.count > 0);
  const failures = shares.map(async (one) => {
    const child = spawn(process.execPath, [...loader, codeFile('test/model/lives.ts'), `${one.count}`, `${one.seed}`], { env, stdio: ['ignore', 'pipe', 'pipe'] });
    child.stdout.setEncoding('latin1').on('data', (said: string) => {
      for (const mark of said) {
        if (mark === marks.repeated) repeated += 1;
        else lived += 1;
        onLived?.(lived, repeated);
      }
    });
    const [said, [code]] = await Promise.all([text(child.stderr), once(child, 'exit') as Promise<[number | null]>]);
    return code === 0 ? [] : [`${said} (exit code ${code})`];
  });
  const failed = (await Promise.all(failures)).flat();
  return failed.length > 0 || lived === count ? failed : [`only ${lived} of ${count} were lived through`];
}
