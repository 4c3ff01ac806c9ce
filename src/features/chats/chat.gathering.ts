/** How marks gather for a moment before they are written and told: however many come, it is one write and one event for a chat. */
import { backOff } from '../../core/back.off.ts';
import { AppError } from '../../core/errors.ts';
import type { Id } from '../../core/schemas.ts';

/** Marks that may wait to be written, of all and of one person. */
const waitingAtMost = 100_000;
const waitingOfOne = 10_000;

/** Milliseconds between two attempts to tell, however often it has failed. */
const longestRetry = 30_000;

/** By chat and member. */
export type Marks = Map<Id, Map<Id, number>>;

/** Marks that are stored, and that others wait for. */
export interface Untold {
  read: Marks;
  received: Marks;
}

export interface GatheringOptions {
  /** Writes how far people have received. Gives what was not known before. */
  write: (received: Marks) => Promise<Marks>;
  /** False if it has to wait: there is too much else to do. */
  tell: (untold: Untold) => Promise<boolean>;
  /** Milliseconds for which marks gather. */
  gathering: number;
  onError: (error: unknown) => void;
}

export interface Gathering {
  /** Resolves once it is written, and told unless that has to wait. @throws BUSY when too many wait; whatever writing throws */
  receive(userId: Id, seqs: Readonly<Record<Id, number>>): Promise<void>;
  /** Tells those who may know it how far somebody has read in these chats, by id: that is stored already. Resolves once that, and whatever had gathered before, is told, unless it has to wait. */
  tellRead(userId: Id, seqs: Readonly<Record<Id, number>>): Promise<void>;
  /** Writes and tells what has gathered. */
  drain(): Promise<void>;
}

/** What gathers while one round is under way is for the next. */
interface Round {
  received: Marks;
  count: number;
  ofOne: Map<Id, number>;
  begin: () => void;
  done: Promise<void>;
}

/** Rounds of some time each, one after another. What cannot be told is told with a later one, and is nobody's failure. */
export function createGathering(options: GatheringOptions): Gathering {
  let gathers: Round | undefined;
  let last: Promise<unknown> = Promise.resolve();

  const open = (): Round => {
    if (gathers) return gathers;
    const received: Marks = new Map();
    const { due, begin } = waitFor(options.gathering);
    const done = Promise.all([due, last]).then(() => carryOut(received));
    last = done.catch(options.onError);
    return (gathers = { received, count: waiting.count(), ofOne: new Map(), begin, done });
  };
  const waiting = createWaiting(options, open);
  const carryOut = async (received: Marks): Promise<void> => {
    gathers = undefined;
    try {
      waiting.add('received', await options.write(received));
    } finally {
      await waiting.tell();
    }
  };

  return {
    async receive(userId, seqs) {
      const round = open();
      takeIn(round, userId, seqs);
      return round.done;
    },
    async tellRead(userId, seqs) {
      waiting.add('read', new Map(Object.entries(seqs).map(([chatId, seq]) => [chatId, new Map([[userId, seq]])])));
      await open().done.catch(() => undefined);
    },
    async drain() {
      waiting.stop();
      gathers?.begin();
      await last;
    },
  };
}

/** @throws BUSY when too many wait */
function takeIn(round: Round, userId: Id, seqs: Readonly<Record<Id, number>>): void {
  const own = round.ofOne.get(userId) ?? 0;
  if (round.count >= waitingAtMost || own >= waitingOfOne) throw new AppError('BUSY');
  const count = Object.keys(seqs).length;
  round.count += count;
  round.ofOne.set(userId, own + count);
  for (const [chatId, seq] of Object.entries(seqs)) raise(round.received, chatId, userId, seq);
}

/** What waits to be told. Where that fails it is tried again by itself, at ever longer intervals. */
function createWaiting({ tell, gathering, onError }: GatheringOptions, open: () => unknown) {
  let untold: Untold = { read: new Map(), received: new Map() };
  let failures = 0;
  let retry: NodeJS.Timeout | undefined;
  let isStopped = false;

  const add = (kind: keyof Untold, marks: Marks): void => {
    for (const [chatId, seqs] of marks) for (const [userId, seq] of seqs) raise(untold[kind], chatId, userId, seq);
  };
  const comeBack = (): void => {
    if (isStopped) return;
    if (failures === 0) open();
    else retry = setTimeout(open, backOff(failures, { firstRetry: gathering, longestRetry })).unref();
  };

  return {
    add,
    count: (): number => [...untold.read.values(), ...untold.received.values()].reduce((count, { size }) => count + size, 0),
    /** Never throws. */
    async tell(): Promise<void> {
      clearTimeout(retry);
      const telling = untold;
      untold = { read: new Map(), received: new Map() };
      try {
        const isTold = await tell(telling);
        failures = 0;
        if (isTold) return;
      } catch (error) {
        onError(error);
        failures += 1;
      }
      for (const kind of ['read', 'received'] as const) add(kind, telling[kind]);
      comeBack();
    },
    stop(): void {
      isStopped = true;
      clearTimeout(retry);
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

/** A mark never goes back. */
export function raise(marks: Marks, chatId: Id, userId: Id, seq: number): void {
  const known = marks.get(chatId) ?? new Map<Id, number>();
  marks.set(chatId, known.set(userId, Math.max(seq, known.get(userId) ?? 0)));
}
