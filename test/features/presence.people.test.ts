/** The merging of connections to people, whatever the order in which they open and close. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { createPeople } from '../../src/features/presence/presence.people.ts';

const id = 'a'.repeat(24);
const pace = { grace: 20_000, window: 10_000 };

interface News {
  at: number;
  online: boolean;
}

/** What a watcher hears who is told at every round how things are. */
function createWatched({ grace, window } = pace) {
  const people = createPeople<number>({ grace, window });
  const heard: News[] = [];
  let now = 0;
  return {
    people,
    heard,
    /** Time passes in rounds of a quarter of a second. */
    pass: (milliseconds: number): void => {
      for (const end = now + milliseconds; now < end; ) {
        now += 250;
        for (const one of people.takeDue(now)) {
          heard.push({ at: now, online: people.isHere(one) });
          people.forgetGone(one);
        }
      }
    },
    open: (connection: number) => people.opened(id, connection),
    close: (connection: number) => people.closed(id, connection, now),
  };
}

test('somebody is here until 20 seconds after the last of their connections has closed', () => {
  const { people, heard, pass, open, close } = createWatched();
  open(1);
  open(2);
  pass(1000);
  close(1);
  pass(30_000);
  assert.deepEqual([people.isHere(id), heard.map(({ online }) => online)], [true, [true]]);
  close(2);
  pass(19_750);
  assert.deepEqual([people.isHere(id), heard.length], [true, 1]);
  pass(500);
  assert.deepEqual([people.isHere(id), heard.map(({ online }) => online)], [false, [true, false]]);
});

test('whoever is back within 20 seconds was never away', () => {
  const { heard, pass, open, close } = createWatched();
  for (let connection = 0; connection < 5; connection++) {
    open(connection);
    pass(1000);
    close(connection);
    pass(19_000);
  }
  assert.deepEqual(heard.map(({ online }) => online), [true]);
});

test('of those who have gone nothing is kept once it is told', () => {
  const { people, pass, open, close } = createWatched();
  open(1);
  pass(1000);
  close(1);
  pass(30_000);
  assert.deepEqual([people.leftAt(id), people.here()], [undefined, []]);
});

const step = fc.oneof(
  fc.record({ kind: fc.constant('open' as const), connection: fc.integer({ min: 0, max: 3 }) }),
  fc.record({ kind: fc.constant('close' as const), connection: fc.integer({ min: 0, max: 3 }) }),
  fc.record({ kind: fc.constant('review' as const) }),
  fc.record({ kind: fc.constant('pass' as const), milliseconds: fc.integer({ min: 0, max: 60 }).map((count) => count * 250) }),
);

test('in any order of openings and closings a watcher is told twice in 10 seconds at most, and the truth last', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), fc.constantFrom(0, 500, 20_000), (steps, grace) => {
      const { people, heard, pass, open, close } = createWatched({ ...pace, grace });
      const isOpen = new Set<number>();
      for (const one of steps) {
        if (one.kind === 'pass') pass(one.milliseconds);
        else if (one.kind === 'review') people.review(id);
        else if (one.kind === 'open' && !isOpen.has(one.connection)) open(one.connection);
        else if (one.kind === 'close') close(one.connection);
        if (one.kind === 'open') isOpen.add(one.connection);
        if (one.kind === 'close') isOpen.delete(one.connection);
        assert.ok(isOpen.size === 0 || people.isHere(id), 'who has a connection is here');
      }
      pass(40_000);
      assert.equal(people.isHere(id), isOpen.size > 0);
      assert.equal(heard.at(-1)?.online ?? false, isOpen.size > 0);
      for (const [index, { at }] of heard.entries()) assert.ok(at - (heard[index - 2]?.at ?? -Infinity) >= pace.window);
    }),
    { numRuns: 500 },
  );
});
