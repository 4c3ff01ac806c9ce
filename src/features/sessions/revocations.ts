/** Ends of sessions, told to every process on the same MongoDB: written down once, and looked for twice a second. */
import { Types } from 'mongoose';
import { storePatience, withDeadline } from '../../core/deadline.ts';
import type { Id } from '../../core/schemas.ts';
import type { RevocationModel } from './revocation.model.ts';

export interface Revocations {
  tell(sessionIds: readonly Id[]): Promise<void>;
  /** Looks no more. */
  stop(): void;
}

export interface RevocationsOptions {
  revocations: RevocationModel;
  /** Called for each session that any process has ended, once or several times. */
  onEnded: (sessionId: Id) => void;
  onError: (error: unknown) => void;
}

/** Milliseconds between two looks: a socket has to be closed within a second. */
const interval = 500;

/** Milliseconds by which a look reaches back: what was dated just before the last one may have become visible after it. */
const overlap = 2000;

export function createRevocations({ revocations, onEnded, onError }: RevocationsOptions): Revocations {
  let seen = new Date(0);
  let stopped = false;
  let timer: NodeJS.Timeout | undefined;

  const look = async (): Promise<void> => {
    const found = await withDeadline(revocations.find({ at: { $gte: new Date(seen.getTime() - overlap) } }).sort({ at: 1 }).lean().exec(), storePatience);
    for (const { _id, at } of found) {
      seen = at;
      onEnded(_id.toHexString());
    }
  };
  const again = (): void => {
    if (stopped) return;
    timer = setTimeout(() => void look().catch((error: unknown) => stopped || onError(error)).then(again), interval).unref();
  };
  again();

  return {
    async tell(sessionIds) {
      await revocations.bulkWrite(
        sessionIds.map((id) => ({ updateOne: { filter: { _id: new Types.ObjectId(id) }, update: { $currentDate: { at: true } }, upsert: true } })),
        { ordered: false },
      );
    },
    stop() {
      stopped = true;
      clearTimeout(timer);
    },
  };
}
