/** The resident memory of a process, once it has come to rest. */
import { readFile } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';

const pause = 250;
/** So many readings in a row that differ by less than the tolerance count as rest. */
const readings = 8;
const tolerance = 0.002;
const patience = 10_000;

/** The least of the last readings, in bytes. */
export async function settledMemory(pid: number): Promise<number> {
  const recent: number[] = [];
  for (let waited = 0; waited < patience; waited += pause) {
    recent.push(await residentBytes(pid));
    if (recent.length > readings) recent.shift();
    if (recent.length === readings && Math.max(...recent) - Math.min(...recent) <= tolerance * Math.min(...recent)) break;
    await delay(pause);
  }
  return Math.min(...recent);
}

async function residentBytes(pid: number): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8');
  const kilobytes = /^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1];
  if (kilobytes === undefined) throw new Error(`the kernel does not say how much memory process ${pid} has`);
  return Number(kilobytes) * 1024;
}
