/** Brings up the mongod of a folder: the one left running by a killed server, or else a new one. */
import { rmSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { StartupError } from '../../core/startup.error.ts';
import { answers, isListening } from './contact.ts';
import { explain } from './faults.ts';
import { setLogAside } from './log.ts';
import type { Places } from './places.ts';
import { findLeftover, spawnMongod, watch, type Ending, type Running } from './process.ts';
import { endMongod } from './stop.ts';

export interface StartContext {
  places: Places;
  /** asked only when a mongod must be spawned: taking one over needs no binary */
  binary: () => Promise<string>;
  report: (line: string) => void;
  signal: AbortSignal;
}

const PATIENCE_WITH_LEFTOVER = 30_000;
const PATIENCE_WITH_RECOVERY = 5 * 60_000;

/** @throws StartupError when mongod does not come up, or what the signal was aborted with; no process of ours is left then */
export async function bringUp(context: StartContext): Promise<Running> {
  return (await takeOver(context)) ?? (await startNew(context));
}

/** One still starting or still shutting down is waited for. */
async function takeOver({ places, report, signal }: StartContext): Promise<Running | undefined> {
  const began = Date.now();
  for (;;) {
    const pid = findLeftover(places);
    if (signal.aborted && pid !== undefined) await endMongod(pid, places);
    signal.throwIfAborted();
    if (pid === undefined) return undefined;
    if (await answers(places.socket, places.uri)) {
      report(`Taking over the MongoDB left running (pid ${pid}).`);
      return watch(pid);
    }
    if (Date.now() - began > PATIENCE_WITH_LEFTOVER) {
      throw new StartupError(
        `A MongoDB left running on ${places.database} (pid ${pid}) does not answer: end it with "kill ${pid}" and start again.`,
      );
    }
    await delay(100);
  }
}

async function startNew(context: StartContext): Promise<Running> {
  const { places, signal } = context;
  const binary = await context.binary();
  if (await isListening(places.socket)) {
    throw new StartupError(
      `Something this server did not start listens on ${places.socket}: end it, or choose another DATA_DIR.`,
    );
  }
  signal.throwIfAborted();
  rmSync(places.socket, { force: true });
  setLogAside(places);
  const running = spawnMongod(binary, places);
  try {
    const ending = await firstAnswer(running, context);
    if (ending) throw await explain(ending, binary, places);
    return running;
  } catch (error) {
    await endMongod(running.pid, places);
    throw error;
  }
}

/** Undefined once mongod answers; how it ended if it ends before. */
async function firstAnswer(running: Running, context: StartContext): Promise<Ending | undefined> {
  const { places, report, signal } = context;
  const began = Date.now();
  for (let reported = began; Date.now() - began < PATIENCE_WITH_RECOVERY; ) {
    signal.throwIfAborted();
    if (await answers(places.socket, places.uri)) return undefined;
    const ending = await Promise.race([running.ended, delay(25)]);
    if (ending) return ending;
    if (Date.now() - reported > 10_000) {
      reported = Date.now();
      report('MongoDB is still starting (after a crash it first recovers its data) …');
    }
  }
  throw new StartupError(`MongoDB did not answer within five minutes: its log says why (${places.log}).`);
}
