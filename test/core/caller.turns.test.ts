/** Calls of one person, one at a time. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createCallerTurns, waitingAtMost } from '../../src/core/caller.turns.ts';
import type { Caller } from '../../src/core/contract.ts';
import { patience } from '../../src/core/deadline.ts';

const callerOf = (userId: string): Caller => ({ userId, sessionId: userId, ip: '192.0.2.1', userAgent: 'any', language: 'en', expiresAt: new Date(0) });
const [ann, bob] = [callerOf('ann'), callerOf('bob')];

/** Lets everything run that can. */
const settled = (): Promise<void> => new Promise((resolve) => void setImmediate(resolve));

/** An operation that notes who has begun, and ends when it is told to. */
function held() {
  const begun: string[] = [];
  const ends: { resolve: () => void; reject: (error: Error) => void }[] = [];
  const operation = ({ userId }: Caller, input: string): Promise<string> =>
    new Promise((resolve, reject) => {
      begun.push(`${userId} ${input}`);
      ends.push({ resolve: () => resolve(input), reject });
    });
  return { begun, ends, operation };
}

test('calls of one person go one after another, whichever operations they are of, and those of others meanwhile', async () => {
  const inTurn = createCallerTurns();
  const { begun, ends, operation } = held();
  const [one, other] = [inTurn(operation), inTurn(operation)];
  const calls = [one(ann, '1'), other(ann, '2'), one(bob, '1')];
  await settled();
  assert.deepEqual(begun, ['ann 1', 'bob 1']);
  ends[0]?.resolve();
  assert.equal(await calls[0], '1');
  await settled();
  assert.deepEqual(begun, ['ann 1', 'bob 1', 'ann 2']);
  ends.forEach(({ resolve }) => resolve());
  assert.deepEqual(await Promise.all(calls), ['1', '2', '1']);
});

test('a call that fails lets the next one have its turn', async () => {
  const { begun, ends, operation } = held();
  const call = createCallerTurns()(operation);
  const [failing, next] = [call(ann, '1'), call(ann, '2')];
  await settled();
  ends[0]?.reject(new Error('in vain'));
  await assert.rejects(failing, { message: 'in vain' });
  await settled();
  assert.deepEqual(begun, ['ann 1', 'ann 2']);
  ends[1]?.resolve();
  assert.equal(await next, '2');
});

test('a call that never ends gives up its turn, and what has waited for too long is not begun any more', async (t) => {
  t.mock.timers.enable({ apis: ['Date', 'setTimeout'] });
  const { begun, ends, operation } = held();
  const call = createCallerTurns()(operation);
  const [endless, late] = [call(ann, '1'), call(ann, '2')];
  await settled();
  t.mock.timers.tick(patience / 2);
  const inTime = call(ann, '3');
  t.mock.timers.tick(patience / 2);
  await assert.rejects(endless, { code: 'UNAVAILABLE' });
  await assert.rejects(late, { code: 'UNAVAILABLE' });
  await settled();
  assert.deepEqual(begun, ['ann 1', 'ann 3']);
  ends[1]?.resolve();
  assert.equal(await inTime, '3');
});

test('so many wait, more are refused as BUSY, and once those have ended there is room again', async () => {
  const { ends, operation } = held();
  const call = createCallerTurns()(operation);
  const calls = Array.from({ length: waitingAtMost + 1 }, () => call(ann, 'one'));
  await assert.rejects(call(ann, 'one more'), { code: 'BUSY' });
  const ofOther = call(bob, 'one');
  for (let ended = 0; ended <= calls.length; ended++) {
    await settled();
    ends[ended]?.resolve();
  }
  await Promise.all([...calls, ofOther]);
  const again = call(ann, 'again');
  await settled();
  ends.at(-1)?.resolve();
  assert.equal(await again, 'again');
});
