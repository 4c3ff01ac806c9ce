/** When what kind of event is left out, and that whoever missed some is told so once they have caught up. */
import type { Sheddable } from '../core/shedding.ts';

/** Bytes that a peer has not taken, and milliseconds of a turn of the event loop, beyond which a kind is left out. */
export const limits: Readonly<Record<Sheddable, { unsent: number; turn: number }>> = {
  presence: { unsent: 64 * 1024, turn: 50 },
  typing: { unsent: 128 * 1024, turn: 100 },
  marks: { unsent: 256 * 1024, turn: 200 },
};

/** Bytes left to be taken by somebody who has caught up. */
const caughtUp = 16 * 1024;

/** Milliseconds between two looks at those who are behind. */
const lookInterval = 500;

export interface Behind<C> {
  note(connection: C, kind: Sheddable): void;
  forget(connection: C): void;
}

/** Those who have missed something, and what. Of typing nobody has to be told: it is over within seconds in any case. */
export function createBehind<C extends { unsent(): number }>(tell: (connection: C, kinds: Sheddable[]) => void): Behind<C> {
  const missed = new Map<C, Set<Sheddable>>();
  let timer: NodeJS.Timeout | undefined;
  const look = (): void => {
    for (const [connection, kinds] of missed) {
      if (connection.unsent() > caughtUp) continue;
      missed.delete(connection);
      tell(connection, [...kinds]);
    }
    if (missed.size > 0) return;
    clearInterval(timer);
    timer = undefined;
  };

  return {
    note(connection, kind) {
      if (kind === 'typing') return;
      missed.set(connection, (missed.get(connection) ?? new Set<Sheddable>()).add(kind));
      timer ??= setInterval(look, lookInterval).unref();
    },
    forget: (connection) => void missed.delete(connection),
  };
}
