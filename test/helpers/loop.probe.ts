/** Loaded into a server before anything else: measures how long its event loop is held, and on SIGUSR2 prints that and begins anew. */
import { existsSync, readFileSync } from 'node:fs';

/** Milliseconds between two looks. */
const interval = 5;
const schedule = `/proc/self/task/${process.pid}/schedstat`;

/** Milliseconds for which the thread was ready to run, and the machine had no core for it (Linux: sched-stats, second field). */
const withheld = (): number => (existsSync(schedule) ? Number(readFileSync(schedule, 'utf8').split(' ')[1]) / 1e6 : 0);

interface Looked {
  at: number;
  withheld: number;
}
const look = (): Looked => ({ at: performance.now(), withheld: withheld() });

let before = look();
let delays: { whole: number; own: number }[] = [];
setInterval(() => {
  const now = look();
  const whole = now.at - before.at - interval;
  delays.push({ whole, own: whole - (now.withheld - before.withheld) });
  before = now;
}, interval).unref();

const reported = (values: readonly number[]): { median: number; most: number } => {
  const sorted = values.toSorted((a, b) => a - b);
  return { median: sorted[Math.floor(sorted.length / 2)] ?? 0, most: sorted.at(-1) ?? 0 };
};

process.on('SIGUSR2', () => {
  console.log(`loop: ${JSON.stringify({ looks: delays.length, whole: reported(delays.map(({ whole }) => whole)), own: reported(delays.map(({ own }) => own)) })}`);
  delays = [];
});
