/** Marks that gather: what fails for some of them costs the others nothing, and what cannot be told is told later. */
import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { AppError } from '../../src/core/errors.ts';
import { createGathering, type Gathering, type GatheringOptions } from '../../src/features/chats/chat.gathering.ts';
import type { Marks, Untold } from '../../src/features/chats/chat.untold.ts';
import { until } from '../helpers/until.ts';

const [chat, ann, bob] = ['1'.repeat(24), 'a'.repeat(24), 'b'.repeat(24)];

/** A gathering that notes what is told, with the parts that a test says. */
function gatheringOf(options: Partial<GatheringOptions>): { gathering: Gathering; told: object[]; errors: unknown[] } {
  const [told, errors]: [object[], unknown[]] = [[], []];
  const tell = async (untold: Untold, signal: AbortSignal): Promise<boolean> => {
    const isTold = options.tell ? await options.tell(untold, signal) : true;
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

/** Marks that gather for 100 ms, by a clock that goes only as a test lets it. */
function clockedOf(t: TestContext, tell: GatheringOptions['tell']) {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const clock = { now: 0 };
  const pass = async (milliseconds: number): Promise<void> => {
    for (const end = clock.now + milliseconds; clock.now < end; ) {
      clock.now += 100;
      t.mock.timers.tick(100);
      await new Promise(setImmediate);
    }
  };
  return { ...gatheringOf({ gathering: 100, tell }), pass, clock };
}

/** The same, which cannot be told so many times: when that was tried. */
function failingFor(t: TestContext, times = Infinity) {
  const fail = failing(times);
  const attempts: number[] = [];
  const clocked = clockedOf(t, async () => {
    attempts.push(clocked.clock.now);
    fail();
    return true;
  });
  return { ...clocked, attempts };
}

test('what was written and cannot be told fails nobody, and is told together with what comes meanwhile', async (t) => {
  const { gathering, pass, told } = failingFor(t, 1);
  const received = gathering.receive(bob, { [chat]: 3 });
  await pass(100);
  await received;
  void gathering.tellRead(bob, { [chat]: 2 });
  await pass(200);
  assert.deepEqual(told, [{ read: { [chat]: { [bob]: 2 } }, received: { [chat]: { [bob]: 3 } } }]);
});

test('what cannot be told is told by and by though nothing else gathers, and each failure is reported once', async () => {
  const fail = failing(4);
  const { gathering, told, errors } = gatheringOf({ tell: async () => (fail(), true) });
  await gathering.tellRead(bob, { [chat]: 2 });
  await until('it is told', () => told.length > 0);
  assert.deepEqual(told, [{ read: { [chat]: { [bob]: 2 } }, received: {} }]);
  assert.equal(errors.length, 4);
});

test('the pause doubles before it is tried again, up to five seconds, however much comes meanwhile', async (t) => {
  const { gathering, pass, attempts } = failingFor(t);
  for (let time = 0; time < 25_000; time += 100) {
    void gathering.receive(bob, { [chat]: time });
    await pass(100);
  }
  const pauses = attempts.map((at, index) => at - (attempts[index - 1] ?? 0));
  assert.deepEqual(pauses, [100, 100, 200, 400, 800, 1600, 3200, 5000, 5000, 5000]);
});

test('a telling that never ends holds up nobody for long, tells nothing more, and is tried again', async (t) => {
  const signals: AbortSignal[] = [];
  const { gathering, told, pass, errors } = clockedOf(t, (_untold, signal) => (signals.push(signal) === 1 ? new Promise(() => undefined) : Promise.resolve(true)));
  const received = gathering.receive(bob, { [chat]: 3 });
  await pass(200);
  const written = gathering.receive(ann, { [chat]: 3 });
  await pass(2500);
  await Promise.all([received, written]);
  assert.equal(signals[0]?.aborted, true);
  assert.deepEqual(told, [{ read: {}, received: { [chat]: { [bob]: 3, [ann]: 3 } } }]);
  assert.equal(errors.length, 1);
});

test('what was told before telling failed is not told again', async (t) => {
  const [first, other] = ['1'.repeat(24), '2'.repeat(24)];
  const seen: object[] = [];
  const { gathering, pass } = clockedOf(t, async (untold) => {
    seen.push(plain(untold.read));
    if (!untold.read.delete(first)) return true;
    throw new Error('no store');
  });
  void gathering.tellRead(bob, { [first]: 1, [other]: 1 });
  await pass(300);
  assert.deepEqual(seen, [{ [first]: { [bob]: 1 }, [other]: { [bob]: 1 } }, { [other]: { [bob]: 1 } }]);
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

test('what cannot be told when the server closes is let go: those who would hear it sync', async (t) => {
  const { gathering, pass, attempts } = failingFor(t);
  void gathering.tellRead(bob, { [chat]: 2 });
  await gathering.drain();
  await pass(1000);
  assert.deepEqual(attempts, [0]);
});
