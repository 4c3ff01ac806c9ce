/** How marks gather for a moment before they are written and told: however many come, it is one write and one event for a chat. */
import { storePatience, withDeadline } from '../../core/deadline.ts';
import { AppError } from '../../core/errors.ts';
import type { Id } from '../../core/schemas.ts';
import { createTeller, raise, type Marks, type TellerOptions } from './chat.untold.ts';

/** Marks that may wait to be written and told, of all; and to be written, of one person. */
const waitingAtMost = 100_000;
const waitingOfOne = 10_000;

export interface GatheringOptions extends Pick<TellerOptions, 'tell' | 'onError'> {
  /** Writes how far people have received. Gives what was not known before. */
  write: (received: Marks) => Promise<Marks>;
  /** Milliseconds for which marks gather. */
  gathering: number;
}

export interface Gathering {
  /** Resolves once it is written, and told unless that has to wait. @throws BUSY when too many wait; UNAVAILABLE, and whatever writing throws */
  receive(userId: Id, seqs: Readonly<Record<Id, number>>): Promise<void>;
  /** Tells those who may know it how far somebody has read in these chats, by id: that is stored already. Resolves once that, and whatever had gathered before, is told, unless it has to wait. */
  tellRead(userId: Id, seqs: Readonly<Record<Id, number>>): Promise<void>;
  /** Writes and tells what has gathered. */
  drain(): Promise<void>;
}

/** What gathers while one round is written is for the next. */
interface Round {
  received: Marks;
  count: number;
  ofOne: Map<Id, number>;
  begin: () => void;
  written: Promise<void>;
  /** Never rejects. */
  told: Promise<void>;
}

/** Rounds of some time each, one after another. */
export function createGathering({ write, tell, gathering, onError }: GatheringOptions): Gathering {
  const teller = createTeller({ tell, firstRetry: gathering, onError });
  let gathers: Round | undefined;
  let last: Promise<unknown> = Promise.resolve();

  const carryOut = async (received: Marks): Promise<void> => {
    gathers = undefined;
    teller.add('received', await write(received));
  };
  const open = (): Round => {
    if (gathers) return gathers;
    const received: Marks = new Map();
    const { due, begin } = waitFor(gathering);
    const written = Promise.all([due, last]).then(() => carryOut(received));
    last = written.catch(onError);
    // What others have read is told also where this cannot be written.
    const told = last.then(() => teller.tell());
    return (gathers = { received, count: teller.count(), ofOne: new Map(), begin, written, told });
  };

  return {
    async receive(userId, seqs) {
      const round = open();
      takeIn(round, userId, seqs);
      await withDeadline(round.written, storePatience);
      await round.told;
    },
    async tellRead(userId, seqs) {
      teller.add('read', new Map(Object.entries(seqs).map(([chatId, seq]) => [chatId, new Map([[userId, seq]])])));
      await open().told;
    },
    async drain() {
      gathers?.begin();
      await last;
      await teller.stop();
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
