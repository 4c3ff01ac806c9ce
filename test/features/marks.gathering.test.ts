/** Marks that gather: what fails for some of them costs the others nothing, and what cannot be told is told later. */
import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
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

/** Marks that gather for 100 ms and can never be told: when that was tried, by a clock that goes only as a test lets it. */
function failingFor(t: TestContext) {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  let now = 0;
  const attempts: number[] = [];
  const { gathering } = gatheringOf({ gathering: 100, tell: () => Promise.reject(new Error(`attempt ${attempts.push(now)}`)) });
  const pass = async (milliseconds: number): Promise<void> => {
    for (const end = now + milliseconds; now < end; ) {
      now += 100;
      t.mock.timers.tick(100);
      await new Promise(setImmediate);
    }
  };
  return { gathering, pass, attempts };
}

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

test('the pause doubles before what nobody waits for is tried again, up to half a minute', async (t) => {
  const { gathering, pass, attempts } = failingFor(t);
  void gathering.tellRead(bob, { [chat]: 2 });
  await pass(200_000);
  const pauses = attempts.map((at, index) => at - (attempts[index - 1] ?? 0) - 100);
  assert.deepEqual(pauses, [0, 100, 200, 400, 800, 1600, 3200, 6400, 12_800, 25_600, 30_000, 30_000, 30_000, 30_000]);
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
