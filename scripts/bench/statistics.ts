/** The two figures that stand for many. */

const ascending = (values: readonly number[]): number[] => [...values].sort((a, b) => a - b);

/** The nearest rank: the least value that at least `percent` of all do not exceed. */
export function percentiles(values: readonly number[], percents: readonly number[]): number[] {
  const sorted = ascending(values);
  return percents.map((percent) => sorted[Math.max(0, Math.ceil((percent / 100) * sorted.length) - 1)] ?? NaN);
}

export function median(values: readonly number[]): number {
  const sorted = ascending(values);
  const middle = sorted.length / 2;
  return ((sorted[Math.ceil(middle) - 1] ?? NaN) + (sorted[Math.floor(middle)] ?? NaN)) / 2;
}
