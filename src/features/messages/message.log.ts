/**
 * The log of every chat: where a message gets its number, and where "sent" comes to mean "kept".
 *
 * What it promises
 * - Numbers (`seq`) are dense in each chat: 1, 2, 3 … without a gap, however many processes write.
 * - Nobody is told "sent", and nobody is shown a message, before MongoDB has it in its journal (and on a majority).
 *   MongoDB itself shows a write before it is journaled, so whoever reads waits for the write under way.
 * - Messages of one sender keep the order in which they were appended.
 * - A repeat (same id, sender, chat and text) gives the stored message; the same id with anything else is CONFLICT.
 * - If MongoDB is silent, senders are told so within five seconds, everyone who waits at once: were a later message still
 *   written, repeating an earlier one would turn their order round. They are never told "sent" by mistake.
 *
 * How numbers are given
 * There is no counter and no lock. Each process remembers the last number of the chats it writes to and takes the
 * next ones; the unique index on chatId+seq says who was first. Whoever was refused looks up the last number (one
 * seek in that index) and tries again.
 *
 * How writes are grouped
 * One write is under way at a time. What is appended meanwhile waits, and the next write takes all of it, across
 * chats: at low load nobody waits, at high load one journal flush serves many. The write is ordered: at the first
 * document MongoDB refuses, all before it are stored and none after it. So the stored ones are acknowledged, the
 * refused one is looked at, and the rest goes back to the front of the queue in its order.
 *
 * What can be refused
 * - The number is taken: another process was faster. Forget the remembered number, try again.
 * - The id is taken: a repeat. Answer it from the store, together with every other repeat in the rest of the batch,
 *   so that a storm of repeats costs one look-up and not one write each.
 *
 * What notices do
 * The members of a group change by notices, which are messages in its log like any other. A process that knows the last
 * number of a chat has acted on every notice before it: on its own before anything else is written to the chat, on those
 * of other processes when their number stands in its way. Whoever waits is then looked at again. So in every log the
 * messages behind a notice are those of people who may write as of that notice, however many processes there are.
 *
 * When the outcome is unknown
 * A write that was sent and not answered may have been stored, or may be stored yet, when MongoDB wakes up and reads
 * what lies in its socket. Its numbers are not used again before its ids have been looked up, and they are looked up
 * only when MongoDB has been answering for a second: by then what lay in the socket has been carried out. What is found
 * is stored and becomes visible; what is not found goes back into the queue if its sender still waits. Should a write
 * surface even later, the unique indexes keep numbers and ids right, readers see the jump and sync, and the sender's
 * repeat is recognised.
 */
import { storePatience, withDeadline } from '../../core/deadline.ts';
import { AppError } from '../../core/errors.ts';
import { nextTurn } from '../../core/event.loop.ts';
import type { Message } from '../../core/message.ts';
import type { Id } from '../../core/schemas.ts';
import { createNumbers, type LoggedChats } from './log.numbers.ts';
import { createQueue, type Appended, type QueueLimits } from './log.queue.ts';
import { hold, underWayOf, writeAll, type LogParts } from './log.writer.ts';
import type { Draft, MessageCollection } from './message.model.ts';

export interface MessageLog {
  /**
   * Appends a message to its chat; its `seq` is given here.
   * @throws BUSY when too much is queued, CONFLICT when the id belongs to another message,
   *   UNAVAILABLE when MongoDB stays silent (the message may still be stored: repeat it with its id),
   *   CHAT_NOT_FOUND or NOT_ALLOWED when the sender has lost the right to write while the message waited,
   *   SHUTTING_DOWN once drain was called
   */
  append(draft: Draft): Promise<Appended>;
  /**
   * Resolves once the write under way, if it holds messages of these chats, is in the journal. Who reads waits for it
   * afterwards, lest a crash take back what was shown. @throws UNAVAILABLE
   */
  settled(chatIds: readonly Id[]): Promise<void>;
  /**
   * Sees to it that this process has acted on the notices in the log of a chat; nothing is written to it meanwhile, and
   * whoever waits is looked at again. @throws UNAVAILABLE
   */
  settle(chatId: Id): Promise<void>;
  /**
   * Takes nothing new; resolves when everyone who waits has an answer.
   * @throws Error if MongoDB was silent and nobody knows what it has written
   */
  drain(): Promise<void>;
}

export interface MessageLogOptions {
  messages: MessageCollection;
  chats: LoggedChats;
  /** Called once for each stored message that is no notice, in the order of its chat, before its sender is answered. */
  onStored: (message: Message) => void;
  onError: (error: unknown) => void;
  limits?: Partial<QueueLimits>;
  /** Milliseconds for which MongoDB must have been answering before an unanswered write is looked up. */
  settlingTime?: number;
}

const defaultLimits: QueueLimits = { messages: 10_000, bytes: 64 * 1024 * 1024, patience: 5000 };

export function createMessageLog({ limits, settlingTime = 1000, ...options }: MessageLogOptions): MessageLog {
  const queue = createQueue({ ...defaultLimits, ...limits });
  const numbers = createNumbers(options.messages, options.chats);
  const log: LogParts = { ...options, queue, numbers, settlingTime, draining: false, abandoned: 0, underWay: undefined, settling: new Map(), unsettled: new Set(), onReleased: () => queue.hasWork() && write() };
  let writing: Promise<void> | undefined;

  const write = (): void => {
    // Everything that arrives in this turn goes into the same write.
    writing ??= nextTurn()
      .then(() => writeAll(log))
      .finally(() => {
        writing = undefined;
        if (queue.hasWork()) write();
      });
  };

  return {
    async append(draft) {
      if (log.draining) throw new AppError('SHUTTING_DOWN');
      const appended = queue.add(draft);
      write();
      return appended;
    },
    async settled(chatIds) {
      const done = underWayOf(log, chatIds);
      if (done) await withDeadline(done, storePatience);
    },
    async settle(chatId) {
      // That may have begun before what is to be known now.
      await log.settling.get(chatId)?.catch(() => undefined);
      await hold(log, chatId);
    },
    async drain() {
      log.draining = true;
      while (writing || log.settling.size > 0) await (writing ?? Promise.allSettled(log.settling.values()));
      if (log.abandoned > 0) throw new Error(`messages of which it is not known whether they are written: ${log.abandoned}`);
    },
  };
}
