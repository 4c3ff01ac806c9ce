/**
 * What waits to be written to the log: bounded in number and bytes, in order, and nobody waits for ever. What is for a chat
 * that is held stands aside, in its order, until the chat is released.
 */
import { AppError } from '../../core/errors.ts';
import type { Message } from '../../core/message.ts';
import type { Id } from '../../core/schemas.ts';
import { toDocument, type Draft, type MessageDocument } from './message.model.ts';

export interface Appended {
  message: Message;
  /** True when the message had been sent before and nothing new was stored. */
  deduplicated: boolean;
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
  /** The next entries to write, oldest first; empty when there are none. None of a chat that is held; a notice comes last. */
  take: () => Entry[];
  /** Nothing for this chat is taken from now on. */
  hold: (chatId: Id) => void;
  /** The chat may be written to again: what stood aside for it goes on, but for those whom `refuse` gives an error for. */
  release: (chatId: Id, refuse: (entry: Entry) => Promise<unknown>) => Promise<void>;
  /** Entries that were taken and not written go back to the front, in their order. */
  putBack: (entries: readonly Entry[]) => void;
  accept: (entry: Entry, appended: Appended) => unknown;
  fail: (entry: Entry, error: unknown) => void;
  /** Somebody waits whose message is not being written. */
  hasWork: () => boolean;
  /** Nobody waits for an answer. */
  isIdle: () => boolean;
}

export function createQueue(limits: QueueLimits): Queue {
  let queued: Entry[] = [];
  const aside = createAside();
  const waiting = createWaiting(limits, () => {
    queued = [];
    aside.empty();
  });
  const fail = (entry: Entry, error: unknown): void => {
    if (waiting.leave(entry)) entry.reject(error);
  };
  const putBack = (entries: readonly Entry[]): void => {
    queued = [...aside.putFirst(entries.filter((entry) => waiting.has(entry))), ...queued];
  };

  return {
    add(draft) {
      return new Promise((resolve, reject) => {
        const entry = waiting.admit(draft, resolve, reject);
        if (!aside.put(entry)) queued.push(entry);
      });
    },
    take: () => queued.splice(0, batchLength(queued)),
    hold: (chatId) => {
      aside.open(chatId);
      queued = queued.filter((entry) => !aside.put(entry));
    },
    async release(chatId, refuse) {
      const known = [...aside.of(chatId)];
      const errors = await Promise.all(known.map(refuse));
      known.forEach((entry, index) => errors[index] !== undefined && fail(entry, errors[index]));
      // Whoever came meanwhile was let in by what is known now.
      putBack(aside.close(chatId));
    },
    putBack,
    accept: (entry, appended) => waiting.leave(entry) && entry.resolve(appended),
    fail,
    hasWork: () => queued.length > 0,
    isIdle: waiting.isEmpty,
  };
}

export const chatOf = ({ draft }: Entry): Id => draft.chatId;

/** What stands aside, by chat, in its order. */
function createAside() {
  const held = new Map<Id, Entry[]>();
  return {
    open(chatId: Id): void {
      if (!held.has(chatId)) held.set(chatId, []);
    },
    of: (chatId: Id): readonly Entry[] => held.get(chatId) ?? [],
    /** False if its chat is not held. */
    put: (entry: Entry): boolean => held.get(chatOf(entry))?.push(entry) !== undefined,
    /** In front of what stands there. Gives those whose chat is not held. */
    putFirst(entries: readonly Entry[]): readonly Entry[] {
      if (held.size === 0) return entries;
      for (const [chatId, others] of held) held.set(chatId, [...entries.filter((entry) => chatOf(entry) === chatId), ...others]);
      return entries.filter((entry) => !held.has(chatOf(entry)));
    },
    close(chatId: Id): Entry[] {
      const entries = held.get(chatId) ?? [];
      held.delete(chatId);
      return entries;
    },
    empty(): void {
      for (const chatId of held.keys()) held.set(chatId, []);
    },
  };
}

/** How many of the first entries fit into one write; one fits always. */
function batchLength(entries: readonly Entry[]): number {
  let bytes = 0;
  let ended = false;
  const tooMany = entries.slice(0, batchLimit.messages).findIndex((entry, index) => {
    bytes += entry.bytes;
    if (ended || (index > 0 && bytes > batchLimit.bytes)) return true;
    ended = entry.document.kind === 'notice';
    return false;
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
      const entry = { draft, document: toDocument(draft), lost: [], bytes: fixedBytes + bytesOf(draft), deadline: Date.now() + limits.patience, resolve, reject };
      if (entries.size >= limits.messages || bytes + entry.bytes > limits.bytes) throw new AppError('BUSY');
      entries.add(entry);
      bytes += entry.bytes;
      sweeper ??= setInterval(sweep, 250);
      return entry;
    },
  };
}

function bytesOf({ content }: Draft): number {
  if (content.kind === 'notice') return Buffer.byteLength(JSON.stringify(content.notice));
  return Buffer.byteLength(content.text ?? '') + (content.files ? Buffer.byteLength(JSON.stringify(content.files)) : 0);
}
