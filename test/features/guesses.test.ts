/** The guard against guessing: who may try how often, and whom that never hurts. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { toAppError } from '../../src/core/errors.ts';
import { counterCollection } from '../../src/features/counters/counter.model.ts';
import { createCountersService } from '../../src/features/counters/counters.service.ts';
import { createGuesses, type Guesses } from '../../src/features/passwords/guesses.service.ts';
import { connectMongo } from '../../src/plugins/mongo.ts';
import { connect, freshDatabase } from '../helpers/app.ts';
import { guest } from '../helpers/people.ts';
import { until } from '../helpers/until.ts';
import { addressOf, buildGuard, type Clock, cool, countOf, createGuard, fail, heat, hot, hour, inTurn, minute, second, settle, succeed, tryGuess, twice, zeros } from '../helpers/guesses.ts';

/** Fails twenty times within four minutes. */
async function failTwenty(guesses: Guesses, clock: Clock): Promise<void> {
  for (let round = 0; round < 4; round++) {
    if (round > 0) clock.pass(minute);
    assert.deepEqual(await inTurn(5, () => fail(guesses)), [0, 0, 0, 0, 0]);
  }
}

test('the sixth wrong guess within a minute is refused, with the seconds until it is allowed', async (t) => {
  const { guesses, clock } = await buildGuard(t);
  assert.deepEqual(await inTurn(6, () => fail(guesses)), [0, 0, 0, 0, 0, 60]);
  clock.pass(minute - 1);
  assert.equal(await fail(guesses), 1);
  clock.pass(1);
  assert.equal(await fail(guesses), 0);
});

test('the minute is any minute, not one of the clock', async (t) => {
  const { guesses, clock } = await buildGuard(t);
  for (const pause of [50, 2, 2, 2, 2]) {
    clock.pass(pause * second);
    assert.equal(await fail(guesses), 0);
  }
  assert.equal(await fail(guesses), 52);
  clock.pass(52 * second);
  assert.deepEqual([await fail(guesses), await fail(guesses)], [0, 2]);
});

test('refused guesses do not count and do not prolong the wait', async (t) => {
  const { guesses, clock } = await buildGuard(t);
  assert.deepEqual(await inTurn(7, () => fail(guesses)), [0, 0, 0, 0, 0, 60, 60]);
  clock.pass(59 * second);
  assert.deepEqual(await inTurn(20, () => fail(guesses)), Array.from({ length: 20 }, () => 1));
  clock.pass(second);
  assert.deepEqual(await inTurn(6, () => fail(guesses)), [0, 0, 0, 0, 0, 60]);
});

test('after twenty wrong guesses within an hour each further one doubles the wait, up to an hour', async (t) => {
  const { guesses, clock } = await buildGuard(t);
  await failTwenty(guesses, clock);
  for (const minutes of [1, 2, 4, 8, 16, 32, 60, 60, 60]) {
    assert.equal(await fail(guesses), minutes * 60, `${minutes} minutes`);
    clock.pass(minutes * minute - 1);
    assert.equal(await fail(guesses), 1);
    clock.pass(1);
    assert.equal(await fail(guesses), 0);
  }
});

test('twenty wrong guesses that take longer than an hour make nobody wait', async (t) => {
  const { guesses, clock } = await buildGuard(t);
  for (let index = 0; index < 40; index++) {
    clock.pass(3 * minute + 10 * second);
    assert.equal(await fail(guesses), 0, `guess ${index}`);
  }
});

test('two quiet hours make everything forgotten', async (t) => {
  const { guesses, clock } = await buildGuard(t);
  await failTwenty(guesses, clock);
  clock.pass(minute);
  assert.deepEqual([await fail(guesses), await fail(guesses)], [0, 120]);
  clock.pass(2 * hour);
  await failTwenty(guesses, clock);
});

test('whoever guesses wrong hurts neither other addresses nor other accounts', async (t) => {
  const { guesses } = await buildGuard(t);
  assert.deepEqual(await inTurn(6, () => fail(guesses)), [0, 0, 0, 0, 0, 60]);
  await succeed(guesses, { ip: '192.0.2.2' });
  await succeed(guesses, { subject: 'bob@example.org' });
  assert.equal(await fail(guesses), 60, 'and is not helped by them');
});

test('an address has a hundred wrong guesses an hour, whoever they are about', async (t) => {
  const { guesses, clock } = await buildGuard(t);
  let account = 0;
  const failAnew = (ip: string): Promise<number> => fail(guesses, { subject: `${account++}@example.org`, ip });
  assert.equal(await failAnew('192.0.2.1'), 0);
  clock.pass(minute);
  assert.deepEqual(await inTurn(100, () => failAnew('192.0.2.1')), [...zeros(99), 3540]);
  assert.equal(await failAnew('192.0.2.2'), 0);
  clock.pass(hour - minute);
  assert.deepEqual(await inTurn(2, () => failAnew('192.0.2.1')), [0, 60]);
});

test('what an address is refused is not taken for something that is being looked at', async (t) => {
  const { guesses, clock } = await buildGuard(t);
  await inTurn(100, (index) => fail(guesses, { subject: `${index}@example.org` }));
  assert.equal(await fail(guesses), 3600);
  clock.pass(hour);
  assert.deepEqual(await inTurn(6, () => fail(guesses)), [0, 0, 0, 0, 0, 60]);
});

test('neighbours that fail at other accounts keep nobody at their address from an account that was signed in to from there', async (t) => {
  const { guesses } = await buildGuard(t);
  const familiar = { subject: 'mine', isFamiliar: () => Promise.resolve(true) };
  await inTurn(100, (index) => fail(guesses, { subject: `other ${index}` }));
  assert.notEqual(await fail(guesses, { subject: 'stranger' }), 0);
  await succeed(guesses, familiar);
  assert.deepEqual(await inTurn(6, () => fail(guesses, familiar)), [0, 0, 0, 0, 0, 60]);
});

test('an IPv6 address is its network of 64 bits, and one that stands for an IPv4 address is that', async (t) => {
  const { guesses } = await buildGuard(t);
  const same = [
    ['2001:db8::1', '2001:db8:0:0:ffff::2', '2001:0db8:0000:0000:1:2:3:4', '2001:DB8::', '2001:db8::192.0.2.1', '2001:db8::9'],
    ['::ffff:192.0.2.9', '192.0.2.9', '::FFFF:c000:209', '0:0:0:0:0:ffff:192.0.2.9', '192.0.2.9', '192.0.2.9'],
  ];
  for (const addresses of same) {
    const waits = await inTurn(6, (index) => fail(guesses, { ip: addresses[index] ?? '' }));
    assert.deepEqual(waits, [0, 0, 0, 0, 0, 60], addresses[0]);
  }
  for (const ip of ['2001:db8:0:1::1', '::ffff:192.0.2.8', '2001:db8:1::']) assert.equal(await fail(guesses, { ip }), 0, ip);
});

test('what one limit refuses does not count for the others', async (t) => {
  const { guesses } = await buildGuard(t);
  const bySame = await inTurn(100, () => fail(guesses));
  assert.equal(countOf(bySame), 5);
  await inTurn(13, (index) => fail(guesses, { ip: addressOf(index) }));
  assert.deepEqual(await twice(guesses, addressOf(20)), cool, 'the account has heard of five only');
  assert.deepEqual(await twice(guesses, addressOf(21)), hot);
  const byAddress = await inTurn(100, (index) => fail(guesses, { subject: `${index}@example.org` }));
  assert.equal(countOf(byAddress), 95, 'the address has heard of five only');
  await inTurn(100, () => fail(guesses, { subject: '99@example.org' }));
  assert.deepEqual(await twice(guesses, addressOf(22), '99@example.org'), cool, 'what the address refused does not count for the account');
});

test('of a thousand guesses at once no more are looked at than of a thousand in turn, in however many processes', async (t) => {
  const { guesses, clock, uri } = await buildGuard(t);
  const processes = [guesses, await createGuard(t, uri, clock)];
  const atOnce = (attempt: (index: number) => { subject?: string; ip?: string }, count = 300): Promise<number[]> =>
    Promise.all(Array.from({ length: count }, (_, index) => fail(processes[index % 2] as Guesses, attempt(index))));
  assert.equal(countOf(await atOnce(() => ({ subject: 'one@example.org', ip: '192.0.2.1' }), 1000)), 5);
  assert.equal(countOf(await atOnce((index) => ({ subject: `${index}@example.org`, ip: '192.0.2.2' }))), 100);
  await heat(guesses, 'hot@example.org');
  assert.equal(countOf(await atOnce(() => ({ subject: 'hot@example.org', ip: '192.0.2.3' }))), 1);
  assert.equal(countOf(await atOnce((index) => ({ subject: 'hot@example.org', ip: addressOf(100 + (index % 50)) }))), 50, 'one for each address');
  const byTen = countOf(await atOnce((index) => ({ subject: 'ten@example.org', ip: addressOf(200 + (index % 10)) })));
  assert.ok(byTen >= 20 && byTen <= 30, `${byTen}: twenty, and one more for each address at most`);
});

test('what one process counts the next one knows', async (t) => {
  const { guesses, clock, uri } = await buildGuard(t);
  assert.deepEqual(await inTurn(3, () => fail(guesses)), zeros(3));
  const next = await createGuard(t, uri, clock);
  assert.deepEqual(await inTurn(3, () => fail(next)), [0, 0, 60]);
  assert.equal(await fail(guesses), 60);
});

test('a right guess makes the wrong ones of its address at its account forgotten', async (t) => {
  const { guesses } = await buildGuard(t);
  for (let round = 0; round < 3; round++) {
    assert.deepEqual(await inTurn(4, () => fail(guesses)), zeros(4));
    await succeed(guesses);
  }
  assert.deepEqual(await inTurn(6, () => fail(guesses)), [0, 0, 0, 0, 0, 60]);
});

test('right guesses count for nobody, nor do those that could not be looked at', async (t) => {
  const { guesses } = await buildGuard(t);
  await inTurn(120, (index) => succeed(guesses, { subject: `${index}@example.org` }));
  await inTurn(30, (index) => succeed(guesses, { ip: addressOf(index) }));
  await inTurn(120, async () => {
    const guess = await tryGuess(guesses);
    assert.ok(typeof guess === 'object');
    await settle.unseen(guess);
  });
  assert.deepEqual(await inTurn(6, () => fail(guesses)), [0, 0, 0, 0, 0, 60]);
});

test('wrong guesses of the same address at other accounts, and at the account from elsewhere, outlive a right one', async (t) => {
  const { guesses } = await buildGuard(t);
  await inTurn(19, (index) => fail(guesses, { ip: addressOf(index) }));
  await succeed(guesses);
  assert.deepEqual([await twice(guesses, addressOf(30)), await twice(guesses, addressOf(31))], [hot, hot]);
  await inTurn(99, (index) => fail(guesses, { subject: `${index}@example.org` }));
  await succeed(guesses, { subject: 'bob@example.org' });
  assert.deepEqual(await inTurn(2, (index) => fail(guesses, { subject: `${200 + index}@example.org` })), [0, 3600]);
});

test('a guess that is still being looked at counts as wrong', async (t) => {
  const { guesses } = await buildGuard(t);
  const pending = await inTurn(5, () => tryGuess(guesses));
  assert.equal(await fail(guesses), 1);
  const [first] = pending;
  assert.ok(typeof first === 'object');
  await settle.unseen(first);
  assert.equal(await fail(guesses), 0);
});

test('whoever comes while five of theirs are being looked at is told to come back after a second, and waits a minute once those were wrong', async (t) => {
  const { guesses } = await buildGuard(t);
  const ends: ((isRight: boolean) => void)[] = [];
  const guess = async (): Promise<boolean> => (await guesses.begin('login:ann', guest)).settle(() => new Promise((end) => ends.push(end)));
  const five = Array.from({ length: 5 }, guess);
  await until('five are being looked at', () => ends.length === 5);
  await assert.rejects(guess(), { code: 'RATE_LIMITED', details: { retryAfter: 1 } });
  for (const end of ends) end(false);
  await Promise.all(five);
  await assert.rejects(guess(), { code: 'RATE_LIMITED', details: { retryAfter: 60 } });
});

test('every limit is multiplied by the scale, and is one at least', async (t) => {
  const double = await buildGuard(t, 2);
  assert.equal(countOf(await inTurn(12, () => fail(double.guesses))), 10);
  await inTurn(38, (index) => fail(double.guesses, { subject: 'bob@example.org', ip: addressOf(index) }));
  assert.deepEqual(await inTurn(6, (index) => fail(double.guesses, { subject: 'bob@example.org', ip: addressOf(100 + (index >> 1)) })), [0, 0, 0, 0, 0, 0]);
  assert.deepEqual(await inTurn(3, () => fail(double.guesses, { subject: 'bob@example.org', ip: addressOf(200) })), [0, 0, 60]);
  const hardlyAny = await buildGuard(t, 0.01);
  assert.deepEqual(await inTurn(2, () => fail(hardlyAny.guesses)), [0, 60]);
  const endless = await buildGuard(t, 1_000_000);
  assert.equal(countOf(await inTurn(200, () => fail(endless.guesses))), 200);
});

test('without MongoDB nobody may guess', async (t) => {
  const connection = await connectMongo(freshDatabase(t));
  const guesses = createGuesses({ counters: createCountersService(counterCollection(connection)), scale: 1 });
  const guess = await tryGuess(guesses);
  await connection.close();
  await assert.rejects(tryGuess(guesses), (error) => toAppError(error).code === 'UNAVAILABLE');
  assert.ok(typeof guess === 'object');
  await assert.rejects(settle.right(guess), (error) => toAppError(error).code === 'UNAVAILABLE');
});

test('the store knows neither names nor addresses, and forgets counters once they do not matter', async (t) => {
  const { guesses, clock, uri } = await buildGuard(t);
  await inTurn(6, () => fail(guesses));
  const collection = (await connect(t, uri)).collection('counters');
  const stored = await collection.find().toArray();
  assert.equal(stored.length, 3);
  assert.doesNotMatch(JSON.stringify(stored), /ann@|example|192\.0/);
  const ends = stored.map(({ expiresAt }) => (expiresAt as Date).getTime() - clock.now());
  assert.deepEqual(ends.sort((a, b) => a - b), [hour, hour, 2 * hour]);
  const indexes = await collection.indexes();
  assert.ok(indexes.some(({ key, expireAfterSeconds }) => key['expiresAt'] === 1 && expireAfterSeconds === 0));
});
