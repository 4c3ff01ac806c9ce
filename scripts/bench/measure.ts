/** One round: memory, pace and flood of one target, each driven from the load's core. */
import { fileURLToPath } from 'node:url';
import type { Job, Reply, TrafficResult } from './jobs.ts';
import { settledMemory } from './memory.ts';
import { nextMessage, startNode, type Started } from './processes.ts';
import { idleCount, type Target } from './target.ts';

export interface Measurement {
  /** The flood: as much as goes through. */
  A: TrafficResult;
  /** The pace: the same pairs, far from their limit. */
  P: TrafficResult;
  /** Bytes of resident memory of the server for each idle connection. */
  M: number;
}

const inFlight = 4;
const perSecond = 300;

/** What goes before the pace: enough lone messages for V8 to compile, out of the way, what it would compile while we measure. */
const rehearsal = { perSecond: 2000, warmUp: 0, measured: 8 };

/** Idle connections that are open before memory is first read: what the first connections of all cost is not theirs. */
const firstIdle = 100;

/** Idle connections opened in a second. */
const idlePerSecond = 400;

export async function measure(target: Target, core: number, onProgress: (what: string) => void): Promise<Measurement> {
  // The flood last: what it leaves to the garbage collector would hide the connections, and hold up the pace.
  onProgress(`memory of ${idleCount} idle connections`);
  const M = await withLoad(core, (load) => measureMemory(load, target));

  const watched = [target.pid, ...(target.storePid === undefined ? [] : [target.storePid])];
  return withLoad(core, async (load) => {
    const traffic = { pairs: target.pairs, watched };
    onProgress(`${perSecond} messages a second`);
    await run(load, { kind: 'pace', ...traffic, ...rehearsal });
    const P = await run(load, { kind: 'pace', ...traffic, perSecond, warmUp: 2, measured: 10 });
    onProgress('as many messages as go through');
    const A = await run(load, { kind: 'flood', ...traffic, inFlight, warmUp: 2, measured: 5 });
    return { A: requireTraffic(A), P: requireTraffic(P), M };
  });
}

async function measureMemory(load: Started, { idle, pid }: Target): Promise<number> {
  await run(load, { kind: 'idle', endpoints: idle.slice(0, firstIdle), perSecond: idlePerSecond });
  const before = await settledMemory(pid);
  await run(load, { kind: 'idle', endpoints: idle, perSecond: idlePerSecond });
  return ((await settledMemory(pid)) - before) / idle.length;
}

/** A load generator of its own for every use: it ends with what it has opened. */
async function withLoad<T>(core: number, use: (load: Started) => Promise<T>): Promise<T> {
  const load = startNode(['--import', 'tsx', fileURLToPath(new URL('load.ts', import.meta.url))], { core, ipc: true });
  try {
    return await use(load);
  } finally {
    await load.stop();
  }
}

/** @throws Error with what the load generator ran into */
async function run(load: Started, job: Job): Promise<TrafficResult | undefined> {
  load.child.send(job);
  const reply = (await nextMessage(load, 'the load generator')) as Reply;
  if ('error' in reply) throw new Error(`the load generator: ${reply.error}`);
  return reply.result;
}

function requireTraffic(result: TrafficResult | undefined): TrafficResult {
  if (!result) throw new Error('the load generator gave no figures');
  return result;
}
