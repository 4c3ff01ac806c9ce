/** What of a chat is to be seen, by arithmetic: the same as by looking at each number. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { before, countVisible, endless, fewer, hiddenAfter, isVisible, lastSeen, past, withHidden, type SeqRange, type View } from '../../src/core/view.ts';

const last = 30;
const numbers = Array.from({ length: last + 1 }, (_, number) => number);
const number = fc.nat(last);
const range = fc.tuple(number, number).map(([a, b]): SeqRange => ({ from: Math.max(1, Math.min(a, b)), to: Math.max(1, a, b) }));
/** What was hidden piece by piece, and perhaps all from a number on, right behind the last piece or not. */
const hidden = fc.tuple(fc.array(range, { maxLength: 4 }), fc.option(fc.nat(3), { nil: undefined })).map(([ranges, gap]): SeqRange[] => {
  const merged = ranges.reduce<SeqRange[]>((sum, one) => withHidden(sum, one), []);
  return gap === undefined ? merged : [...merged, { from: (merged.at(-1)?.to ?? 0) + 1 + gap, to: endless }];
});
const view = fc.record({ fromSeq: number, hidden });
const isHidden = (ranges: View['hidden'], seq: number): boolean => ranges.some(({ from, to }) => from <= seq && seq <= to);

test('hiding one range more hides its numbers and no others, in ranges that do not touch', () => {
  fc.assert(
    fc.property(fc.array(range, { maxLength: 5 }), range, (ranges, one) => {
      const known = ranges.reduce<SeqRange[]>((sum, each) => withHidden(sum, each), []);
      const wider = withHidden(known, one);
      for (const seq of numbers) assert.equal(isHidden(wider, seq), isHidden(known, seq) || isHidden([one], seq));
      assert.ok(wider.every(({ to }, index) => to + 1 < (wider[index + 1]?.from ?? Infinity)));
    }),
  );
});

test('of too many ranges no more are left than there may be, and they hide all that was hidden, and the least besides', () => {
  fc.assert(
    fc.property(fc.array(range, { maxLength: 8 }), fc.integer({ min: 1, max: 5 }), (ranges, most) => {
      const known = ranges.reduce<SeqRange[]>((sum, each) => withHidden(sum, each), []);
      const left = fewer(known, most);
      assert.ok(left.length <= most && (known.length > most || left.length === known.length));
      for (const seq of numbers) assert.ok(!isHidden(known, seq) || isHidden(left, seq));
      const gaps = known.slice(1).map(({ from }, index) => from - (known[index]?.to ?? 0) - 1).sort((a, b) => a - b);
      const least = gaps.slice(0, Math.max(0, known.length - most)).reduce((sum, gap) => sum + gap, 0);
      assert.equal(numbers.filter((seq) => isHidden(left, seq) && !isHidden(known, seq)).length, least);
    }),
  );
});

test('the number before one, and the number past one, are those that a look at each number gives', () => {
  fc.assert(
    fc.property(view, number, number, ({ fromSeq, hidden: ranges }, seq, upTo) => {
      const shown = before(ranges, seq);
      assert.ok(shown < seq && !isHidden(ranges, shown) && numbers.every((between) => between <= shown || between >= seq || isHidden(ranges, between)));
      const reached = past({ fromSeq, hidden: ranges }, seq, upTo);
      assert.ok(reached >= seq && reached <= Math.max(seq, upTo));
      assert.ok(numbers.every((between) => between <= seq || between > reached || !isVisible({ fromSeq, hidden: ranges }, between)));
      assert.ok(reached >= upTo || isVisible({ fromSeq, hidden: ranges }, reached + 1));
    }),
  );
});

test('what can be seen of a stretch is counted without looking at it', () => {
  fc.assert(
    fc.property(view, number, number, (seen, after, upTo) => {
      assert.equal(countVisible(seen, after, upTo), numbers.filter((seq) => seq > after && seq <= upTo && isVisible(seen, seq)).length);
    }),
  );
});

test('once everything up to a number is cleared, the same is to be seen with what is left of the hidden ranges', () => {
  fc.assert(
    fc.property(view, number, ({ hidden: ranges }, seq) => {
      const left = hiddenAfter(ranges, seq);
      for (const one of numbers) assert.equal(isVisible({ fromSeq: seq, hidden: left }, one), isVisible({ fromSeq: seq, hidden: ranges }, one));
    }),
  );
});

test('there is a last number to be seen only where a range has no end', () => {
  fc.assert(
    fc.property(view, (seen) => {
      const end = seen.hidden.at(-1);
      assert.equal(lastSeen(seen), end?.to === endless ? end.from - 1 : Infinity);
    }),
  );
});
