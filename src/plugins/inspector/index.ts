/** Looks into files in a process of its own, one after another: begun when there is something to look at, ended when there is not. */
import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { extname } from 'node:path';
import { fileURLToPath } from 'node:url';
import pLimit from 'p-limit';
import { AppError } from '../../core/errors.ts';
import type { Inspected, Inspector } from '../../core/media.ts';
import type { Outcome, Task } from './process.ts';

export interface EndingInspector extends Inspector {
  close(): Promise<void>;
}

/** Milliseconds for one file; the process is ended if it takes longer. */
const patience = 20_000;

/** Milliseconds without anything to look at after which the process is ended: what large images took is free again. */
const idle = 10_000;

/** Files that wait for their turn at most. */
const waitingAtMost = 100;

/** Megabytes that it may take for what is no image. */
const heap = 128;

/** What cannot be looked into is a file like any other, and shown by nothing. */
const opaque: Inspected = { kind: 'file', mime: 'application/octet-stream' };

const program = fileURLToPath(new URL(`./process${extname(import.meta.url)}`, import.meta.url));

/** Its words are for nobody: what it has to say comes as an answer. Nothing of what the server is told is told to it. */
const begin = (): ChildProcess => fork(program, { stdio: ['ignore', 'ignore', 'ignore', 'ipc'], env: {}, execArgv: [...process.execArgv, `--max-old-space-size=${heap}`] });

/** @param onError is told of files at which the process has ended, or has taken too long */
export function createInspector(onError: (error: unknown) => void): EndingInspector {
  const inTurn = pLimit(1);
  const { look, close } = createLooking(onError);
  const ask = async (task: Task): Promise<Exclude<Outcome, { unfit: string }> | undefined> => {
    if (inTurn.pendingCount >= waitingAtMost) throw new AppError('BUSY');
    const outcome = await inTurn(() => look(task));
    if (outcome && 'unfit' in outcome) throw new AppError('IMAGE_UNFIT', { reason: outcome.unfit });
    return outcome;
  };

  return {
    close,
    async inspect(path, thumbnailPath) {
      const outcome = await ask({ path, thumbnailPath });
      return outcome && 'found' in outcome ? outcome.found : opaque;
    },
    async square(path, squares) {
      const outcome = await ask({ path, squares });
      if (!outcome || !('thumbhash' in outcome)) throw new AppError('IMAGE_UNFIT', { reason: 'it cannot be read' });
      return outcome.thumbhash;
    },
  };
}

/** The process, as long as there is one. */
function createLooking(onError: (error: unknown) => void) {
  let child: ChildProcess | undefined;
  let resting: NodeJS.Timeout | undefined;
  let closed = false;
  const end = (): void => {
    child?.kill('SIGKILL');
    child = undefined;
  };

  return {
    /** Undefined where the process has not survived it. */
    look: async (task: Task): Promise<Outcome | undefined> => {
      if (closed) throw new AppError('SHUTTING_DOWN');
      clearTimeout(resting);
      child ??= begin();
      try {
        return await answerOf(child, task);
      } catch (error) {
        end();
        onError(error);
        return undefined;
      } finally {
        resting = setTimeout(end, idle).unref();
      }
    },
    close: async (): Promise<void> => {
      closed = true;
      clearTimeout(resting);
      end();
    },
  };
}

/** @throws Error if the process ends, or does not answer in time */
async function answerOf(child: ChildProcess, task: Task): Promise<Outcome> {
  const over = new AbortController();
  const { signal } = over;
  const answered = once(child, 'message', { signal: AbortSignal.any([signal, AbortSignal.timeout(patience)]) });
  const ended = once(child, 'exit', { signal }).then(([code, by]) => {
    throw new Error(`what looks into files has ended (${String(by ?? code)}) at ${task.path}`);
  });
  try {
    child.send(task);
    const [outcome] = (await Promise.race([answered, ended])) as [Outcome];
    return outcome;
  } finally {
    over.abort();
    for (const waiting of [answered, ended]) waiting.catch(() => undefined);
  }
}
