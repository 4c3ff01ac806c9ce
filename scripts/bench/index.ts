/**
 * `npm run bench`: how fast Parley is and how much memory it takes, next to a relay that does the least possible.
 *
 * The built server and the MongoDB it starts share one core; the load comes from another, over websockets on loopback.
 * - A, the flood: 50 pairs, each sender with 4 messages unacknowledged. What arrives at the receivers in a second, and how
 *   long it takes from the sender's write to the receiver's read.
 * - P, the pace: the same pairs with 300 messages a second in all, evenly spread.
 * - M, the memory: what the server's resident memory grows by for each of 2,000 idle connections.
 *
 * The yardstick (yardstick.ts) has the same done to it on the same cores: a bare websocket relay that appends every batch
 * to a file, flushes it once and has no database. It tells the receiver only; Parley tells the sender's connections, too.
 * Speeds depend on the machine and on what else it does; the ratios much less. Three rounds, Parley and the yardstick in
 * turn, medians of each. Targets are printed, never asserted.
 *
 * Progress goes to stderr. Stdout gets a table and, as its last line, everything as one JSON object:
 * `npm run --silent bench | tail -1 > figures.json`. Takes about four minutes. Needs Linux, taskset, two cores, and the
 * temporary folder on a real disk: in memory a flush costs nothing.
 */
import { execFileSync } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { requireTwoCores, type Cores } from './cores.ts';
import { measure, type Measurement } from './measure.ts';
import { endStore, prepareCouples, startParley } from './parley.ts';
import { atEnd, end, isEnding } from './processes.ts';
import { startRelay } from './relay.ts';
import { resultsOf, toObject, toTable } from './report.ts';
import type { Target } from './target.ts';

const rounds = 3;

for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => void end().finally(() => process.exit(130)));
// Also when whoever reads the progress has gone, and writing it fails.
process.on('uncaughtException', fail);

try {
  await run(requireTwoCores());
  await end();
} catch (error) {
  fail(error);
}

function fail(error: unknown): void {
  if (!isEnding()) console.error(error instanceof Error ? error.message : error);
  void end().finally(() => process.exit(1));
}

async function run(cores: Cores): Promise<void> {
  progress('building the server');
  execFileSync('npm', ['run', '--silent', 'build'], { stdio: ['ignore', process.stderr, process.stderr] });
  const folder = await makeFolder();
  progress('signing up 100 people');
  const couples = await prepareCouples(folder);

  const parley: Measurement[] = [];
  const yardstick: Measurement[] = [];
  for (let round = 1; round <= rounds; round++) {
    parley.push(await measureTarget(`round ${round} of ${rounds}, Parley`, await startParley(folder, cores.server, couples), cores));
    yardstick.push(await measureTarget(`round ${round} of ${rounds}, yardstick`, await startRelay(folder, cores.server), cores));
  }

  const results = resultsOf(parley, yardstick);
  console.log(`${toTable(results)}\n`);
  console.log(JSON.stringify({ rounds, cores, cpu: cpus()[0]?.model, node: process.version, figures: toObject(results) }));
}

async function measureTarget(name: string, target: Target, cores: Cores): Promise<Measurement> {
  const measurement = await measure(target, cores.load, (what) => progress(`${name}: ${what}`));
  await target.stop();
  return measurement;
}

async function makeFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'parley-bench-'));
  atEnd(async () => {
    await endStore(folder);
    await rm(folder, { recursive: true, force: true });
  });
  return folder;
}

function progress(what: string): void {
  console.error(`${`${Math.round(performance.now() / 1000)}`.padStart(4)} s  ${what}`);
}
