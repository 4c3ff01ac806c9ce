/** What waits to be written to the log: bounded in number and bytes, in order, and nobody waits for ever. */
import { AppError } from '../../core/errors.ts';
import type { Id, Message, MessageId } from '../../core/schemas.ts';
import { toDocument, type MessageDocument } from './message.model.ts';

export interface Appended {
  message: Message;
  /** True when the message had been sent before and nothing new was stored. */
  deduplicated: boolean;
}

/** A message as its sender gives it to the log. */
export interface Draft {
  id: MessageId;
  chatId: Id;
  senderId: Id;
  text: string;
}

export interface Entry {
  draft: Draft;
  /** The draft as it is stored; its number is given when it is written. */
  document: MessageDocument;
  /** Numbers under which it was written without an answer, and not found afterwards: it may turn up yet. */
  lost: number[];
  bytes: number;
  deadline: number;
  resolve: (appended: Appended) => void;
  reject: (error: unknown) => void;
}

export interface QueueLimits {
  messages: number;
  bytes: number;
  /** Milliseconds after which senders are told that the store does not answer. */
  patience: number;
}

/** Most that one write takes; MongoDB itself would take 48 MB and 100,000 documents. */
const batchLimit = { messages: 1000, bytes: 8 * 1024 * 1024 };

/** What a document costs besides its text. */
const fixedBytes = 200;

export interface Queue {
  /** Rejects with BUSY when the queue is full. */
  add: (draft: Draft) => Promise<Appended>;
  /** The next entries to write, oldest first; empty when there are none. Senders who gave up are left out. */
  take: () => Entry[];
  /** Entries that were taken and not written go back to the front, in their order. */
  putBack: (entries: readonly Entry[]) => void;
  accept: (entry: Entry, appended: Appended) => void;
  fail: (entry: Entry, error: unknown) => void;
  /** Somebody waits whose message is not being written. */
  hasWork: () => boolean;
  /** Nobody waits for an answer. */
  isIdle: () => boolean;
}

export function createQueue(limits: QueueLimits): Queue {
  let queued: Entry[] = [];
  const waiting = createWaiting(limits, () => (queued = []));
  return {
    add(draft) {
      return new Promise((resolve, reject) => {
        queued.push(waiting.admit(draft, resolve, reject));
      });
    },
    take: () => queued.splice(0, batchLength(queued)),
    putBack(entries) {
      queued = [...entries.filter((entry) => waiting.has(entry)), ...queued];
    },
    accept(entry, appended) {
      if (waiting.leave(entry)) entry.resolve(appended);
    },
    fail(entry, error) {
      if (waiting.leave(entry)) entry.reject(error);
    },
    hasWork: () => queued.length > 0,
    isIdle: waiting.isEmpty,
  };
}

/** How many of the first entries fit into one write; one fits always. */
function batchLength(entries: readonly Entry[]): number {
  let bytes = 0;
  const tooMany = entries.slice(0, batchLimit.messages).findIndex((entry, index) => {
    bytes += entry.bytes;
    return index > 0 && bytes > batchLimit.bytes;
  });
  return tooMany < 0 ? batchLimit.messages : tooMany;
}

/** Everyone who has no answer yet, in the order they came, so that the first to lose patience comes first. */
function createWaiting(limits: QueueLimits, onSilence: () => void) {
  const entries = new Set<Entry>();
  let bytes = 0;
  let sweeper: NodeJS.Timeout | undefined;

  const leave = (entry: Entry): boolean => {
    if (!entries.delete(entry)) return false;
    bytes -= entry.bytes;
    if (entries.size === 0) {
      clearInterval(sweeper);
      sweeper = undefined;
    }
    return true;
  };
  // Who gives up takes everyone behind along: were a later message of the same sender still written, repeating the
  // earlier one would turn their order round.
  const sweep = (): void => {
    const [oldest] = entries;
    if (oldest && oldest.deadline > Date.now()) return;
    onSilence();
    for (const entry of entries) if (leave(entry)) entry.reject(new AppError('UNAVAILABLE'));
  };

  return {
    leave,
    has: (entry: Entry): boolean => entries.has(entry),
    isEmpty: (): boolean => entries.size === 0,
    admit(draft: Draft, resolve: Entry['resolve'], reject: Entry['reject']): Entry {
      const entry = { draft, document: toDocument(draft), lost: [], bytes: fixedBytes + Buffer.byteLength(draft.text), deadline: Date.now() + limits.patience, resolve, reject };
      if (entries.size >= limits.messages || bytes + entry.bytes > limits.bytes) throw new AppError('BUSY');
      entries.add(entry);
      bytes += entry.bytes;
      sweeper ??= setInterval(sweep, 250);
      return entry;
    },
  };
}
