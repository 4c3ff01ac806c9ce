/** Ends of sessions, told to every process on the same MongoDB: written down once, and looked for twice a second. */
import { Types } from 'mongoose';
import { storePatience, withDeadline } from '../../core/deadline.ts';
import { repeat } from '../../core/repeat.ts';
import type { Id } from '../../core/schemas.ts';
import type { RevocationModel } from './revocation.model.ts';

export interface Revocations {
  tell(sessionIds: readonly Id[]): Promise<void>;
  /** Looks no more. */
  stop(): void;
}

export interface RevocationsOptions {
  revocations: RevocationModel;
  /** Called for each time that any process, this one included, has told of a session. */
  onEnded: (sessionId: Id) => void;
  onError: (error: unknown) => void;
}

/** Milliseconds between two looks: a socket has to be closed within a second. */
const interval = 500;

/** Milliseconds by which a look reaches back: what was dated before the last one may become visible after it, and the clock of a MongoDB that takes over may be behind. */
const overlap = 10_000;

export function createRevocations({ revocations, onEnded, onError }: RevocationsOptions): Revocations {
  let newest = 0;
  let known = new Map<Id, number>();

  const look = async (): Promise<void> => {
    const since = new Date(newest - overlap);
    const found = await withDeadline(revocations.find({ at: { $gte: since } }).sort({ at: 1 }).lean().exec(), storePatience);
    const before = known;
    // What is not among them any more is too old to be found again.
    known = new Map(found.map(({ _id, at }) => [_id.toHexString(), at.getTime()]));
    for (const [sessionId, at] of known) {
      newest = at;
      if (before.get(sessionId) !== at) onEnded(sessionId);
    }
  };
  const looking = repeat(look, interval, onError);

  return {
    async tell(sessionIds) {
      await revocations.bulkWrite(
        sessionIds.map((id) => ({ updateOne: { filter: { _id: new Types.ObjectId(id) }, update: { $currentDate: { at: true } }, upsert: true } })),
        { ordered: false },
      );
    },
    stop: () => looking.stop(),
  };
}
