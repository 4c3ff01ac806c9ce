/** How long to wait before what has failed is tried again: twice as long each time, up to a longest. */

export interface Retries {
  /** Milliseconds after the first failure. */
  firstRetry: number;
  /** Milliseconds, however often it has failed. */
  longestRetry: number;
}

/** Milliseconds to wait after so many failures in a row, of which there is at least one. */
export const backOff = (failures: number, { firstRetry, longestRetry }: Retries): number => Math.min(firstRetry * 2 ** (failures - 1), longestRetry);
