/** The two cores of the benchmark: one for the server and its store, one for the load. */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';

export interface Cores {
  server: number;
  load: number;
}

/** The last two cores this process may use: the first one serves most interrupts. @throws Error that says what is missing */
export function requireTwoCores(): Cores {
  try {
    execFileSync('taskset', ['--version'], { stdio: 'ignore' });
  } catch {
    throw new Error('The benchmark needs Linux and its program taskset (util-linux), to keep the server and the load on cores of their own.');
  }
  const [server, load] = allowedCores().slice(-2);
  if (server === undefined || load === undefined) {
    throw new Error('The benchmark needs two cores, one for the server and one for the load: on a single core it would measure their quarrel.');
  }
  return { server, load };
}

/** A list such as 0-3,8 (proc(5): Cpus_allowed_list). */
function allowedCores(): number[] {
  const list = /^Cpus_allowed_list:\s+(\S+)$/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1] ?? '';
  return list.split(',').flatMap((range) => {
    const [first = NaN, last = first] = range.split('-').map(Number);
    return Array.from({ length: last - first + 1 }, (_, index) => first + index);
  });
}
