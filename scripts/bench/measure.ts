/** One round: memory, pace and floods of one target, each driven from the load's core. */
import { run, withLoad } from './generator.ts';
import type { AnswerTimes, TrafficResult } from './jobs.ts';
import { settledMemory } from './memory.ts';
import type { Started } from './processes.ts';
import type { Section } from './sections.ts';
import { idleCount, type Target } from './target.ts';

/** What was measured of what can be. */
export interface Measurement {
  /** The flood: as much as goes through. */
  A?: TrafficResult;
  /** The flood in a group. */
  B?: TrafficResult;
  /** The flood, while there are idle connections. */
  C?: TrafficResult;
  /** The pace: the same pairs, far from their limit. */
  P?: TrafficResult;
  /** Bytes of resident memory of the server for each idle connection. */
  M?: number;
  /** How long each question took to be answered, by its name. */
  answers?: Record<string, AnswerTimes | undefined>;
}

interface Round {
  target: Target;
  /** That of the load. */
  core: number;
  sections: ReadonlySet<Section>;
  onProgress: (what: string) => void;
}

const withTraffic = ['A', 'B', 'C', 'P'] as const;

const perSecond = 300;

/** What goes before: enough lone messages for V8 to compile, out of the way, what it would compile while we measure. */
const rehearsal = { perSecond: 2000, warmUp: 0, measured: 8 };

/** Idle connections that are open before memory is first read: what the first connections of all cost is not theirs. */
const firstIdle = 100;

/** Idle connections opened in a second. */
const idlePerSecond = 400;

export async function measure(round: Round): Promise<Measurement> {
  // The floods last: what they leave to the garbage collector would hide the connections, and hold up the pace.
  const { core, sections } = round;
  const M = sections.has('M') ? await withLoad(core, (load) => measureMemory(load, round)) : undefined;
  const traffic = withTraffic.some((section) => sections.has(section)) ? await withLoad(core, (load) => measureTraffic(load, round)) : {};
  return { ...traffic, ...(M !== undefined && { M }) };
}

async function measureMemory(load: Started, { target: { idle, pid }, onProgress }: Round): Promise<number> {
  onProgress(`memory of ${idleCount} idle connections`);
  await run(load, { kind: 'idle', endpoints: idle.slice(0, firstIdle), perSecond: idlePerSecond });
  const before = await settledMemory(pid);
  await run(load, { kind: 'idle', endpoints: idle, perSecond: idlePerSecond });
  return ((await settledMemory(pid)) - before) / idle.length;
}

async function measureTraffic(load: Started, { target, core, sections, onProgress }: Round): Promise<Measurement> {
  const { pairs, group, idle, pid, storePid } = target;
  const watched = [pid, ...(storePid === undefined ? [] : [storePid])];
  const flood = (lines: Target['pairs']) => run(load, { kind: 'flood', lines, watched, inFlight: 4, warmUp: 2, measured: 5 });
  const measurement: Measurement = {};
  onProgress('rehearsal');
  await run(load, { kind: 'pace', lines: pairs, watched, ...rehearsal });
  if (sections.has('P')) {
    onProgress(`${perSecond} messages a second`);
    measurement.P = await run(load, { kind: 'pace', lines: pairs, watched, perSecond, warmUp: 2, measured: 10 });
  }
  if (sections.has('A')) {
    onProgress('as many messages as go through');
    measurement.A = await flood(pairs);
  }
  if (sections.has('C')) {
    onProgress(`the same next to ${idleCount} idle connections`);
    // Held by another process, so that the load generator has no more to do than before.
    measurement.C = await withLoad(core, async (holder) => {
      await run(holder, { kind: 'idle', endpoints: idle, perSecond: idlePerSecond });
      return flood(pairs);
    });
  }
  if (sections.has('B')) {
    onProgress('as many messages as go through in a group');
    measurement.B = await flood(group);
  }
  return measurement;
}
