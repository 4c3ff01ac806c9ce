/**
 * `npm run bench`: how fast Parley is and how much memory it takes, next to a relay that does the least possible.
 *
 * The built server and the MongoDB it starts share one core; the load comes from another, over websockets on loopback.
 * - A, the flood: 50 pairs, each sender with 4 messages unacknowledged. What arrives at the receivers in a second, and how
 *   long it takes from the sender's write to the receiver's read.
 * - B, the group: 100 people in one group, 5 of them senders as in A. What arrives at all of them, the sender included: a
 *   message is 100 deliveries, of the yardstick's as well.
 * - C, the crowd: A once more, while 2,000 connections of other people are open.
 * - P, the pace: the pairs of A with 300 messages a second in all, evenly spread.
 * - M, the memory: what the server's resident memory grows by for each of 2,000 idle connections.
 * - chats: one person in 500 chats, half of them groups. How long the first page of the list takes, and the whole of a
 *   sync: when nothing is new, and from nothing.
 * - history: a page of 50 in a chat of a thousand messages and in one of a million. How long it takes at the end, in the
 *   middle, and to sync the last 50; the length should not be felt.
 * - search: somebody in 1,000 chats with 1,000,000 messages, and somebody in 50 of these chats, look for words, beginnings
 *   of words and several words, rare and common. How long the first page takes, over all that is looked for.
 *
 * `npm run bench -- A history` measures these alone.
 *
 * The yardstick (yardstick.ts) has A to M done to it as well, on the same cores: a bare websocket relay that appends every
 * batch to a file, flushes it once and has no database. Of a pair it tells the receiver only; Parley tells the sender's
 * connections, too. It writes each event by itself, Parley all that one turn has for a connection: in B that is the most.
 * Speeds depend on the machine and on what else it does; the ratios much less. Three rounds, Parley and the yardstick in
 * turn, medians of each. Targets are printed, never asserted.
 *
 * Progress goes to stderr. Stdout gets a table and, as its last line, everything as one JSON object:
 * `npm run --silent bench | tail -1 > figures.json`. Takes about twelve minutes. Needs Linux, taskset, two cores, and the
 * temporary folder on a real disk: in memory a flush costs nothing.
 */
import { execFileSync } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { requireTwoCores, type Cores } from './cores.ts';
import { measure, type Measurement } from './measure.ts';
import { endStore, startParley, withServer } from './parley.ts';
import { signUpCrowd } from './people.ts';
import { atEnd, end, isEnding } from './processes.ts';
import { measureReading } from './reading.ts';
import { startRelay } from './relay.ts';
import { resultsOf, toObject, toTable } from './report.ts';
import { chooseSections, inRounds, readingsOf, type Section } from './sections.ts';
import type { Target } from './target.ts';

const rounds = 3;

for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => void end().finally(() => process.exit(130)));
// Also when whoever reads the progress has gone, and writing it fails.
process.on('uncaughtException', fail);

try {
  await run(chooseSections(process.argv.slice(2)), requireTwoCores());
  await end();
} catch (error) {
  fail(error);
}

function fail(error: unknown): void {
  if (!isEnding()) console.error(error instanceof Error ? error.message : error);
  void end().finally(() => process.exit(1));
}

async function run(sections: ReadonlySet<Section>, cores: Cores): Promise<void> {
  progress('building the server');
  execFileSync('npm', ['run', '--silent', 'build'], { stdio: ['ignore', process.stderr, process.stderr] });
  const folder = await makeFolder();
  const { parley, yardstick } = inRounds(sections) ? await measureRounds(folder, sections, cores) : { parley: [], yardstick: [] };
  for (const reading of readingsOf(sections)) parley.push(await measureReading(folder, cores, reading, (what) => progress(`${reading}: ${what}`)));

  const results = resultsOf(parley, yardstick);
  console.log(`${toTable(results)}\n`);
  console.log(JSON.stringify({ rounds, cores, cpu: cpus()[0]?.model, node: process.version, figures: toObject(results) }));
}

async function measureRounds(folder: string, sections: ReadonlySet<Section>, cores: Cores) {
  progress('signing up the people');
  const crowd = await withServer(folder, {}, ({ origin }) => signUpCrowd(origin));

  const parley: Measurement[] = [];
  const yardstick: Measurement[] = [];
  for (let round = 1; round <= rounds; round++) {
    const measureOne = async (name: string, target: Target): Promise<Measurement> => {
      const measurement = await measure({ target, core: cores.load, sections, onProgress: (what) => progress(`round ${round} of ${rounds}, ${name}: ${what}`) });
      await target.stop();
      return measurement;
    };
    parley.push(await measureOne('Parley', await startParley(folder, cores.server, crowd)));
    yardstick.push(await measureOne('yardstick', await startRelay(folder, cores.server)));
  }
  return { parley, yardstick };
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
