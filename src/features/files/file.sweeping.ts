/**
 * Removes files that nothing has, photos of people and groups among them. A file of which that may be so has a time at which to look: a day after it came, and soon
 * after a message that had it was removed. Whoever gives it to a message moves that time a day on, and so it is looked at
 * again, long after it is clear whether that message was stored; what is going is given to nobody. So wherever a process
 * dies, a file in use stays, and one that is not goes.
 */
import { setTimeout as pause } from 'node:timers/promises';
import type { mongo } from 'mongoose';
import type { MediaStore, Pieces } from '../../core/media.ts';
import { createBell } from '../../core/bell.ts';
import { keysOf } from './file.keys.ts';
import type { FileCollection, FileDocument } from './file.model.ts';

export interface SweepingParts {
  files: FileCollection;
  store: MediaStore;
  pieces: Pick<Pieces, 'drop'>;
  isUsed: (file: FileDocument) => Promise<boolean>;
  onError: (error: unknown) => void;
  /** Milliseconds between two looks. */
  interval: number;
}

export interface Sweeping {
  start(): void;
  /** Ends the step under way, and begins no other. */
  stop(): Promise<void>;
}

/** Milliseconds after which another attempt is made at what could not be removed. */
const retry = 10 * 60_000;

/** Milliseconds after which nothing can be sent past this server any more; more than any invitation is good for. */
const invitedFor = 90 * 60_000;

export function createSweeping({ interval, ...parts }: SweepingParts): Sweeping {
  const bell = createBell();
  const over = new AbortController();
  let running = Promise.resolve();

  const look = async (): Promise<boolean> => {
    try {
      return await sweepNext(parts);
    } catch (error) {
      if (!over.signal.aborted) parts.onError(error);
      return false;
    }
  };
  const run = async (): Promise<void> => {
    while (!over.signal.aborted) if (!(await look())) await bell.wait(interval);
  };
  return {
    start: () => void (running = run()),
    async stop() {
      over.abort();
      bell.ring();
      await Promise.race([running, pause(1500, undefined, { ref: false })]);
    },
  };
}

/** Looks at the file whose time came first. Gives whether there was one. */
async function sweepNext({ files, store, pieces, isUsed }: Omit<SweepingParts, 'interval'>): Promise<boolean> {
  const now = new Date();
  const file = await files.findOne({ checkAt: { $lte: now } }, { sort: { checkAt: 1 } });
  if (!file) return false;
  const { _id, state } = file;
  const same = { _id, state, checkAt: file.checkAt as Date };
  if (state === 'whole' && (await isUsed(file))) {
    await files.updateOne(same, { $unset: { checkAt: '' } });
    return true;
  }
  const going = await claim(files, same);
  if (going) await remove({ files, store, pieces }, going);
  return true;
}

/** From now on nobody is given it, and it takes no room. If whoever removes it dies, or cannot, that is taken up again. */
export const claim = async (files: FileCollection, one: mongo.Filter<FileDocument>): Promise<FileDocument | null> =>
  files.findOneAndUpdate(one, { $set: { state: 'going', size: 0, checkAt: new Date(Date.now() + retry) } });

/** Of a file that is going. */
export async function remove({ files, store, pieces }: Pick<SweepingParts, 'files' | 'store' | 'pieces'>, { _id, isDirect, createdAt, ...file }: FileDocument): Promise<void> {
  for (const key of keysOf({ _id, ...file })) await store.remove(key);
  if (isDirect) await pieces.drop(_id.toHexString());
  const inviteEnds = new Date(createdAt.getTime() + invitedFor);
  // Past this server it could be sent once more.
  if (isDirect && inviteEnds > new Date()) await files.updateOne({ _id }, { $set: { checkAt: inviteEnds } });
  else await files.deleteOne({ _id });
}
