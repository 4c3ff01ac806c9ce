/** Everything the benchmark starts, and its end: whatever happens, nothing of it stays behind. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';

type Cleanup = () => Promise<unknown>;

const cleanups: Cleanup[] = [];
let ending: Promise<void> | undefined;

/** To be done when the benchmark ends, in reverse order. @throws Error if it is ending already: nothing may begin any more */
export function atEnd(cleanup: Cleanup): void {
  requireRunning();
  cleanups.push(cleanup);
}

export const isEnding = (): boolean => ending !== undefined;

function requireRunning(): void {
  if (isEnding()) throw new Error('the benchmark is ending');
}

/** Ends everything, once. */
export function end(): Promise<void> {
  ending ??= (async () => {
    for (const cleanup of cleanups.reverse()) await cleanup().catch((error: unknown) => console.error(error));
  })();
  return ending;
}

export interface Started {
  pid: number;
  child: ChildProcess;
  stop: () => Promise<void>;
}

export interface StartOptions {
  /** The one core that it and its children run on; without it, any. */
  core?: number;
  cwd?: string;
  env?: NodeJS.ProcessEnv;
  /** A channel for messages. */
  ipc?: boolean;
}

/** Milliseconds for an orderly end; Parley gives itself 9,500. */
const patience = 12_000;

/** Starts Node in a group of its own: Ctrl-C reaches only the benchmark, which ends the others in their order. */
export function startNode(parameters: readonly string[], { core, cwd, env, ipc }: StartOptions): Started {
  requireRunning();
  const command = [...(core === undefined ? [] : ['taskset', '-c', `${core}`]), process.execPath, ...parameters];
  const child = spawn(command[0] ?? '', command.slice(1), { detached: true, cwd, env, stdio: ['ignore', 'ignore', 'inherit', ipc ? 'ipc' : 'ignore'] });
  const gone = once(child, 'exit').catch((error: unknown) => console.error(error));
  const stop = async (): Promise<void> => {
    const timer = setTimeout(() => child.kill('SIGKILL'), patience);
    child.kill('SIGTERM');
    await gone;
    clearTimeout(timer);
  };
  atEnd(stop);
  return { pid: child.pid ?? 0, child, stop };
}

/** The next message of a process. @throws Error if it ends before */
export async function nextMessage({ child }: Started, what: string): Promise<unknown> {
  const ended = new AbortController();
  const onExit = (): void => ended.abort();
  if (child.exitCode !== null || child.signalCode !== null) onExit();
  child.once('exit', onExit);
  try {
    const [message] = (await once(child, 'message', { signal: ended.signal })) as unknown[];
    return message;
  } catch (error) {
    throw new Error(`${what} ended before it answered`, { cause: error });
  } finally {
    child.off('exit', onExit);
  }
}
