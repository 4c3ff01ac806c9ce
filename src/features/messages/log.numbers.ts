/** The last number of each chat this process writes to: remembered, looked up when unknown, never trusted blindly. */
import { LRUCache } from 'lru-cache';
import { Types } from 'mongoose';
import { atMost } from '../../core/cache.ts';
import type { StoredMessage } from '../../core/message.ts';
import type { Id } from '../../core/schemas.ts';
import type { Entry } from './log.queue.ts';
import type { MessageCollection } from './message.model.ts';

/** What the log has to know of the chats it writes to, and what it tells them. */
export interface LoggedChats {
  /** A message is stored: lists and read marks follow (see chat.heads). */
  raise(message: StoredMessage): void;
  /**
   * How far the stored head of a chat has come; and whether what this process knows of its members is what the notices
   * in the log say. To be asked once the end of the log is known: a notice before it is then seen for certain.
   */
  look(chatId: Id): Promise<{ storedSeq: number; isCurrent: boolean }>;
  /** Does what the notices in the log of a chat say, and has this process know of it. */
  settle(chatId: Id): Promise<void>;
  /** @throws CHAT_NOT_FOUND, NOT_ALLOWED if this person may not write to the chat, or not any more */
  requireSender(userId: Id, chatId: Id): Promise<void>;
}

export interface Numbers {
  /** The chats of the batch whose last number is not remembered. */
  unknownChats(batch: readonly Entry[]): ReadonlySet<Id>;
  /** Looks up the last number of each of these chats. Gives those of which this process does not know who is in them. */
  load(chatIds: ReadonlySet<Id>): Promise<Id[]>;
  /** Gives each message of the batch the next number of its chat. */
  assign(batch: readonly Entry[]): void;
  /** This number is in the store. */
  advance(chatId: Id, seq: number): void;
  forget(chatIds: Iterable<Id>): void;
}

export function createNumbers(messages: MessageCollection, chats: LoggedChats): Numbers {
  const last = new LRUCache<Id, number>(atMost(100_000));

  return {
    unknownChats: (batch) => new Set(batch.map((entry) => entry.draft.chatId).filter((chatId) => !last.has(chatId))),
    async load(chatIds) {
      const loaded = await Promise.all([...chatIds].map(async (chatId) => ({ chatId, ...(await findLast(messages, chats, chatId)) })));
      for (const { chatId, seq } of loaded) last.set(chatId, seq);
      return loaded.filter(({ isCurrent }) => !isCurrent).map(({ chatId }) => chatId);
    },
    assign(batch) {
      const next = new Map<Id, number>();
      for (const entry of batch) {
        const { chatId } = entry.draft;
        const seq = (next.get(chatId) ?? last.get(chatId) ?? 0) + 1;
        next.set(chatId, seq);
        entry.document.seq = seq;
      }
    },
    advance: (chatId, seq) => void last.set(chatId, seq),
    forget(chatIds) {
      for (const chatId of chatIds) last.delete(chatId);
    },
  };
}

/** The last number of a chat; on the way, a stored head that a crash left behind is brought up to it. */
async function findLast(messages: MessageCollection, chats: LoggedChats, chatId: Id): Promise<{ seq: number; isCurrent: boolean }> {
  const _id = new Types.ObjectId(chatId);
  const newest = await messages.findOne({ chatId: _id }, { sort: { seq: -1 }, projection: { seq: 1 } });
  const { storedSeq, isCurrent } = await chats.look(chatId);
  const seq = newest?.seq ?? 0;
  if (seq > storedSeq) {
    for await (const message of messages.find({ chatId: _id, seq: { $gt: storedSeq } }, { projection: { senderId: 1, seq: 1, createdAt: 1 } })) {
      chats.raise({ chatId, senderId: message.senderId.toHexString(), seq: message.seq, createdAt: message.createdAt });
    }
  }
  return { seq, isCurrent };
}
