/** How marks gather for a moment before they are written and told: however many come, it is one write and one event for a chat. */
import { AppError } from '../../core/errors.ts';
import type { Id } from '../../core/schemas.ts';

/** Marks that may wait to be written. */
const waitingAtMost = 100_000;

/** By chat and member. */
export type Marks = Map<Id, Map<Id, number>>;

export interface Gathered {
  read: Marks;
  received: Marks;
}

export interface GatheringOptions {
  /** Milliseconds for which marks gather: however many come, it is one write and one event for a chat. */
  gathering: number;
  onError: (error: unknown) => void;
}

/** Marks of some time together; each is flushed once, and one flush after another. */
export function createGathering(flush: (marks: Gathered) => Promise<void>, { gathering, onError }: GatheringOptions) {
  let current: (Gathered & { count: number; flushed: Promise<void>; begin: () => void }) | undefined;
  let last: Promise<unknown> = Promise.resolve();

  const open = () => {
    let begin = (): void => undefined;
    const marks: Gathered = { read: new Map(), received: new Map() };
    const due = new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, gathering);
      begin = () => {
        clearTimeout(timer);
        resolve();
      };
    });
    const flushed = Promise.all([due, last]).then(() => {
      current = undefined;
      return flush(marks);
    });
    last = flushed.catch(onError);
    return { ...marks, count: 0, flushed, begin };
  };

  return {
    /** Resolves once it is written and told. @throws BUSY when too many wait */
    async add(kind: keyof Gathered, seqs: Readonly<Record<Id, number>>, userId: Id): Promise<void> {
      current ??= open();
      if (current.count >= waitingAtMost) throw new AppError('BUSY');
      current.count += Object.keys(seqs).length;
      for (const [chatId, seq] of Object.entries(seqs)) raise(current[kind], chatId, userId, seq);
      return current.flushed;
    },
    async drain(): Promise<void> {
      current?.begin();
      await last;
    },
  };
}

/** A mark never goes back. */
export function raise(marks: Marks, chatId: Id, userId: Id, seq: number): void {
  const known = marks.get(chatId) ?? new Map<Id, number>();
  marks.set(chatId, known.set(userId, Math.max(seq, known.get(userId) ?? 0)));
}
