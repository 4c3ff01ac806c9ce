/**
 * Changes to messages (edits, removals), numbered densely in each chat: 1, 2, 3 …
 *
 * A message carries the number of its last change only, so the numbers its earlier changes had are free again in the
 * index, and the index cannot say which number is next. One document per chat says it: it holds the last change, whole.
 * A change is made in two steps. First that document is replaced, as a compare-and-set on its number: this orders all
 * changes of a chat, whatever process makes them. Then the change is applied to its message. Before a change takes the
 * next number, the one before it is applied (again, if need be): so a crash between the two steps loses nothing, and
 * what the messages carry is always the changes 1 to n without a hole.
 */
import { mongo, Types } from 'mongoose';
import { AppError } from '../../core/errors.ts';
import type { Id, Message, MessageId } from '../../core/schemas.ts';
import type { ChangeCollection, ChangeDocument, Update } from './change.model.ts';
import { toMessage, toUuid, type MessageCollection, type MessageDocument } from './message.model.ts';

export interface MessageChanges {
  /**
   * Changes a message as `decide` says, who sees it as it is now and answers what to do, or undefined to leave it.
   * `decide` may be asked again when somebody else changes something in the chat at the same instant.
   * @returns the message as it is then, and whether anything was done
   * @throws MESSAGE_NOT_FOUND, BUSY, and whatever `decide` throws
   */
  change(chatId: Id, messageId: MessageId, decide: (message: MessageDocument) => Update | undefined): Promise<{ message: Message; changed: boolean }>;
}

type Decide = Parameters<MessageChanges['change']>[2];
type Changed = Awaited<ReturnType<MessageChanges['change']>>;

/** How often a change begins anew because others were faster, before it is called BUSY. */
const maximumAttempts = 50;
const maximumWaiting = 1000;

export function createMessageChanges(messages: MessageCollection, changes: ChangeCollection): MessageChanges {
  /** The changes of one chat go one after another: within a process they would only get in each other's way. */
  const lastOf = new Map<Id, Promise<unknown>>();
  let waiting = 0;

  return {
    async change(chatId, messageId, decide) {
      if (waiting >= maximumWaiting) throw new AppError('BUSY');
      waiting += 1;
      const before = lastOf.get(chatId) ?? Promise.resolve();
      const mine = before.then(() => makeChange(messages, changes, { chatId, messageId, decide }));
      const settled = mine.catch(() => undefined);
      lastOf.set(chatId, settled);
      try {
        return await mine;
      } finally {
        waiting -= 1;
        if (lastOf.get(chatId) === settled) lastOf.delete(chatId);
      }
    },
  };
}

interface Wish {
  chatId: Id;
  messageId: MessageId;
  decide: Decide;
}

async function makeChange(messages: MessageCollection, changes: ChangeCollection, { chatId, messageId, decide }: Wish): Promise<Changed> {
  const chat = new Types.ObjectId(chatId);
  for (let attempt = 0; attempt < maximumAttempts; attempt++) {
    const last = await changes.findOne({ _id: chat });
    if (last) await apply(messages, last);
    const message = await messages.findOne({ _id: toUuid(messageId), chatId: chat });
    if (!message) throw new AppError('MESSAGE_NOT_FOUND');
    const update = decide(message);
    if (!update) return { message: toMessage(message), changed: false };
    const next = { _id: chat, rev: (last?.rev ?? 0) + 1, messageId: toUuid(messageId), update };
    if (await claim(changes, next, last)) {
      await apply(messages, next);
      return { message: toMessage(updated(message, next)), changed: true };
    }
  }
  throw new AppError('BUSY');
}

/** True if the change is now the chat's last one; false if somebody else's came first. */
async function claim(changes: ChangeCollection, next: ChangeDocument, last: ChangeDocument | null): Promise<boolean> {
  if (last) return (await changes.replaceOne({ _id: next._id, rev: last.rev }, next)).modifiedCount === 1;
  try {
    await changes.insertOne(next);
    return true;
  } catch (error) {
    if (error instanceof mongo.MongoServerError && error.code === 11000) return false;
    throw error;
  }
}

/** Applies a change to its message; nothing happens if that was done before. */
async function apply(messages: MessageCollection, { messageId, rev, update }: ChangeDocument): Promise<void> {
  const unset = update.unset ?? [];
  await messages.updateOne(
    { _id: messageId, $or: [{ rev: { $exists: false } }, { rev: { $lt: rev } }] },
    { $set: { ...update.set, rev }, ...(unset.length > 0 && { $unset: Object.fromEntries(unset.map((key) => [key, ''])) }) },
  );
}

function updated(message: MessageDocument, { rev, update }: ChangeDocument): MessageDocument {
  const result = { ...message, ...update.set, rev };
  for (const key of update.unset ?? []) Reflect.deleteProperty(result, key);
  return result;
}
