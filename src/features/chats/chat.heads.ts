/**
 * What sending a message does to its chat: the head of the chat and the sender's read mark go up, and it is noted that they
 * have written there.
 * All are caches of what the messages say, so they are written behind: coalesced, each about every two seconds.
 * What concerns the sender is written before heads: a head that has reached a message therefore says that its sender's mark
 * has, too,
 * and whoever finds a head behind the messages knows which of them to look at.
 */
import { Types } from 'mongoose';
import { storePatience, withDeadline } from '../../core/deadline.ts';
import type { StoredMessage } from '../../core/message.ts';
import type { Id } from '../../core/schemas.ts';
import type { Written } from './chat.contacts.ts';
import type { ChatModel } from './chat.model.ts';
import type { MembershipModel } from './membership.model.ts';

export interface ChatHeads {
  raise(message: StoredMessage): void;
  /** Writes what is left; the last thing before the store is closed. */
  drain(): Promise<void>;
}

interface Pending {
  seq: number;
  at: Date;
  reads: Map<Id, number>;
}

/**
 * Four times a second an eighth of what is pending, the longest pending first. All of it at once would hold up the messages
 * for milliseconds; all of it four times a second would cost MongoDB nearly as much as the messages themselves.
 */
const pace = { milliseconds: 250, share: 1 / 8 };

export interface ChatHeadsParts {
  chats: ChatModel;
  memberships: MembershipModel;
  /** It is stored that these have written there. Never rejects. */
  onWritten: (written: readonly Written[]) => Promise<void>;
  onError: (error: unknown) => void;
}

export function createChatHeads({ chats, memberships, onWritten, onError }: ChatHeadsParts): ChatHeads {
  const pending = new Map<Id, Pending>();
  let writing: Promise<void> | undefined;
  let timer: NodeJS.Timeout | undefined;

  const schedule = (): void => {
    timer ??= setTimeout(() => {
      timer = undefined;
      writing ??= flush(Math.ceil(pending.size * pace.share)).finally(() => {
        writing = undefined;
        if (pending.size > 0) schedule();
      });
    }, pace.milliseconds);
  };

  const flush = async (count: number): Promise<void> => {
    const batch = [...pending].slice(0, count);
    for (const [chatId] of batch) pending.delete(chatId);
    try {
      await withDeadline(writeReads(memberships, batch), storePatience);
      await withDeadline(writeHeads(chats, batch), storePatience);
      await onWritten(batch.flatMap(([chatId, { reads }]) => [...reads.keys()].map((userId) => ({ chatId, userId }))));
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
    async drain() {
      clearTimeout(timer);
      await writing;
      if (pending.size > 0) await flush(pending.size);
      if (pending.size > 0) throw new Error(`the heads of ${pending.size} chats could not be written`);
    },
  };
}

function merge(pending: Map<Id, Pending>, chatId: Id, seq: number, at: Date, reads: Iterable<[Id, number]>): void {
  const known = pending.get(chatId) ?? { seq: 0, at, reads: new Map<Id, number>() };
  if (seq > known.seq) Object.assign(known, { seq, at });
  for (const [userId, readSeq] of reads) known.reads.set(userId, Math.max(readSeq, known.reads.get(userId) ?? 0));
  pending.set(chatId, known);
}

async function writeReads(memberships: MembershipModel, batch: readonly [Id, Pending][]): Promise<void> {
  const updates = batch.flatMap(([chatId, { reads }]) =>
    [...reads].map(([userId, readSeq]) => ({ q: { chatId: new Types.ObjectId(chatId), userId: new Types.ObjectId(userId) }, u: { $max: { readSeq }, $set: { engaged: true } } })),
  );
  await update(memberships, updates);
}

async function writeHeads(chats: ChatModel, batch: readonly [Id, Pending][]): Promise<void> {
  const updates = batch.map(([chatId, { seq, at }]) => ({ q: { _id: new Types.ObjectId(chatId) }, u: { $max: { 'head.seq': seq, 'head.at': at } } }));
  await update(chats, updates);
}

/**
 * The plain command, which costs this process a fraction of what bulkWrite does. Nobody waits for the journal here: what a
 * crash takes away is made up for when the chat is next written to or looked at.
 * @throws Error with what MongoDB could not write
 */
async function update({ db, collection }: ChatModel | MembershipModel, updates: { q: object; u: object }[]): Promise<void> {
  const command = { update: collection.collectionName, updates, ordered: false, writeConcern: { w: 1 } };
  const { writeErrors } = (await db.getClient().db(db.name).command(command)) as { writeErrors?: { errmsg?: string }[] };
  const [refusal] = writeErrors ?? [];
  if (refusal) throw new Error(refusal.errmsg);
}
