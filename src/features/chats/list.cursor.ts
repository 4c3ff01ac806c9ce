/** Where a page of somebody's chats ends, and how a client carries that along. */
import type { Id } from '../../core/schemas.ts';
import { toFieldError } from '../../core/validate.ts';

/** A place in the list: what is pinned comes first, then what was active last; of two of one instant the one with the higher id. */
export interface ListPlace {
  pinned: boolean;
  at: Date;
  id: Id;
}

const form = /^([01])\.(\d{1,15})\.([0-9a-f]{24})$/;

/** It holds the place, not the chat alone: that may be anywhere else by the next page, or nowhere. */
export const toCursor = ({ pinned, at, id }: ListPlace): string => Buffer.from(`${Number(pinned)}.${at.getTime()}.${id}`).toString('base64url');

/** @throws VALIDATION_FAILED if no answer can have had it */
export function fromCursor(cursor: string): ListPlace {
  const [, pinned, time = '', id = ''] = form.exec(Buffer.from(cursor, 'base64url').toString()) ?? [];
  const at = new Date(Number(time));
  if (id === '' || Number.isNaN(at.getTime())) throw toFieldError('cursor', 'must be a cursor of an earlier answer');
  return { pinned: pinned === '1', at, id };
}

/** Negative if the one comes first. */
export function byPlace(one: ListPlace, other: ListPlace): number {
  if (one.pinned !== other.pinned) return one.pinned ? -1 : 1;
  if (one.at.getTime() !== other.at.getTime()) return other.at.getTime() - one.at.getTime();
  return one.id < other.id ? 1 : one.id > other.id ? -1 : 0;
}
