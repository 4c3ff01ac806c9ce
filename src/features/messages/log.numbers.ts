/** The last number of each chat this process writes to: remembered, looked up when unknown, never trusted blindly. */
import { LRUCache } from 'lru-cache';
import { Types } from 'mongoose';
import { atMost } from '../../core/cache.ts';
import type { Id, StoredMessage } from '../../core/schemas.ts';
import type { Entry } from './log.queue.ts';
import type { MessageCollection } from './message.model.ts';

/** Where the log reports what it has stored, so that lists and read marks can follow (see chat.heads). */
export interface Heads {
  raise(message: StoredMessage): void;
  /** How far the stored head of a chat has come. */
  storedSeq(chatId: Id): Promise<number>;
}

export interface Numbers {
  /** The chats of the batch whose last number is not remembered. */
  unknownChats(batch: readonly Entry[]): ReadonlySet<Id>;
  /** Looks up the last number of each of these chats. */
  load(chatIds: ReadonlySet<Id>): Promise<void>;
  /** Gives each message of the batch the next number of its chat. */
  assign(batch: readonly Entry[]): void;
  /** This number is in the store. */
  advance(chatId: Id, seq: number): void;
  forget(batch: readonly Entry[]): void;
}

export function createNumbers(messages: MessageCollection, heads: Heads): Numbers {
  const last = new LRUCache<Id, number>(atMost(100_000));

  return {
    unknownChats: (batch) => new Set(batch.map((entry) => entry.draft.chatId).filter((chatId) => !last.has(chatId))),
    async load(chatIds) {
      await Promise.all([...chatIds].map(async (chatId) => last.set(chatId, await findLast(messages, heads, chatId))));
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
    forget(batch) {
      for (const entry of batch) last.delete(entry.draft.chatId);
    },
  };
}

/** The last number of a chat; on the way, a stored head that a crash left behind is brought up to it. */
async function findLast(messages: MessageCollection, heads: Heads, chatId: Id): Promise<number> {
  const _id = new Types.ObjectId(chatId);
  const [newest, storedSeq] = await Promise.all([
    messages.findOne({ chatId: _id }, { sort: { seq: -1 }, projection: { seq: 1 } }),
    heads.storedSeq(chatId),
  ]);
  const seq = newest?.seq ?? 0;
  if (seq > storedSeq) {
    for await (const message of messages.find({ chatId: _id, seq: { $gt: storedSeq } }, { projection: { senderId: 1, seq: 1, createdAt: 1 } })) {
      heads.raise({ chatId, senderId: message.senderId.toHexString(), seq: message.seq, createdAt: message.createdAt });
    }
  }
  return seq;
}
