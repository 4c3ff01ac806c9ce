/** Marks that are stored, and wait to be told: nothing of it is lost while it cannot be, and it is nobody's failure. */
import { backOff } from '../../core/back.off.ts';
import { withDeadline } from '../../core/deadline.ts';
import type { Id } from '../../core/schemas.ts';

/** By chat and member. */
export type Marks = Map<Id, Map<Id, number>>;

export interface Untold {
  read: Marks;
  received: Marks;
}

export interface TellerOptions {
  /**
   * Tells these, and takes away what it has told. False if the rest has to wait: there is too much else to do. Whoever
   * takes too long tells nothing more.
   */
  tell: (untold: Untold, signal: AbortSignal) => Promise<boolean>;
  /** Milliseconds after which it is tried again; doubled with each further failure. */
  firstRetry: number;
  onError: (error: unknown) => void;
}

export interface Teller {
  add(kind: keyof Untold, marks: Marks): void;
  /** How many wait. */
  count(): number;
  /** Resolves once everything is told that waits by now, or has to wait further. Never throws. */
  tell(): Promise<void>;
  /** Resolves once what is being told is told. What has to wait is let go: whoever would hear it is about to be hung up on. */
  stop(): Promise<void>;
}

/** Milliseconds for telling what waits. */
const longestTelling = 2000;

/** Milliseconds between two attempts, however often it has failed. */
const longestRetry = 5000;

export function createTeller({ tell, firstRetry, onError }: TellerOptions): Teller {
  let untold: Untold = { read: new Map(), received: new Map() };
  let last = Promise.resolve();
  let failures = 0;
  let resting: NodeJS.Timeout | undefined;
  let isStopped = false;

  const tellNow = async (): Promise<void> => {
    if (resting || (untold.read.size === 0 && untold.received.size === 0)) return;
    const telling = untold;
    untold = { read: new Map(), received: new Map() };
    try {
      const isTold = await tellInTime(tell, telling);
      failures = 0;
      if (isTold) return;
    } catch (error) {
      onError(error);
      failures += 1;
    }
    // What has come meanwhile is little: what waits may be much.
    for (const kind of ['read', 'received'] as const) merge(telling[kind], untold[kind]);
    untold = telling;
    if (!isStopped) resting = setTimeout(comeBack, failures === 0 ? firstRetry : backOff(failures, { firstRetry, longestRetry })).unref();
  };
  const inTurn = (): Promise<void> => (last = last.then(tellNow));
  const comeBack = (): void => {
    resting = undefined;
    void inTurn();
  };

  return {
    add: (kind, marks) => merge(untold[kind], marks),
    count: () => [...untold.read.values(), ...untold.received.values()].reduce((count, { size }) => count + size, 0),
    tell: inTurn,
    stop() {
      isStopped = true;
      clearTimeout(resting);
      return last;
    },
  };
}

async function tellInTime(tell: TellerOptions['tell'], untold: Untold): Promise<boolean> {
  const over = new AbortController();
  try {
    return await withDeadline(tell(untold, over.signal), longestTelling);
  } finally {
    over.abort();
  }
}

function merge(into: Marks, marks: Marks): void {
  for (const [chatId, seqs] of marks) for (const [userId, seq] of seqs) raise(into, chatId, userId, seq);
}

/** A mark never goes back. */
export function raise(marks: Marks, chatId: Id, userId: Id, seq: number): void {
  const known = marks.get(chatId) ?? new Map<Id, number>();
  marks.set(chatId, known.set(userId, Math.max(seq, known.get(userId) ?? 0)));
}
