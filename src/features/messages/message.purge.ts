/** Removing everything that one person has sent: for an account that goes and takes its messages along. */
import { Types } from 'mongoose';
import type { Id, MessageId } from '../../core/schemas.ts';
import { fromUuid, type MessageCollection } from './message.model.ts';

export interface PurgeParts {
  messages: MessageCollection;
  idsOf: (userId: Id) => Promise<Id[]>;
  remove: (userId: Id, chatId: Id, messageId: MessageId) => Promise<unknown>;
}

/** Numbers of a chat looked through at once: no index knows who has sent what. */
const stretch = 500;

/** One after another, so that nobody else has to wait; broken off and begun again, it goes on where it stopped. */
export function createPurge({ messages, idsOf, remove }: PurgeParts): (userId: Id, signal: AbortSignal) => Promise<void> {
  const endOf = async (chatId: Id): Promise<number> => (await messages.findOne({ chatId: new Types.ObjectId(chatId) }, { sort: { seq: -1 }, projection: { seq: 1 } }))?.seq ?? 0;
  const sentAfter = async (userId: Id, chatId: Id, seq: number): Promise<MessageId[]> => {
    const sent = { chatId: new Types.ObjectId(chatId), seq: { $gt: seq, $lte: seq + stretch }, senderId: new Types.ObjectId(userId), kind: 'text', removedAt: { $exists: false } } as const;
    return (await messages.find(sent, { projection: { _id: 1 } }).sort({ seq: 1 }).toArray()).map(({ _id }) => fromUuid(_id));
  };

  return async (userId, signal) => {
    for (const chatId of await idsOf(userId)) {
      const end = await endOf(chatId);
      for (let seq = 0; seq < end; seq += stretch) {
        signal.throwIfAborted();
        for (const id of await sentAfter(userId, chatId, seq)) {
          signal.throwIfAborted();
          await remove(userId, chatId, id);
        }
      }
    }
  };
}
