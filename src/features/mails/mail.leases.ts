/** Who has which mail in hand: taken by one compare-and-set, for a while, so that a crashed process leaves none behind. */
import type { Types } from 'mongoose';
import { storePatience, withDeadline } from '../../core/deadline.ts';
import type { MailDocument, MailModel } from './mail.model.ts';

export interface MailLeases {
  /** The mail that has been due the longest, for this process alone until the lease ends; none of those that it has in hand. */
  take(inHand: Iterable<Types.ObjectId>): Promise<MailDocument | undefined>;
  /** Nobody needs to see to it any more. Where there was nothing to send, its id may come again. */
  remove(mail: MailDocument, outcome: 'over' | 'needless'): Promise<void>;
  /** Gives it back, to be taken by anybody from then on; unless somebody else has it by now. */
  giveBack(mail: MailDocument, from: Date): Promise<void>;
}

/** Each step fails with UNAVAILABLE if the store does not answer. `lease` is in milliseconds. */
export function createMailLeases(mails: MailModel, lease: number): MailLeases {
  return {
    async take(inHand) {
      const now = Date.now();
      const due = { nextAttemptAt: { $lte: new Date(now) }, _id: { $nin: [...inHand] } };
      const taking = { $set: { nextAttemptAt: new Date(now + lease) }, $inc: { attempts: 1 } };
      const taken = mails.findOneAndUpdate(due, taking, { sort: { nextAttemptAt: 1 }, returnDocument: 'after' }).lean<MailDocument>();
      return (await withDeadline(taken.exec(), storePatience)) ?? undefined;
    },
    async remove({ _id, once, attempts, giveUpAt }, outcome) {
      // What stays of one whose id must not come again is never due. One that was found needless may be wanted since.
      const isOver = outcome === 'over';
      const removal = once && isOver ? mails.collection.replaceOne({ _id }, { giveUpAt }) : mails.deleteOne({ _id, ...(!isOver && { attempts }) }).exec();
      await withDeadline<unknown>(removal, storePatience);
    },
    async giveBack({ _id, attempts }, from) {
      await withDeadline(mails.updateOne({ _id, attempts }, { $set: { nextAttemptAt: from } }).exec(), storePatience);
    },
  };
}
