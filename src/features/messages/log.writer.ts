/** Empties the queue of the log into the journal, batch after batch, and tells each sender what became of it. */
import { setTimeout as pause } from 'node:timers/promises';
import { storePatience, withDeadline } from '../../core/deadline.ts';
import type { Message } from '../../core/message.ts';
import type { Id } from '../../core/schemas.ts';
import type { LoggedChats, Numbers } from './log.numbers.ts';
import { chatOf, type Entry, type Queue } from './log.queue.ts';
import { answerRepeat, isSameWrite } from './log.repeat.ts';
import { writeBatch } from './log.write.ts';
import type { MessageCollection, MessageDocument } from './message.model.ts';

export interface LogParts {
  messages: MessageCollection;
  chats: LoggedChats;
  queue: Queue;
  numbers: Numbers;
  onStored: (message: Message) => void;
  onError: (error: unknown) => void;
  /** How long MongoDB must have been answering again before an unanswered write is looked up, in milliseconds. */
  settlingTime: number;
  draining: boolean;
  /** Messages of which nobody knows, and nobody will look up any more, whether they are written. */
  abandoned: number;
  /** Chats that are held, each until this ends. */
  settling: Map<Id, Promise<void>>;
  /** Chats of which that has failed: whoever waits for them has not been looked at again. */
  unsettled: Set<Id>;
  /** Called when a chat that was held may be written to again. */
  onReleased: () => void;
  /** The write that MongoDB has been sent and not yet answered. */
  underWay: { batch: readonly Entry[]; done: Promise<void> } | undefined;
}

const retryPause = 200;

/** Writes until the queue is empty. Never throws: what cannot be written stays queued until its sender gives up. */
export async function writeAll(log: LogParts): Promise<void> {
  for (let batch = log.queue.take(); batch.length > 0; batch = log.queue.take()) {
    try {
      const done = write(log, batch);
      log.underWay = { batch, done };
      await done;
    } catch (error) {
      log.onError(error);
      log.queue.putBack(batch);
      await pause(retryPause);
    } finally {
      log.underWay = undefined;
    }
  }
}

async function write(log: LogParts, batch: readonly Entry[]): Promise<void> {
  const unknown = log.numbers.unknownChats(batch);
  const loaded = unknown.size > 0 ? await withDeadline(log.numbers.load(unknown), storePatience) : [];
  const changed = [...unknown].filter((chatId) => loaded.includes(chatId) || log.unsettled.has(chatId));
  for (const chatId of changed) void hold(log, chatId);
  const [held, free] = changed.length > 0 ? split(batch, ({ draft }) => changed.includes(draft.chatId)) : [[], batch];
  log.queue.putBack(held);
  if (free.length > 0) await writeNumbered(log, free);
}

async function writeNumbered(log: LogParts, batch: readonly Entry[]): Promise<void> {
  log.numbers.assign(batch);
  const outcome = await writeBatch(log.messages, batch);
  switch (outcome.kind) {
    case 'stored':
      accept(log, batch);
      break;
    case 'refused':
      accept(log, batch.slice(0, outcome.index));
      await handleRefusal(log, outcome, batch.slice(outcome.index));
      break;
    case 'unknown':
      log.onError(outcome.error);
      await settle(log, batch);
  }
}

/** These are in the journal: everybody may know. */
function accept(log: LogParts, entries: readonly Entry[]): void {
  for (const entry of entries) {
    const { seq, kind, createdAt } = entry.document;
    const { id, chatId, senderId, content } = entry.draft;
    const message: Message = { id, chatId, seq, senderId, ...content, createdAt: createdAt.toISOString() };
    log.numbers.advance(chatId, seq);
    log.chats.raise({ chatId, senderId, seq, createdAt });
    // What a notice says is done, and told, before anything else is written to its chat.
    if (kind === 'notice') void hold(log, chatId);
    else log.onStored(message);
    log.queue.accept(entry, { message, deduplicated: false });
  }
}

/**
 * Nothing is written to this chat until this process knows who is in it. Whoever was let in by what was known before is
 * looked at again: so nobody writes behind the notice that ends their right to.
 * @returns what says that it was done
 */
export function hold(log: LogParts, chatId: Id): Promise<void> {
  const known = log.settling.get(chatId);
  if (known) return known;
  log.queue.hold(chatId);
  const settling = settleHeld(log, chatId)
    .catch(async (error: unknown) => {
      // It is held again when the next message for it is to be written.
      log.unsettled.add(chatId);
      log.numbers.forget([chatId]);
      await pause(retryPause);
      await log.queue.release(chatId, () => Promise.resolve(undefined));
      throw error;
    })
    .finally(() => {
      log.settling.delete(chatId);
      log.onReleased();
    });
  log.settling.set(chatId, settling);
  settling.catch(log.onError);
  return settling;
}

/** The write under way, if it holds messages of these chats. */
export const underWayOf = ({ underWay }: LogParts, chatIds: readonly Id[]): Promise<void> | undefined =>
  underWay?.batch.some(({ draft }) => chatIds.includes(draft.chatId)) ? underWay.done : undefined;

async function settleHeld(log: LogParts, chatId: Id): Promise<void> {
  // What comes back from it was let in by what was known before.
  await withDeadline((underWayOf(log, [chatId]) ?? Promise.resolve()).catch(() => undefined), storePatience);
  await withDeadline(log.chats.settle(chatId), storePatience);
  log.unsettled.delete(chatId);
  await log.queue.release(chatId, async ({ draft }) => {
    if (draft.content.kind === 'notice') return undefined;
    return log.chats.requireSender(draft.senderId, chatId).catch((error: unknown) => error);
  });
}

const split = <T>(items: readonly T[], isFirst: (item: T) => boolean): [T[], T[]] => [items.filter(isFirst), items.filter((item) => !isFirst(item))];

type Refusal = Extract<Awaited<ReturnType<typeof writeBatch>>, { kind: 'refused' }>;

/** `rest` begins with the refused message; none of it is stored. */
async function handleRefusal(log: LogParts, { because, error }: Refusal, rest: readonly Entry[]): Promise<void> {
  if (because === 'id taken') {
    answerRepeats(log, rest, await lookUp(log, rest));
    return;
  }
  const [refused] = rest;
  if (because === 'number taken') log.numbers.forget(rest.slice(0, 1).map(chatOf));
  else if (refused) {
    log.onError(error);
    log.queue.fail(refused, error);
  }
  log.queue.putBack(rest);
}

/** Answers every repeat among the entries, as far as the store knows them; the others go back into the queue. */
function answerRepeats(log: LogParts, entries: readonly Entry[], stored: ReadonlyMap<string, MessageDocument>): void {
  for (const entry of entries) {
    const known = stored.get(keyOf(entry.document));
    if (known && isLostWrite(entry, known)) {
      entry.document.seq = known.seq;
      accept(log, [entry]);
      log.numbers.forget([chatOf(entry)]);
    } else if (known) answerRepeat(log.queue, entry, known);
  }
  log.queue.putBack(entries);
}

/** True if an earlier write of this entry, looked up in vain, has turned up after all. */
const isLostWrite = ({ document, lost }: Entry, known: MessageDocument): boolean =>
  lost.includes(known.seq) && isSameWrite({ ...document, seq: known.seq }, known);

/** Finds out which messages of an unanswered write are stored, as often as it takes. */
async function settle(log: LogParts, batch: readonly Entry[]): Promise<void> {
  const stored = await lookUpOnceAwake(log, batch);
  if (!stored) {
    log.abandoned += batch.length;
    return;
  }
  const isOurs = ({ document }: Entry): boolean => isSameWrite(document, stored.get(keyOf(document)));
  accept(log, batch.filter(isOurs));
  log.numbers.forget(batch.map(chatOf));
  const others = batch.filter((entry) => !isOurs(entry));
  for (const { document, lost } of others) lost.push(document.seq);
  answerRepeats(log, others, stored);
}

/** Waits until MongoDB has been answering for a while; gives up only when the server stops and nobody waits any more. */
async function lookUpOnceAwake(log: LogParts, batch: readonly Entry[]): Promise<Map<string, MessageDocument> | undefined> {
  while (!(log.draining && log.queue.isIdle())) {
    try {
      await withDeadline(log.messages.db.command({ ping: 1 }), storePatience);
      await pause(log.settlingTime);
      return await lookUp(log, batch);
    } catch (error) {
      log.onError(error);
      await pause(retryPause);
    }
  }
  return undefined;
}

const keyOf = (document: MessageDocument): string => document._id.toString('hex');

async function lookUp(log: LogParts, entries: readonly Entry[]): Promise<Map<string, MessageDocument>> {
  const ids = entries.map((entry) => entry.document._id);
  const found = await withDeadline(log.messages.find({ _id: { $in: ids } }).toArray(), storePatience);
  return new Map(found.map((document) => [keyOf(document), document]));
}
