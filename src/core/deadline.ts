/** An end to waiting for what may never come. */
import { AppError } from './errors.ts';

/** Milliseconds after which a MongoDB that has not answered counts as silent. */
export const storePatience = 5000;

/** Milliseconds after which a caller is answered in any case. */
export const patience = 30_000;

/**
 * The outcome of the work, or UNAVAILABLE if it does not come in time. The work itself goes on; only the waiting ends.
 * MongoDB's driver needs this in spite of its own time-outs: a command written to a connection that breaks in the same
 * instant waits for a "drain" that a dead socket never gives.
 */
export function withDeadline<T>(work: Promise<T>, milliseconds: number): Promise<T> {
  // By hand: Promise.race would cost every operation twice as many objects.
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new AppError('UNAVAILABLE')), milliseconds);
    const inTime =
      <Outcome>(settle: (outcome: Outcome) => void) =>
      (outcome: Outcome): void => {
        clearTimeout(timer);
        settle(outcome);
      };
    work.then(inTime(resolve), inTime(reject));
  });
}
