/** What may be done to a message, by whom, and what becomes of it. */
import { Types } from 'mongoose';
import { toEmoji } from '../../core/emoji.ts';
import { AppError } from '../../core/errors.ts';
import type { Id } from '../../core/schemas.ts';
import type { Update } from './change.model.ts';
import { hashOfText } from './log.repeat.ts';
import type { MessageDocument, StoredReaction } from './message.model.ts';

/** Reactions of one person to one message. */
const reactionsEach = 3;

/** Kinds of reactions to one message. */
const kindsAtMost = 50;

/**
 * A new text, or nothing when it is the old one.
 * @param window milliseconds for which a message can be edited
 * @throws NOT_CHANGEABLE, NOT_THE_SENDER, MESSAGE_REMOVED, EDIT_TOO_LATE
 */
export function editOf(message: MessageDocument, userId: Id, text: string, window: number): Update | undefined {
  requireText(message);
  if (!isSender(message, userId)) throw new AppError('NOT_THE_SENDER');
  requireThere(message);
  if (message.text === text) return undefined;
  if (Date.now() - message.createdAt.getTime() > window) throw new AppError('EDIT_TOO_LATE');
  return { set: { text, editedAt: new Date(), sentHash: message.sentHash ?? hashOfText(message._id, message.text ?? '') } };
}

/** A tombstone: what was in it is gone for good. @throws NOT_CHANGEABLE, NOT_THE_SENDER */
export function removalOf(message: MessageDocument, userId: Id, mayRemoveAny: boolean): Update | undefined {
  requireText(message);
  if (!mayRemoveAny && !isSender(message, userId)) throw new AppError('NOT_THE_SENDER');
  return message.removedAt ? undefined : { set: { removedAt: new Date() }, unset: ['text', 'files', 'sentHash', 'editedAt', 'reactions', 'replyTo'] };
}

/** One more reaction, or nothing when it is there. @throws NOT_CHANGEABLE, MESSAGE_REMOVED, TOO_MANY_REACTIONS */
export function reactionOf(message: MessageDocument, userId: Id, given: string): Update | undefined {
  requireText(message);
  requireThere(message);
  const [emoji, person] = [toEmoji(given), new Types.ObjectId(userId)];
  const { reactions = [] } = message;
  const own = reactions.filter((one) => has(one, person));
  if (own.some((one) => one.emoji === emoji)) return undefined;
  const known = reactions.some((one) => one.emoji === emoji);
  if (own.length >= reactionsEach || (!known && reactions.length >= kindsAtMost)) throw new AppError('TOO_MANY_REACTIONS');
  const more = reactions.map((one) => (one.emoji === emoji ? { emoji, userIds: [...one.userIds, person] } : one));
  return { set: { reactions: known ? more : [...more, { emoji, userIds: [person] }] } };
}

/** Without a reaction, or nothing when it is not there. @throws NOT_CHANGEABLE, MESSAGE_REMOVED */
export function unreactionOf(message: MessageDocument, userId: Id, given: string): Update | undefined {
  requireText(message);
  requireThere(message);
  const [emoji, person] = [toEmoji(given), new Types.ObjectId(userId)];
  const { reactions = [] } = message;
  if (!reactions.some((one) => one.emoji === emoji && has(one, person))) return undefined;
  const left = reactions.map((one) => (one.emoji === emoji ? { emoji, userIds: one.userIds.filter((id) => !id.equals(person)) } : one)).filter(({ userIds }) => userIds.length > 0);
  return left.length > 0 ? { set: { reactions: left } } : { set: {}, unset: ['reactions'] };
}

const has = ({ userIds }: StoredReaction, person: Types.ObjectId): boolean => userIds.some((id) => id.equals(person));
const isSender = (message: MessageDocument, userId: Id): boolean => message.senderId.toHexString() === userId;

function requireText({ kind }: MessageDocument): void {
  if (kind !== 'text') throw new AppError('NOT_CHANGEABLE');
}

function requireThere({ removedAt }: MessageDocument): void {
  if (removedAt) throw new AppError('MESSAGE_REMOVED');
}
