/** What is claimed of time, and whether two things take the same time, as somebody would find out who wants to tell them apart. */
import assert from 'node:assert/strict';
import type { TestContext } from 'node:test';

/** How often the time of something is measured before it is taken to be too long. */
const attempts = 3;

/**
 * Requires that the time of something is right in one of three attempts: a machine stalls now and then, but what the code
 * itself takes, it takes each time.
 * @param attempt measures once, and answers what was wrong about the time; whatever is wrong each time is told
 */
export async function requireTime(t: TestContext, attempt: () => Promise<string | undefined>): Promise<void> {
  const wrong: string[] = [];
  while (wrong.length < attempts) {
    const found = await attempt();
    if (found === undefined) return;
    t.diagnostic(found);
    wrong.push(found);
  }
  assert.fail(wrong.join('; then '));
}

export interface Difference {
  /** How much longer the one median is than the other, as a part of it: negative if it is shorter. */
  medians: number;
  /** Between these the difference is, as far as so many tries can tell: 99 times in 100. */
  least: number;
  most: number;
  /** How often each was tried. */
  tries: number;
}

/** What one try of each took, in milliseconds. */
type Round = readonly [one: number, other: number];

/** Tries before anything counts: the first ones pay for connections and compilation. */
const warmUp = 20;

/** Looked at after so many tries of each, and then after every batch. */
const leastTries = 100;
const batch = 50;

/** No further batch is begun after so many, or after so many milliseconds. */
const mostTries = 800;
const longest = 8000;

/**
 * Tries one of each in turn, in an order that is thrown anew each time, so that whatever else slows the machine down slows
 * down both; 100 times, and on for as long as chance may still have decided on which side of the tolerance the difference is.
 * @param settle waits until nothing goes on that the try before has set off: it would slow down the next one, which is mostly the other
 */
export async function differenceOf(tolerance: number, settle: () => Promise<unknown>, one: () => Promise<unknown>, other: () => Promise<unknown>): Promise<Difference> {
  const timeOf = async (act: () => Promise<unknown>): Promise<number> => {
    await settle();
    const start = performance.now();
    await act();
    return performance.now() - start;
  };
  const roundOf = async (): Promise<Round> => {
    if (Math.random() < 0.5) return [await timeOf(one), await timeOf(other)];
    const second = await timeOf(other);
    return [await timeOf(one), second];
  };
  for (let round = 0; round < warmUp; round++) await roundOf();
  const rounds: Round[] = [];
  const begun = performance.now();
  for (;;) {
    for (let left = rounds.length > 0 ? batch : leastTries; left > 0; left--) rounds.push(await roundOf());
    const difference = toDifference(rounds);
    const isSure = Math.max(-difference.least, difference.most) <= tolerance || difference.least > tolerance || difference.most < -tolerance;
    if (isSure || rounds.length >= mostTries || performance.now() - begun > longest) return difference;
  }
}

/** The bounds are those of a bootstrap: what the medians would be had other ones of these rounds come up. */
function toDifference(rounds: readonly Round[]): Difference {
  const draws = 1000;
  const drawn = Array.from({ length: draws }, () => relative(rounds.map(() => rounds[Math.floor(Math.random() * rounds.length)] as Round))).sort((a, b) => a - b);
  return { medians: relative(rounds), least: drawn[draws * 0.005] as number, most: drawn[draws * 0.995] as number, tries: rounds.length };
}

function relative(rounds: readonly Round[]): number {
  const [one, other] = [medianOf(rounds.map(([time]) => time)), medianOf(rounds.map(([, time]) => time))];
  return (one - other) / Math.min(one, other);
}

const medianOf = (times: readonly number[]): number => Float64Array.from(times).sort()[Math.floor(times.length / 2)] ?? Number.NaN;
