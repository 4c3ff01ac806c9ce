/** What costs the more the more somebody has, one call of a person at a time: however much they ask for at once, others are served. */
import type { Caller } from './contract.ts';
import { patience, withDeadline } from './deadline.ts';
import { AppError } from './errors.ts';
import type { Id } from './schemas.ts';
import { createTurns } from './turns.ts';

/** Calls of one person that wait at most: more than all their devices make when they come back at once. */
export const waitingAtMost = 100;

type Operation<Input, Output> = (caller: Caller, input: Input) => Promise<Output>;

/** The same operation, in turn with all others that were given to the same turns. @throws BUSY if too many of this person wait */
export type InTurn = <Input, Output>(operation: Operation<Input, Output>) => Operation<Input, Output>;

export function createCallerTurns(): InTurn {
  const turns = createTurns();
  const pending = new Map<Id, number>();
  const count = (userId: Id, more: number): void => {
    const now = (pending.get(userId) ?? 0) + more;
    if (now > 0) pending.set(userId, now);
    else pending.delete(userId);
  };

  return (operation) => async (caller, input) => {
    const { userId } = caller;
    if ((pending.get(userId) ?? 0) > waitingAtMost) throw new AppError('BUSY');
    const end = Date.now() + patience;
    // Whoever was answered that it takes too long waits no more, and a store that never answers must not keep the turn.
    const inTime = async () => {
      const left = end - Date.now();
      if (left <= 0) throw new AppError('UNAVAILABLE');
      return withDeadline(operation(caller, input), left);
    };
    count(userId, 1);
    try {
      return await turns.take(userId, inTime);
    } finally {
      count(userId, -1);
    }
  };
}
