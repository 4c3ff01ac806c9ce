/** Whether two things take the same time, as somebody would find out who wants to tell them apart. */

/** The median of the times that something took, in milliseconds. */
const medianOf = (times: readonly number[]): number => times.toSorted((a, b) => a - b)[Math.floor(times.length / 2)] ?? Number.NaN;

/** Tries before anything counts: the first ones pay for connections and compilation. */
const warmUp = 20;

/**
 * How much longer the median of one takes than that of the other, as a part of it. One of each is tried in turn, in an order
 * that is thrown anew each time, so that whatever else slows the machine down slows down both.
 */
export async function differenceOf(tries: number, one: () => Promise<unknown>, other: () => Promise<unknown>): Promise<number> {
  const attempts = [{ act: one, times: [] as number[] }, { act: other, times: [] as number[] }];
  for (let round = -warmUp; round < tries; round++) {
    const order = Math.random() < 0.5 ? attempts : attempts.toReversed();
    for (const { act, times } of order) {
      const start = performance.now();
      await act();
      if (round >= 0) times.push(performance.now() - start);
    }
  }
  const [a = Number.NaN, b = Number.NaN] = attempts.map(({ times }) => medianOf(times));
  return Math.max(a, b) / Math.min(a, b) - 1;
}
