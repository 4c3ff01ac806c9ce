/**
 * What sending a message does to its chat: the head of the chat and the sender's read mark go up.
 * Both are caches of what the messages say, so they are written behind: coalesced, once a second.
 * Read marks are written before heads: a head that has reached a message therefore says that its sender's mark has, too,
 * and whoever finds a head behind the messages knows which of them to look at.
 */
import { Types } from 'mongoose';
import { storePatience, withDeadline } from '../../core/deadline.ts';
import type { Id } from '../../core/schemas.ts';
import type { ChatModel } from './chat.model.ts';
import type { MembershipModel } from './membership.model.ts';

export interface StoredMessage {
  chatId: Id;
  senderId: Id;
  seq: number;
  createdAt: Date;
}

export interface ChatHeads {
  raise(message: StoredMessage): void;
  /** How far the stored head of a chat has come. */
  storedSeq(chatId: Id): Promise<number>;
  /** When the chat was last active, as far as this process knows better than the store. */
  pendingActivity(chatId: Id): Date | undefined;
  /** Writes what is left; the last thing before the store is closed. */
  drain(): Promise<void>;
}

interface Pending {
  seq: number;
  at: Date;
  reads: Map<Id, number>;
}

/** Milliseconds between two writes. Four a second cost MongoDB nearly as much as the messages themselves. */
const pace = 1000;

export function createChatHeads(chats: ChatModel, memberships: MembershipModel, onError: (error: unknown) => void): ChatHeads {
  let pending = new Map<Id, Pending>();
  let writing: Promise<void> | undefined;
  let timer: NodeJS.Timeout | undefined;

  const schedule = (): void => {
    timer ??= setTimeout(() => {
      timer = undefined;
      writing ??= flush().finally(() => {
        writing = undefined;
        if (pending.size > 0) schedule();
      });
    }, pace);
  };

  const flush = async (): Promise<void> => {
    const batch = pending;
    pending = new Map();
    try {
      await withDeadline(writeReads(memberships, batch), storePatience);
      await withDeadline(writeHeads(chats, batch), storePatience);
    } catch (error) {
      onError(error);
      for (const [chatId, { seq, at, reads }] of batch) merge(pending, chatId, seq, at, reads);
    }
  };

  return {
    raise({ chatId, senderId, seq, createdAt }) {
      merge(pending, chatId, seq, createdAt, [[senderId, seq]]);
      schedule();
    },
    storedSeq: async (chatId) => (await chats.findById(chatId, { head: 1 }).lean())?.head.seq ?? 0,
    pendingActivity: (chatId) => pending.get(chatId)?.at,
    async drain() {
      clearTimeout(timer);
      await writing;
      if (pending.size > 0) await flush();
    },
  };
}

function merge(pending: Map<Id, Pending>, chatId: Id, seq: number, at: Date, reads: Iterable<[Id, number]>): void {
  const known = pending.get(chatId) ?? { seq: 0, at, reads: new Map<Id, number>() };
  if (seq > known.seq) Object.assign(known, { seq, at });
  for (const [userId, readSeq] of reads) known.reads.set(userId, Math.max(readSeq, known.reads.get(userId) ?? 0));
  pending.set(chatId, known);
}

async function writeReads(memberships: MembershipModel, batch: ReadonlyMap<Id, Pending>): Promise<void> {
  await memberships.collection.bulkWrite(
    [...batch].flatMap(([chatId, { reads }]) =>
      [...reads].map(([userId, readSeq]) => ({
        updateOne: { filter: { chatId: new Types.ObjectId(chatId), userId: new Types.ObjectId(userId) }, update: { $max: { readSeq } } },
      })),
    ),
    { ordered: false },
  );
}

async function writeHeads(chats: ChatModel, batch: ReadonlyMap<Id, Pending>): Promise<void> {
  await chats.collection.bulkWrite(
    [...batch].map(([chatId, { seq, at }]) => ({
      updateOne: { filter: { _id: new Types.ObjectId(chatId) }, update: { $max: { 'head.seq': seq, 'head.at': at } } },
    })),
    { ordered: false },
  );
}
