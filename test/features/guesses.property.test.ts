/** The promise of the guard against guessing, on random histories in two processes. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import type { Guesses } from '../../src/features/passwords/guesses.service.ts';
import { freshDatabase } from '../helpers/app.ts';
import { type Clock, createClock, createGuard, hour, minute, second, settle, tryGuess } from '../helpers/guesses.ts';

const step = fc.record({
  /** Seconds that pass before it. */
  pause: fc.oneof({ weight: 6, arbitrary: fc.integer({ min: 0, max: 15 }) }, { weight: 1, arbitrary: fc.integer({ min: 0, max: 300 }) }, { weight: 1, arbitrary: fc.constant(4000) }),
  process: fc.nat(1),
  /** Guesses made at the same time. */
  guesses: fc.oneof({ weight: 4, arbitrary: fc.constant(1) }, fc.integer({ min: 2, max: 8 })),
  outcome: fc.oneof({ weight: 20, arbitrary: fc.constant('wrong' as const) }, fc.constant('right' as const), fc.constant('unseen' as const)),
});
type Step = typeof step extends fc.Arbitrary<infer S> ? S : never;

/** Takes a step: how many of its guesses were allowed. */
async function take({ process, guesses, outcome }: Step, processes: readonly Guesses[], subject: string): Promise<number> {
  const attempts = await Promise.all(Array.from({ length: guesses }, () => tryGuess(processes[process] as Guesses, { subject, isFamiliar: () => Promise.resolve(true) })));
  const allowed = attempts.filter((attempt) => typeof attempt === 'object');
  await Promise.all(allowed.map(settle[outcome]));
  return allowed.length;
}

/** Runs the steps against a plain list of the wrong guesses. */
async function check(steps: readonly Step[], processes: readonly Guesses[], clock: Clock, subject: string): Promise<void> {
  let wrong: number[] = [];
  const within = (period: number): number => wrong.filter((at) => at > clock.now() - period).length;
  for (const one of steps) {
    clock.pass(one.pause * second);
    const free = Math.max(0, 5 - within(minute));
    const isFarFromTwenty = within(3 * hour) + one.guesses <= 20;
    const allowed = await take(one, processes, subject);
    assert.ok(allowed <= free, `${allowed} allowed, ${free} were free`);
    if (isFarFromTwenty) assert.equal(allowed, Math.min(free, one.guesses), 'nobody waits without a reason');
    if (one.outcome === 'wrong') wrong.push(...Array.from({ length: allowed }, () => clock.now()));
    if (one.outcome === 'right' && allowed > 0) wrong = [];
  }
}

test('of one address at one account never more than five guesses a minute fail, and as long as there are few none waits longer', async (t) => {
  const uri = freshDatabase(t);
  const clock = createClock();
  // The limit for a whole address is out of reach: this is about one account.
  const processes = await Promise.all([createGuard(t, uri, clock), createGuard(t, uri, clock)]);
  let run = 0;
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 40 }), async (steps) => {
      clock.pass(3 * hour);
      await check(steps, processes, clock, `${run++}@example.org`);
    }),
    { numRuns: 40 },
  );
});
