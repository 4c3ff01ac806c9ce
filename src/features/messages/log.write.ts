/** One write of a batch to the journal, and what MongoDB's answer means for each message in it. */
import { storePatience, withDeadline } from '../../core/deadline.ts';
import { duplicateKey } from '../../core/errors.ts';
import type { Entry } from './log.queue.ts';
import type { MessageCollection } from './message.model.ts';

export type Outcome =
  | { kind: 'stored' }
  /** Everything before `index` is stored, nothing from there on is. */
  | { kind: 'refused'; index: number; because: 'number taken' | 'id taken' | 'other'; error: unknown }
  /** Not answered, or with an error as a whole: all, some or none of it may be stored, or be stored yet. */
  | { kind: 'unknown'; error: unknown };

/** MongoDB's answer to the insert command (its manual: "insert", output). */
interface InsertReply {
  writeErrors?: { index: number; code: number; errmsg?: string; keyPattern?: Record<string, unknown> }[];
  writeConcernError?: { errmsg?: string };
}

/** The plain command, and not insertMany: its answer says which key was refused, and nothing retries behind our back. */
export async function writeBatch(messages: MessageCollection, batch: readonly Entry[]): Promise<Outcome> {
  try {
    const command = messages.db.command({
      insert: messages.collectionName,
      documents: batch.map((entry) => entry.document),
      ordered: true,
      writeConcern: { w: 'majority', j: true },
    });
    const reply = (await withDeadline(command, storePatience)) as InsertReply;
    // Stored here, but perhaps not on a majority: it could still be rolled back.
    if (reply.writeConcernError) return { kind: 'unknown', error: new Error(reply.writeConcernError.errmsg) };
    const refusal = reply.writeErrors?.[0];
    if (!refusal) return { kind: 'stored' };
    const error = new Error(refusal.errmsg);
    return { kind: 'refused', index: refusal.index, because: reasonOf(refusal), error };
  } catch (error) {
    return { kind: 'unknown', error };
  }
}

function reasonOf({ code, keyPattern }: { code: number; keyPattern?: Record<string, unknown> }) {
  if (code !== duplicateKey) return 'other';
  return keyPattern && '_id' in keyPattern ? 'id taken' : 'number taken';
}
