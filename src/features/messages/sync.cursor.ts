/** Where a client stands that catches up: opaque to the client, and no secret. */
import { Type, type Static } from 'typebox';
import { Id, Sequence, strictObject } from '../../core/schemas.ts';
import { toFieldError, validatorOf } from '../../core/validate.ts';

const aTime = Type.Integer({ minimum: 0, maximum: 8.64e15 });

const SyncState = strictObject({
  /** What has changed since this time is wanted; 0 by who has nothing. */
  since: aTime,
  /** While there are more pages: the time when the first was asked for, the last chat that is whole, and where the list of members of the next one goes on. */
  begun: Type.Optional(aTime),
  after: Type.Optional(Id),
  member: Type.Optional(strictObject({ chatId: Id, at: aTime, id: Id })),
  /** The chat that goes on: its members are told as of this time, when its log had come to this number. */
  told: Type.Optional(strictObject({ chatId: Id, at: aTime, seq: Sequence })),
});
export type SyncState = Static<typeof SyncState>;

export const toCursor = (state: SyncState): string => Buffer.from(JSON.stringify(state)).toString('base64url');

/** @throws VALIDATION_FAILED if it was not made by toCursor */
export function fromCursor(cursor: string | undefined): SyncState {
  if (cursor === undefined) return { since: 0 };
  try {
    const state: unknown = JSON.parse(Buffer.from(cursor, 'base64url').toString());
    if (validatorOf(SyncState, 'json')(state)) return state as SyncState;
  } catch {
    // Not JSON: it is told below.
  }
  throw toFieldError('cursor', 'must be a cursor out of an earlier answer');
}
