/** Guessing at one account from many addresses: it slows down whoever fails, and never keeps anybody out who has not. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { addressOf, buildGuard, cool, countOf, fail, heat, hot, hour, inTurn, minute, second, settle, succeed, tryGuess, twice, zeros } from '../helpers/guesses.ts';

test('where twenty strangers have failed within an hour a further one tries at once, and waits after each failure, twice as long each time, up to an hour', async (t) => {
  const { guesses, clock } = await buildGuard(t);
  await heat(guesses);
  assert.equal(await fail(guesses), 0);
  for (const minutes of [1, 2, 4, 8, 16, 32, 60, 60]) {
    assert.equal(await fail(guesses), minutes * 60, `${minutes} minutes`);
    clock.pass(minutes * minute - 1);
    assert.equal(await fail(guesses), 1);
    clock.pass(1);
    assert.equal(await fail(guesses), 0);
    await inTurn(20, (index) => fail(guesses, { ip: addressOf(1000 * minutes + index) }));
  }
  assert.deepEqual(await twice(guesses, '192.0.2.2', 'bob@example.org'), cool, 'another account is not concerned');
});

test('what was wrong before too many strangers failed counts for the wait', async (t) => {
  const { guesses, clock } = await buildGuard(t);
  assert.deepEqual(await inTurn(4, () => fail(guesses)), zeros(4));
  await inTurn(16, (index) => fail(guesses, { ip: addressOf(index) }));
  assert.equal(await fail(guesses), 60);
  clock.pass(minute);
  assert.deepEqual(await inTurn(2, () => fail(guesses)), [0, 120]);
});

test('an hour after the strangers have stopped, everybody has the usual limits again', async (t) => {
  const { guesses, clock } = await buildGuard(t);
  await heat(guesses);
  clock.pass(hour - 1);
  assert.deepEqual(await twice(guesses, '192.0.2.2'), hot);
  clock.pass(1);
  assert.deepEqual(await twice(guesses, '192.0.2.3'), cool);
});

test('an attack that goes on does not become cool by going on', async (t) => {
  const { guesses, clock } = await buildGuard(t);
  await heat(guesses);
  for (let index = 0; index < 30; index++) {
    clock.pass(2 * minute);
    assert.equal(await fail(guesses, { ip: addressOf(100 + index) }), 0);
  }
  assert.deepEqual(await twice(guesses, '192.0.2.2'), hot);
});

test('under an attack of hours from many addresses an owner at an address never seen gets in at the first try, every time', async (t) => {
  const { guesses, clock } = await buildGuard(t);
  const attackers = Array.from({ length: 30 }, (_, index) => ({ ip: addressOf(index), failed: [] as number[], freeAt: 0 }));
  for (let now = 0; now < 150; now++) {
    for (const attacker of attackers.filter(({ freeAt }) => freeAt <= clock.now())) {
      const wait = await fail(guesses, { ip: attacker.ip });
      attacker.freeAt = clock.now() + wait * second;
      if (wait === 0) attacker.failed.push(now);
    }
    await succeed(guesses, { ip: `192.0.2.${now}` });
    clock.pass(minute);
  }
  for (const { ip, failed } of attackers) {
    const perHour = failed.map((first) => failed.filter((at) => at >= first && at < first + 60).length);
    assert.ok(Math.max(...perHour) <= 6, `${ip} failed at ${failed.join()}`);
  }
});

test('of a crowd that tries all the time at once an owner at an address never seen is not one', async (t) => {
  const { guesses } = await buildGuard(t);
  for (let round = 0; round < 10; round++) {
    const crowd = Promise.all(Array.from({ length: 300 }, (_, index) => fail(guesses, { ip: addressOf(index % 30) })));
    await succeed(guesses, { ip: `192.0.2.${round}` });
    await crowd;
  }
});

test('an address that has signed in to the account before has the usual limits whoever fails there, and its failures are not those of strangers', async (t) => {
  const { guesses } = await buildGuard(t);
  const familiar = { isFamiliar: () => Promise.resolve(true) };
  assert.deepEqual(await inTurn(30, (index) => fail(guesses, { ...familiar, ip: addressOf(index) })), zeros(30));
  assert.deepEqual(await twice(guesses, '192.0.2.2'), cool);
  await inTurn(18, (index) => fail(guesses, { ip: addressOf(100 + index) }));
  assert.deepEqual(await twice(guesses, '192.0.2.3'), hot);
  assert.deepEqual(await inTurn(6, () => fail(guesses, familiar)), [0, 0, 0, 0, 0, 60]);
});

test('refused guesses do not keep an account hot', async (t) => {
  const { guesses, clock } = await buildGuard(t);
  await heat(guesses);
  clock.pass(hour - 1);
  assert.equal(await fail(guesses), 0);
  assert.equal(countOf(await inTurn(50, () => fail(guesses))), 0);
  clock.pass(1);
  assert.deepEqual(await twice(guesses, '192.0.2.2'), cool);
});

test('right guesses do not cool an account down, however many there are', async (t) => {
  const { guesses } = await buildGuard(t);
  await heat(guesses);
  await inTurn(100, (index) => succeed(guesses, { ip: addressOf(100 + index) }));
  const pending = await inTurn(20, (index) => tryGuess(guesses, { ip: addressOf(300 + index) }));
  for (const guess of pending) {
    assert.ok(typeof guess === 'object');
    await settle.right(guess);
  }
  assert.deepEqual(await twice(guesses, '192.0.2.2'), hot);
});
