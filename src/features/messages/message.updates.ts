/** What may be done to a message, by whom, and what becomes of it. */
import { AppError } from '../../core/errors.ts';
import type { Id } from '../../core/schemas.ts';
import type { Update } from './change.model.ts';
import { hashOfText } from './log.repeat.ts';
import type { MessageDocument } from './message.model.ts';

/** A new text, or nothing when it is the old one. @throws NOT_THE_SENDER, MESSAGE_REMOVED */
export function editOf(message: MessageDocument, userId: Id, text: string): Update | undefined {
  requireSender(message, userId);
  if (message.removedAt) throw new AppError('MESSAGE_REMOVED');
  if (message.text === text) return undefined;
  return { set: { text, editedAt: new Date(), sentHash: message.sentHash ?? hashOfText(message._id, message.text ?? '') } };
}

/** A tombstone: the text is gone for good. @throws NOT_THE_SENDER */
export function removalOf(message: MessageDocument, userId: Id): Update | undefined {
  requireSender(message, userId);
  return message.removedAt ? undefined : { set: { removedAt: new Date() }, unset: ['text', 'sentHash', 'editedAt'] };
}

function requireSender(message: MessageDocument, userId: Id): void {
  if (message.senderId.toHexString() !== userId) throw new AppError('NOT_THE_SENDER');
}
