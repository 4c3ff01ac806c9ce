/** Marks that gather: what fails for some of them costs the others nothing, and what cannot be told is told later. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AppError } from '../../src/core/errors.ts';
import { createGathering, type Gathering, type GatheringOptions, type Marks, type Untold } from '../../src/features/chats/chat.gathering.ts';
import { until } from '../helpers/until.ts';

const [chat, ann, bob] = ['1'.repeat(24), 'a'.repeat(24), 'b'.repeat(24)];

/** A gathering that notes what is told, with the parts that a test says. */
function gatheringOf(options: Partial<GatheringOptions>): { gathering: Gathering; told: object[]; errors: unknown[] } {
  const [told, errors]: [object[], unknown[]] = [[], []];
  const tell = async (untold: Untold): Promise<boolean> => {
    const isTold = options.tell ? await options.tell(untold) : true;
    if (isTold) told.push({ read: plain(untold.read), received: plain(untold.received) });
    return isTold;
  };
  const gathering = createGathering({ write: (received) => Promise.resolve(received), gathering: 5, onError: (error) => errors.push(error), ...options, tell });
  return { gathering, told, errors };
}

const plain = (marks: Marks): object => Object.fromEntries([...marks].map(([id, seqs]) => [id, Object.fromEntries(seqs)]));

/** Does it the first so many times, and then lets go. */
const failing = (times: number): (() => void) => () => {
  times -= 1;
  if (times >= 0) throw new AppError('UNAVAILABLE');
};

test('what was written and cannot be told fails nobody, and is told with what gathers next', async () => {
  const fail = failing(1);
  const { gathering, told, errors } = gatheringOf({ tell: async () => (fail(), true) });
  await gathering.receive(bob, { [chat]: 3 });
  await gathering.tellRead(bob, { [chat]: 2 });
  assert.deepEqual(told, [{ read: { [chat]: { [bob]: 2 } }, received: { [chat]: { [bob]: 3 } } }]);
  assert.equal(errors.length, 1);
});

test('what cannot be told is told by and by though nothing else gathers, and each failure is reported once', async () => {
  const fail = failing(4);
  const { gathering, told, errors } = gatheringOf({ tell: async () => (fail(), true) });
  await gathering.tellRead(bob, { [chat]: 2 });
  await until('it is told', () => told.length > 0);
  assert.deepEqual(told, [{ read: { [chat]: { [bob]: 2 } }, received: {} }]);
  assert.equal(errors.length, 4);
});

test('the pause grows before what nobody waits for is tried again', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  let attempts = 0;
  const { gathering } = gatheringOf({ gathering: 100, tell: () => Promise.reject(new Error(`attempt ${(attempts += 1)}`)) });
  const after = async (milliseconds: number): Promise<number> => {
    t.mock.timers.tick(milliseconds);
    await new Promise(setImmediate);
    return attempts;
  };
  void gathering.tellRead(bob, { [chat]: 2 });
  assert.equal(await after(100), 1);
  // Each time the pause, and then what gathers.
  for (const [attempt, pause] of [[2, 100], [3, 200], [4, 400], [5, 800]] as const) {
    assert.equal(await after(pause - 1), attempt - 1);
    await after(1);
    assert.equal(await after(100), attempt);
  }
  for (let round = 0; round < 20; round++) {
    await after(30_000);
    await after(100);
  }
  assert.equal(attempts, 25, 'no pause is longer than half a minute');
});

test('what cannot be written fails those whose it is, and what others have read meanwhile is told', async () => {
  const fail = failing(1);
  const { gathering, told } = gatheringOf({ write: async (received) => (fail(), received) });
  const received = gathering.receive(ann, { [chat]: 3 });
  const read = gathering.tellRead(bob, { [chat]: 2 });
  await assert.rejects(received, { code: 'UNAVAILABLE' });
  await read;
  assert.deepEqual(told, [{ read: { [chat]: { [bob]: 2 } }, received: {} }]);
});

test('marks that wait to be told count among those that may wait, and what was read is taken in nevertheless', async () => {
  const isPressed = { now: true };
  const { gathering, told } = gatheringOf({ tell: () => Promise.resolve(!isPressed.now) });
  const many = (from: number): Record<string, number> => Object.fromEntries(Array.from({ length: 10_000 }, (_, index) => [(from * 10_000 + index).toString(16).padStart(24, '0'), 1]));
  for (let person = 0; person < 10; person++) await gathering.receive(person.toString(16).padStart(24, '0'), many(person));
  await assert.rejects(gathering.receive(bob, { [chat]: 1 }), { code: 'BUSY' });
  await gathering.tellRead(bob, { [chat]: 1 });
  isPressed.now = false;
  await until('all is told', () => told.length > 0);
  const [{ read, received }] = told as [{ read: object; received: object }];
  assert.deepEqual(read, { [chat]: { [bob]: 1 } });
  assert.equal(Object.keys(received).length, 100_000);
  await gathering.receive(bob, { [chat]: 1 });
});

test('what cannot be told when the server closes is let go: those who would hear it sync', async () => {
  const { gathering, errors } = gatheringOf({ tell: () => Promise.reject(new Error('no')) });
  void gathering.tellRead(bob, { [chat]: 2 });
  await gathering.drain();
  assert.equal(errors.length, 1);
});
