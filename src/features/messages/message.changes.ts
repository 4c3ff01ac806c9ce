/**
 * Changes to messages (edits, removals), numbered densely in each chat: 1, 2, 3 …
 *
 * A message carries the number of its last change only, so the numbers its earlier changes had are free again in the
 * index, and the index cannot say which number is next. One document per chat says it: it holds the last change, whole.
 * A change is made in two steps. First that document is replaced, as a compare-and-set on its number: this orders all
 * changes of a chat, whatever process makes them. Then the change is applied to its message. Before a change takes the
 * next number, the one before it is applied (again, if need be): so a crash between the two steps loses nothing, and
 * what the messages carry is always the changes 1 to n without a hole.
 *
 * A process publishes every change that it sees to be the last of a chat, unless it has done so already. So whoever takes
 * the next number has told of the one before it, and none is left out; of a change whose outcome is unknown, because
 * MongoDB did not answer, its process tells once it has looked.
 */
import { LRUCache } from 'lru-cache';
import { Types } from 'mongoose';
import { atMost } from '../../core/cache.ts';
import { storePatience, withDeadline } from '../../core/deadline.ts';
import { AppError, isStoreSilent, unlessDuplicate } from '../../core/errors.ts';
import type { Message } from '../../core/message.ts';
import type { Id, MessageId } from '../../core/schemas.ts';
import { createTurns } from '../../core/turns.ts';
import { everythingTo } from '../../core/view.ts';
import type { ChatsService } from '../chats/chats.service.ts';
import type { ChangeCollection, ChangeDocument, Update } from './change.model.ts';
import { toUuid, type MessageCollection, type MessageDocument } from './message.model.ts';
import { present } from './message.presenting.ts';

export interface MessageChanges {
  /**
   * Changes a message as `decide` says, who sees it as it is now and answers what to do, or undefined to leave it.
   * `decide` may be asked again when somebody else changes something in the chat at the same instant.
   * @returns the message as it is then, to the viewer if one is given
   * @throws MESSAGE_NOT_FOUND, BUSY, UNAVAILABLE (the change may still be made), and whatever `decide` throws
   */
  change(chatId: Id, messageId: MessageId, decide: Decide, viewer?: Id): Promise<Message>;
  /** Looks no more for changes whose outcome is unknown: whoever makes the next one completes them. */
  stop(): void;
}

export interface MessageChangesOptions {
  messages: MessageCollection;
  changes: ChangeCollection;
  chats: Pick<ChatsService, 'hideFromBlockers' | 'catchUp'>;
  /** Called for each change, in the order of its chat, before its maker is answered; for the last change again after a restart. */
  onChanged: (message: Message, update: Update) => void;
  /** Awaited before a message gives up its files: who dies right behind that has removed none that is in use, and kept none that is not. */
  release: (fileIds: readonly Id[]) => Promise<void>;
  onError: (error: unknown) => void;
  /** Milliseconds between two looks for a change whose outcome is unknown. */
  settlingTime?: number;
}

export type Decide = (message: MessageDocument) => Update | undefined | Promise<Update | undefined>;

/** How often a change begins anew because others were faster, before it is called BUSY. */
const maximumAttempts = 50;
const maximumWaiting = 1000;

export function createMessageChanges({ settlingTime = 1000, ...options }: MessageChangesOptions): MessageChanges {
  const log: ChangeLog = { ...options, published: new LRUCache(atMost(100_000)) };
  const turn = createBoundedTurns();
  let stopped = false;

  const settle = (chatId: Id): void => {
    setTimeout(() => {
      if (stopped) return;
      turn(chatId, () => completeLast(log, chatId)).catch((error: unknown) => {
        log.onError(error);
        settle(chatId);
      });
    }, settlingTime).unref();
  };

  return {
    async change(chatId, messageId, decide, viewer) {
      try {
        return await turn(chatId, () => makeChange(log, { chatId, messageId, decide, viewer }));
      } catch (error) {
        if (isStoreSilent(error)) settle(chatId);
        throw error;
      }
    },
    stop: () => void (stopped = true),
  };
}

interface ChangeLog extends Omit<MessageChangesOptions, 'settlingTime'> {
  /** By chat: the number of the last change that this process has published. */
  published: LRUCache<Id, number>;
}

/** The changes of one chat go one after another: within a process they would only get in each other's way. */
function createBoundedTurns() {
  const turns = createTurns();
  let waiting = 0;
  return async <T>(chatId: Id, work: () => Promise<T>): Promise<T> => {
    if (waiting >= maximumWaiting) throw new AppError('BUSY');
    waiting += 1;
    try {
      return await turns.take(chatId, () => withDeadline(work(), storePatience));
    } finally {
      waiting -= 1;
    }
  };
}

interface Wish {
  chatId: Id;
  messageId: MessageId;
  decide: Decide;
  viewer: Id | undefined;
}

async function makeChange(log: ChangeLog, { chatId, messageId, decide, viewer }: Wish): Promise<Message> {
  const chat = new Types.ObjectId(chatId);
  for (let attempt = 0; attempt < maximumAttempts; attempt++) {
    const last = await log.changes.findOne({ _id: chat });
    if (last && !isPublished(log, last)) await complete(log, last);
    const message = await log.messages.findOne({ _id: toUuid(messageId), chatId: chat });
    if (!message) throw new AppError('MESSAGE_NOT_FOUND');
    const update = await decide(message);
    if (!update) return show(log, message, viewer);
    const next = { _id: chat, rev: (last?.rev ?? 0) + 1, messageId: toUuid(messageId), update };
    if (await claim(log.changes, next, last)) return show(log, await completeClaimed(log, next, message), viewer);
  }
  throw new AppError('BUSY');
}

/** @throws UNAVAILABLE: whatever keeps it, it has its number and will be made */
async function completeClaimed(log: ChangeLog, change: ChangeDocument, message: MessageDocument): Promise<MessageDocument> {
  try {
    return await complete(log, change, message);
  } catch (error) {
    throw new AppError('UNAVAILABLE', undefined, { cause: error });
  }
}

/** Sees to it that the last change of a chat, if there is one, is applied and published. */
async function completeLast(log: ChangeLog, chatId: Id): Promise<void> {
  const last = await log.changes.findOne({ _id: new Types.ObjectId(chatId) });
  if (last && !isPublished(log, last)) await complete(log, last);
}

const isPublished = ({ published }: ChangeLog, { _id, rev }: ChangeDocument): boolean => (published.get(_id.toHexString()) ?? 0) >= rev;

/** True if the change is now the chat's last one; false if somebody else's came first. */
async function claim(changes: ChangeCollection, next: ChangeDocument, last: ChangeDocument | null): Promise<boolean> {
  if (last) return (await changes.replaceOne({ _id: next._id, rev: last.rev }, next)).modifiedCount === 1;
  return (await unlessDuplicate(changes.insertOne(next))) !== undefined;
}

async function show({ messages }: ChangeLog, document: MessageDocument, viewer?: Id): Promise<Message> {
  const [message] = await present(messages, [document], everythingTo(viewer));
  if (!message) throw new AppError('MESSAGE_NOT_FOUND');
  return message;
}

/**
 * Applies a change to its message, unless that was done before, and publishes it. Whoever has come to block the sender, or was
 * put out, before it took its number sees nothing of it, in whatever process that was.
 */
async function complete(log: ChangeLog, change: ChangeDocument, known?: MessageDocument): Promise<MessageDocument> {
  const { _id, messageId } = change;
  const before = known ?? (await log.messages.findOne({ _id: messageId }));
  if (!before) throw new AppError('MESSAGE_NOT_FOUND');
  const message = await apply(log, change, before);
  if (!isPublished(log, change)) {
    const shown = await show(log, message);
    // Behind the reading: what is shown may have become what it is by a later change, of another process.
    await log.chats.catchUp(_id.toHexString());
    // Another may have told meanwhile.
    if (!isPublished(log, change)) {
      log.published.set(_id.toHexString(), change.rev);
      log.onChanged(shown, change.update);
    }
  }
  return message;
}

async function apply({ messages, chats, release }: ChangeLog, { messageId, rev, update: { set, unset = [] } }: ChangeDocument, before: MessageDocument): Promise<MessageDocument> {
  if ((before.rev ?? 0) >= rev) return before;
  if (set.text !== undefined) await chats.hideFromBlockers(before.senderId.toHexString(), before.chatId.toHexString(), before.seq);
  if (before.files && unset.includes('files')) await release(before.files.map(({ id }) => id.toHexString()));
  const applied = await messages.findOneAndUpdate(
    { _id: messageId, $or: [{ rev: { $exists: false } }, { rev: { $lt: rev } }] },
    { $set: { ...set, rev }, ...(unset.length > 0 && { $unset: Object.fromEntries(unset.map((key) => [key, ''])) }) },
    { returnDocument: 'after' },
  );
  const message = applied ?? (await messages.findOne({ _id: messageId }));
  if (!message) throw new AppError('MESSAGE_NOT_FOUND');
  return message;
}
