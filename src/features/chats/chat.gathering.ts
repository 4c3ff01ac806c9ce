/** How marks gather for a moment before they are written and told: however many come, it is one write and one event for a chat. */
import { AppError } from '../../core/errors.ts';
import type { Id } from '../../core/schemas.ts';

/** Marks that may wait to be written, of all and of one person. */
const waitingAtMost = 100_000;
const waitingOfOne = 10_000;

/** By chat and member. */
export type Marks = Map<Id, Map<Id, number>>;

export interface Gathered {
  read: Marks;
  received: Marks;
  /** Of what was received: what is written already, and waits to be told. */
  written: Marks;
}

export interface GatheringOptions {
  /** Milliseconds for which marks gather: however many come, it is one write and one event for a chat. */
  gathering: number;
  onError: (error: unknown) => void;
}

/** Marks of some time together; each is flushed once, and one flush after another. */
export function createGathering(flush: (marks: Gathered) => Promise<void>, { gathering, onError }: GatheringOptions) {
  let current: (Gathered & { count: number; ofOne: Map<Id, number>; flushed: Promise<void>; begin: () => void }) | undefined;
  let last: Promise<unknown> = Promise.resolve();
  let isDrained = false;

  const open = (): NonNullable<typeof current> => {
    const marks: Gathered = { read: new Map(), received: new Map(), written: new Map() };
    const { due, begin } = waitFor(gathering);
    const flushed = Promise.all([due, last]).then(() => {
      current = undefined;
      return flush(marks);
    });
    last = flushed.catch(onError);
    return { ...marks, count: 0, ofOne: new Map(), flushed, begin };
  };

  return {
    /** Resolves once it is written and told. @throws BUSY when too many wait */
    async add(kind: 'read' | 'received', seqs: Readonly<Record<Id, number>>, userId: Id): Promise<void> {
      current ??= open();
      const own = current.ofOne.get(userId) ?? 0;
      if (current.count >= waitingAtMost || own >= waitingOfOne) throw new AppError('BUSY');
      const count = Object.keys(seqs).length;
      current.count += count;
      current.ofOne.set(userId, own + count);
      for (const [chatId, seq] of Object.entries(seqs)) raise(current[kind], chatId, userId, seq);
      return current.flushed;
    },
    /** These are told with what gathers next, if anything still does. */
    postpone(marks: Pick<Gathered, 'read' | 'written'>): void {
      if (isDrained) return;
      current ??= open();
      for (const kind of ['read', 'written'] as const) merge(current[kind], marks[kind]);
    },
    async drain(): Promise<void> {
      isDrained = true;
      current?.begin();
      await last;
    },
  };
}

/** What is due after so many milliseconds, or once it is to begin. */
function waitFor(milliseconds: number): { due: Promise<void>; begin: () => void } {
  let begin = (): void => undefined;
  const due = new Promise<void>((resolve) => {
    const timer = setTimeout(resolve, milliseconds);
    begin = () => {
      clearTimeout(timer);
      resolve();
    };
  });
  return { due, begin };
}

export function merge(into: Marks, marks: Marks): void {
  for (const [chatId, seqs] of marks) for (const [userId, seq] of seqs) raise(into, chatId, userId, seq);
}

/** A mark never goes back. */
export function raise(marks: Marks, chatId: Id, userId: Id, seq: number): void {
  const known = marks.get(chatId) ?? new Map<Id, number>();
  marks.set(chatId, known.set(userId, Math.max(seq, known.get(userId) ?? 0)));
}
