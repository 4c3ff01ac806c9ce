/** How much of a core processes use, from what the kernel counts. */
import { readFileSync } from 'node:fs';

/** The unit of times in /proc, the same on every Linux that Node runs on. */
const ticksPerSecond = 100;

export interface Meter {
  /** Shares of a core since the meter was made: of this process, and of each one watched. */
  shares(): { load: number; watched: number[] };
}

export function createMeter(watched: readonly number[]): Meter {
  const began = performance.now();
  const own = process.cpuUsage();
  const before = watched.map(secondsOf);
  return {
    shares() {
      const elapsed = (performance.now() - began) / 1000;
      const { user, system } = process.cpuUsage(own);
      return {
        load: (user + system) / 1e6 / elapsed,
        watched: watched.map((pid, index) => (secondsOf(pid) - (before[index] ?? NaN)) / elapsed),
      };
    },
  };
}

/** User and system time (proc(5): fields 14 and 15 of stat; the second, the name, may hold spaces). */
function secondsOf(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11]) + Number(fields[12])) / ticksPerSecond;
}
