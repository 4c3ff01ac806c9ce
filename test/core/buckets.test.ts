/** The buckets of requests: what they let through, what they say, and what they cost. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import fc from 'fast-check';
import { createBuckets } from '../../src/core/buckets.ts';
import { ordinary, type Rate } from '../../src/core/rate.ts';

const someRate = fc
  .record({ count: fc.integer({ min: 1, max: 60 }), seconds: fc.integer({ min: 1, max: 3600 }), more: fc.nat(60) })
  .map(({ count, seconds, more }): Rate => ({ per: 'caller', count, seconds, burst: count + more }));

/** Milliseconds between requests: often none, at times long enough for a full bucket. */
const somePauses = fc.array(fc.oneof(fc.constant(0), fc.double({ min: 0, max: 50, noNaN: true }), fc.integer({ min: 0, max: 4_000_000 })), { maxLength: 200 });

test('whatever the arrival times, no window lets through more than the burst and what came back meanwhile', () => {
  fc.assert(
    fc.property(someRate, somePauses, (rate, pauses) => {
      let time = 0;
      const buckets = createBuckets(rate, () => time);
      const admitted = pauses.flatMap((pause) => {
        time += pause;
        return buckets.take('x').isAdmitted ? [time] : [];
      });
      for (const [first, from] of admitted.entries()) {
        for (const [last, to] of admitted.entries()) {
          if (last < first) continue;
          // The clock is read to the millisecond.
          const returned = ((Math.floor(to) - Math.floor(from)) * rate.count) / (rate.seconds * 1000);
          assert.ok(last - first + 1 <= (rate.burst ?? 0) + returned + 1e-9, `${last - first + 1} in ${to - from} ms`);
        }
      }
    }),
  );
});

test('who waits as long as told is let through, and not a second earlier', () => {
  fc.assert(
    fc.property(someRate, somePauses, (rate, pauses) => {
      let time = 0;
      const buckets = createBuckets(rate, () => time);
      for (const pause of pauses) {
        time += pause;
        const { isAdmitted, reset } = buckets.take('x');
        if (isAdmitted) continue;
        time += (reset - 1) * 1000;
        assert.ok(!buckets.take('x').isAdmitted);
        time += 1000;
        assert.ok(buckets.take('x').isAdmitted);
      }
    }),
  );
});

test('as many pass as are said to remain, and after the time of reset the whole limit does', () => {
  fc.assert(
    fc.property(someRate, somePauses, (rate, pauses) => {
      let time = 0;
      const buckets = createBuckets(rate, () => time);
      for (const pause of pauses) {
        time += pause;
        buckets.take('x');
      }
      const passing = (): number => Array.from({ length: 200 }, () => buckets.take('x')).filter(({ isAdmitted }) => isAdmitted).length;
      time += 1000 * rate.seconds;
      const { remaining } = buckets.take('x');
      assert.equal(passing(), remaining);
      time += (rate.burst ?? 0) * 1000 * rate.seconds;
      const { reset, limit } = buckets.take('x');
      time += reset * 1000;
      assert.equal(passing(), limit);
    }),
  );
});

test('a bucket is not forgotten while requests come under ten thousand other keys, nor ever while it is asked for', () => {
  const buckets = createBuckets({ per: 'caller', count: 1, seconds: 60 }, () => 0);
  for (const key of ['quiet', 'loud']) assert.ok(buckets.take(key).isAdmitted);
  for (let other = 0; other < 10_000; other++) buckets.take(`first ${other}`);
  assert.ok(!buckets.take('quiet').isAdmitted);
  for (let other = 0; other < 100_000; other++) {
    buckets.take(`then ${other}`);
    if (other % 1000 === 0) assert.ok(!buckets.take('loud').isAdmitted);
  }
});

test('a million different keys take no more than a few megabytes', () => {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  const used = (): number => {
    collect();
    return process.memoryUsage().heapUsed;
  };
  const before = used();
  const buckets = createBuckets(ordinary);
  for (let key = 0; key < 1_000_000; key++) buckets.take(`somebody ${key}`);
  const grown = used() - before;
  assert.ok(grown < 20_000_000, `${grown} bytes`);
  assert.ok(buckets.take('somebody else').isAdmitted);
});
