/** What a send is answered whose id is in the log already: the stored message, if it is the same send. */
import { createHash } from 'node:crypto';
import { AppError } from '../../core/errors.ts';
import type { Appended, Entry, Queue } from './log.queue.ts';
import { toMessage, type MessageDocument } from './message.model.ts';

/** Stands in for the text first sent once a message is edited; bound to its id, so that equal texts do not show. */
export const hashOfText = (id: MessageDocument['_id'], text: string): string =>
  createHash('sha256').update(id.buffer).update(text).digest('base64url');

/** True if the stored message came from this very send, whatever became of it since. */
export function isSameSend(sent: MessageDocument, stored: MessageDocument): boolean {
  if (!stored.chatId.equals(sent.chatId) || !stored.senderId.equals(sent.senderId)) return false;
  if (stored.kind !== sent.kind) return false;
  // The ids of notices are the server's own.
  if (stored.removedAt || stored.kind === 'notice') return true;
  if (stored.replyTo?.id.toString('hex') !== sent.replyTo?.id.toString('hex')) return false;
  if (filesOf(stored) !== filesOf(sent)) return false;
  const text = sent.text ?? '';
  return stored.sentHash === undefined ? (stored.text ?? '') === text : stored.sentHash === hashOfText(sent._id, text);
}

const filesOf = ({ files = [] }: MessageDocument): string => files.map(({ id }) => id.toHexString()).join();

/** True if the stored message is what this very write has put there, and not an earlier or somebody else's send of its id. */
export const isSameWrite = (written: MessageDocument, stored: MessageDocument | undefined): boolean =>
  stored !== undefined && stored.seq === written.seq && stored.createdAt.getTime() === written.createdAt.getTime() && isSameSend(written, stored);

/** Answers the sender of a repeat: the stored message, or CONFLICT. */
export function answerRepeat(queue: Queue, entry: Entry, stored: MessageDocument): void {
  const { content } = entry.draft;
  const replyTo = content.kind === 'text' ? content.replyTo : undefined;
  const appended: Appended = { message: { ...toMessage(stored, undefined, entry.draft.senderId), ...(replyTo && !stored.removedAt && { replyTo }) }, deduplicated: true };
  if (isSameSend(entry.document, stored)) queue.accept(entry, appended);
  else queue.fail(entry, new AppError('CONFLICT'));
}
