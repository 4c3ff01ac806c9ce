/**
 * The process that looks into files. They come from anybody, and what reads them is large and not all of it written in a
 * safe language: whatever a file does to it, it does to this process, which has nothing of the server's.
 */
import type { FileKind, Inspected, Square } from '../../core/media.ts';
import { depict, square } from './images.ts';
import { sniff } from './kinds.ts';
import { measureRecording } from './sound.ts';
import { Unfit } from './unfit.ts';

export type Task = { path: string; thumbnailPath: string } | { path: string; squares: readonly Square[] };

/** With what its task asks for. */
export type Outcome = { found: Inspected } | { thumbhash: string } | { unfit: string };

async function inspect(path: string, thumbnailPath: string): Promise<Inspected> {
  const { kind, mime } = await sniff(path);
  if (kind === 'image') return { kind, mime, ...(await depict(path, thumbnailPath)) };
  if (kind === 'file') return { kind, mime };
  const { duration, moves } = await measureRecording(path);
  return { kind: kindOf(kind, moves), mime, ...(duration !== undefined && { duration }) };
}

/** Containers that may hold a picture may hold sound alone. */
const kindOf = (kind: FileKind, moves = kind === 'video'): FileKind => (moves ? 'video' : 'audio');

/** Whatever else goes wrong ends the process. */
async function outcomeOf(task: Task): Promise<Outcome> {
  try {
    return 'squares' in task ? { thumbhash: await square(task.path, task.squares) } : { found: await inspect(task.path, task.thumbnailPath) };
  } catch (error) {
    if (error instanceof Unfit) return { unfit: error.message };
    throw error;
  }
}

process.on('message', (task: Task) => void outcomeOf(task).then((outcome) => process.send?.(outcome)));
// Whoever asks has gone.
process.on('disconnect', () => process.exit());
