/** The load generator as the benchmark sees it: a process on the load's core, which is given one job after the other. */
import { fileURLToPath } from 'node:url';
import type { Job, Reply, Results } from './jobs.ts';
import { nextMessage, startNode, type Started } from './processes.ts';

/** One of its own for every use: it ends with what it has opened. */
export async function withLoad<T>(core: number, use: (load: Started) => Promise<T>): Promise<T> {
  const load = startNode(['--import', 'tsx', fileURLToPath(new URL('load.ts', import.meta.url))], { core, ipc: true });
  try {
    return await use(load);
  } finally {
    await load.stop();
  }
}

/** @throws Error with what the load generator ran into */
export async function run<K extends Job['kind']>(load: Started, job: Extract<Job, { kind: K }>): Promise<Results[K]> {
  load.child.send(job);
  const reply = (await nextMessage(load, 'the load generator')) as Reply;
  if ('error' in reply) throw new Error(`the load generator: ${reply.error}`);
  return reply.result as Results[K];
}
