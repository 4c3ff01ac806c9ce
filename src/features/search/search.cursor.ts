/** Where a page of found messages ends, and how a client carries that along. */
import { toFieldError } from '../../core/validate.ts';

/** A place in the order of found messages, by which the newest comes first; of two of one instant the one with the higher id. */
export interface Position {
  at: Date;
  /** The 32 hexadecimal digits of a message's id. */
  id: string;
}

const form = /^(\d{1,15})\.([0-9a-f]{32})$/;

/** Comes after every message of this instant. */
export const behind = (at: Date): Position => ({ at, id: '0'.repeat(32) });

export const toCursor = ({ at, id }: Position): string => Buffer.from(`${at.getTime()}.${id}`).toString('base64url');

/** @throws VALIDATION_FAILED if no answer can have had it */
export function fromCursor(cursor: string): Position {
  const [, time = '', id = ''] = form.exec(Buffer.from(cursor, 'base64url').toString()) ?? [];
  const at = new Date(Number(time));
  if (id === '' || Number.isNaN(at.getTime())) throw toFieldError('cursor', 'must be a cursor of an earlier answer');
  return { at, id };
}
