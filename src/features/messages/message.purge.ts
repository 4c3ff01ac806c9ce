/** Removing everything that one person has sent: for an account that goes and takes its messages along. */
import { Types } from 'mongoose';
import type { Id, MessageId } from '../../core/schemas.ts';
import { toMessage, type MessageCollection } from './message.model.ts';

export interface PurgeParts {
  messages: MessageCollection;
  idsOf: (userId: Id) => Promise<Id[]>;
  remove: (userId: Id, chatId: Id, messageId: MessageId) => Promise<unknown>;
}

/** Messages looked up at once. */
const pageSize = 100;

/** One after another, so that nobody else has to wait; broken off and begun again, it goes on where it stopped. */
export function createPurge({ messages, idsOf, remove }: PurgeParts): (userId: Id, signal: AbortSignal) => Promise<void> {
  const pageAfter = (userId: Id, chatId: Id, seq: number) =>
    messages
      .find({ chatId: new Types.ObjectId(chatId), seq: { $gt: seq }, senderId: new Types.ObjectId(userId), kind: 'text', removedAt: { $exists: false } })
      .sort({ seq: 1 })
      .limit(pageSize)
      .toArray();

  return async (userId, signal) => {
    for (const chatId of await idsOf(userId)) {
      let page = await pageAfter(userId, chatId, 0);
      while (page.length > 0) {
        for (const message of page.map((document) => toMessage(document))) {
          signal.throwIfAborted();
          await remove(userId, chatId, message.id);
        }
        page = await pageAfter(userId, chatId, page.at(-1)?.seq ?? 0);
      }
    }
  };
}
