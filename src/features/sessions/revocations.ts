/** Ends of sessions, told to every process on the same MongoDB: written down once, and looked for twice a second. */
import { Types } from 'mongoose';
import { poll } from '../../core/poll.ts';
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

export function createRevocations({ revocations, onEnded, onError }: RevocationsOptions): Revocations {
  const looking = poll<Id>({
    begin: () => Promise.resolve(new Date(0)),
    async read(since) {
      const found = await revocations.find({ at: { $gte: since } }).sort({ at: 1 }).lean();
      return found.map(({ _id, at }) => ({ key: _id.toHexString(), at, value: _id.toHexString() }));
    },
    onFound: onEnded,
    onError,
  });

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
