/** The mongod process itself: spawned in a session of its own, known again by its pid file. */
import { execFileSync, spawn } from 'node:child_process';
import { closeSync, openSync, readFileSync, writeFileSync } from 'node:fs';
import { totalmem } from 'node:os';
import type { Places } from './places.ts';

export interface Ending {
  code: number | null;
  signal: NodeJS.Signals | null;
  error?: Error;
}

export interface Running {
  pid: number;
  /** settles when the process is gone; how it ended is known of an own child only */
  ended: Promise<Ending | undefined>;
}

const GIGABYTE = 2 ** 30;

/** A quarter of the memory this process may use, between 256 MB and 2 GB. */
function cacheSize(): string {
  const allowed = process.constrainedMemory();
  const memory = allowed > 0 ? Math.min(allowed, totalmem()) : totalmem();
  return Math.min(2, Math.max(0.25, memory / 4 / GIGABYTE)).toFixed(2);
}

function argumentsFor(places: Places): string[] {
  return [
    ...['--dbpath', places.database],
    // Without --nounixsocket mongod would open a second socket in /tmp, which two servers would fight over.
    ...['--bind_ip', places.socket, '--nounixsocket', '--filePermissions', '0600'],
    ...['--networkMessageCompressors', 'disabled'],
    ...['--logpath', places.log, '--logappend', '--logRotate', 'reopen', '--quiet'],
    ...['--wiredTigerCacheSizeGB', cacheSize()],
    // Up to 200 MB of statistics about itself, of use to MongoDB's own support only.
    ...['--setParameter', 'diagnosticDataCollectionEnabled=false'],
  ];
}

/** Starts mongod so that neither Ctrl-C at the terminal nor the end of this process ends it. */
export function spawnMongod(binary: string, places: Places): Running {
  // What mongod says before it opens its log (a missing library, a wrong option) goes there as well.
  const log = openSync(places.log, 'a', 0o600);
  const child = spawn(binary, argumentsFor(places), {
    detached: true,
    stdio: ['ignore', log, log],
    cwd: places.dataDir,
  });
  closeSync(log);
  const ended = new Promise<Ending>((resolve) => {
    child.once('exit', (code, signal) => resolve({ code, signal }));
    child.once('error', (error) => resolve({ code: null, signal: null, error }));
  });
  // Written in the same instant, so that a server killed right after this line still leaves the trace.
  if (child.pid !== undefined) writeFileSync(places.pidFile, `${child.pid}\n`, { mode: 0o600 });
  return { pid: child.pid ?? 0, ended };
}

/** The mongod of this folder that another server started, if it runs. */
export function findLeftover(places: Places): number | undefined {
  try {
    const pid = Number(readFileSync(places.pidFile, 'utf8'));
    return Number.isInteger(pid) && pid > 0 && isMongod(pid, places) ? pid : undefined;
  } catch {
    return undefined;
  }
}

/** Whether the process runs and is the mongod of this folder, not a stranger that inherited the pid. */
export function isMongod(pid: number, places: Places): boolean {
  if (!isRunning(pid)) return false;
  try {
    const commandLine =
      process.platform === 'linux'
        ? readFileSync(`/proc/${pid}/cmdline`, 'utf8')
        : execFileSync('ps', ['-ww', '-o', 'command=', '-p', `${pid}`], { encoding: 'utf8' });
    return commandLine.includes(places.socket);
  } catch {
    return false;
  }
}

export function isRunning(pid: number): boolean {
  if (pid <= 0) return false;
  try {
    process.kill(pid, 0);
    // Dead but not yet collected by its parent: in a container that can last for ever.
    return process.platform !== 'linux' || !/^\d+ \(.*\) Z /s.test(readFileSync(`/proc/${pid}/stat`, 'utf8'));
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

export function sendSignal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch {
    // It died a moment ago, and whoever follows it hears of that.
  }
}

/** A process that is not a child of this one: its end is noticed by looking. */
export function watch(pid: number): Running {
  const ended = new Promise<undefined>((resolve) => {
    const timer = setInterval(() => {
      if (isRunning(pid)) return;
      clearInterval(timer);
      resolve(undefined);
    }, 500);
  });
  return { pid, ended };
}
