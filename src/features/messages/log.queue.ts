/** What waits to be written to the log: bounded in number and bytes, in order, and nobody waits for ever. */
import { AppError } from '../../core/errors.ts';
import type { Message } from '../../core/schemas.ts';
import type { MessageDocument } from './message.model.ts';

export interface Appended {
  message: Message;
  /** True when the message had been sent before and nothing new was stored. */
  deduplicated: boolean;
}

export interface Entry {
  document: MessageDocument;
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
  /** @throws BUSY when the queue is full */
  add(document: MessageDocument): Promise<Appended>;
  /** The next entries to write, oldest first; empty when there are none. Senders who gave up are left out. */
  take(): Entry[];
  /** Entries that were taken and not written go back to the front, in their order. */
  putBack(entries: readonly Entry[]): void;
  accept(entry: Entry, appended: Appended): void;
  fail(entry: Entry, error: unknown): void;
  /** Somebody waits whose message is not being written. */
  hasWork(): boolean;
  /** Nobody waits for an answer. */
  isIdle(): boolean;
}

export function createQueue(limits: QueueLimits): Queue {
  let queued: Entry[] = [];
  /** Everyone who has no answer yet, in the order they came, so that the first to give up comes first. */
  const unanswered = new Set<Entry>();
  let bytes = 0;
  let sweeper: NodeJS.Timeout | undefined;

  const leave = (entry: Entry): boolean => {
    if (!unanswered.delete(entry)) return false;
    bytes -= entry.bytes;
    if (unanswered.size === 0) {
      clearInterval(sweeper);
      sweeper = undefined;
    }
    return true;
  };
  const fail = (entry: Entry, error: unknown): void => {
    if (leave(entry)) entry.reject(error);
  };
  // Who gives up takes everyone behind along: were a later message of the same sender still written, repeating the
  // earlier one would turn their order round.
  const sweep = (): void => {
    const [oldest] = unanswered;
    if (oldest && oldest.deadline > Date.now()) return;
    queued = [];
    for (const entry of unanswered) fail(entry, new AppError('UNAVAILABLE'));
  };

  return {
    add(document) {
      const size = fixedBytes + Buffer.byteLength(document.text ?? '');
      if (unanswered.size >= limits.messages || bytes + size > limits.bytes) throw new AppError('BUSY');
      bytes += size;
      sweeper ??= setInterval(sweep, 250);
      return new Promise((resolve, reject) => {
        const entry = { document, bytes: size, deadline: Date.now() + limits.patience, resolve, reject };
        unanswered.add(entry);
        queued.push(entry);
      });
    },
    take() {
      let count = 0;
      for (let size = 0; count < queued.length && count < batchLimit.messages; count++) {
        size += queued[count]?.bytes ?? 0;
        if (count > 0 && size > batchLimit.bytes) break;
      }
      return queued.splice(0, count);
    },
    putBack(entries) {
      queued = [...entries.filter((entry) => unanswered.has(entry)), ...queued];
    },
    accept(entry, appended) {
      if (leave(entry)) entry.resolve(appended);
    },
    fail,
    hasWork: () => queued.length > 0,
    isIdle: () => unanswered.size === 0,
  };
}
