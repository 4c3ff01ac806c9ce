/** The guard against guessing without the server around it, on a clock that stands still until it is moved. */
import assert from 'node:assert/strict';
import type { TestContext } from 'node:test';
import { AppError } from '../../src/core/errors.ts';
import { counterCollection } from '../../src/features/counters/counter.model.ts';
import { createCountersService } from '../../src/features/counters/counters.service.ts';
import { createGuesses, type Guess, type Guesses } from '../../src/features/passwords/guesses.service.ts';
import { prepareStore } from '../../src/plugins/mongo.ts';
import { connect, freshDatabase } from './app.ts';

export const second = 1000;
export const minute = 60 * second;
export const hour = 60 * minute;

export interface Clock {
  now: () => number;
  pass: (milliseconds: number) => void;
}

/** It starts in the present: MongoDB removes what its own clock says has expired. */
export function createClock(): Clock {
  let time = Date.now();
  return { now: () => time, pass: (milliseconds) => void (time += milliseconds) };
}

/** The guard of one process: several of them on one database and one clock are several processes. */
export async function createGuard(t: TestContext, uri: string, clock: Clock, scale = 1): Promise<Guesses> {
  const connection = await connect(t, uri);
  const guesses = createGuesses({ counters: createCountersService(counterCollection(connection), clock.now), scale });
  await prepareStore(uri, connection);
  return guesses;
}

/** A guard of one process on a fresh database. */
export async function buildGuard(t: TestContext, scale?: number): Promise<{ guesses: Guesses; clock: Clock; uri: string }> {
  const clock = createClock();
  const uri = freshDatabase(t);
  return { guesses: await createGuard(t, uri, clock, scale), clock, uri };
}

export interface Attempt {
  subject?: string;
  ip?: string;
  isFamiliar?: () => Promise<boolean>;
}

/** The guess, if it is allowed; otherwise the seconds to wait. */
export async function tryGuess(guesses: Guesses, { subject = 'ann@example.org', ip = '192.0.2.1', isFamiliar }: Attempt = {}): Promise<Guess | number> {
  try {
    return await guesses.begin(subject, { ip, userAgent: 'test', language: 'en' }, isFamiliar);
  } catch (error) {
    if (error instanceof AppError && error.code === 'RATE_LIMITED') return error.details?.['retryAfter'] as number;
    throw error;
  }
}

/** What is found of a guess; `unseen`: nobody could look at it. */
export const settle = {
  right: async (guess: Guess): Promise<unknown> => guess.settle(() => Promise.resolve(true)),
  wrong: async (guess: Guess): Promise<unknown> => guess.settle(() => Promise.resolve(false)),
  unseen: async (guess: Guess): Promise<unknown> => guess.settle(() => Promise.reject(new Error('too much to do'))).catch(() => undefined),
};

/** Guesses wrong: 0 if that was allowed, otherwise the seconds to wait. */
export async function fail(guesses: Guesses, attempt?: Attempt): Promise<number> {
  const outcome = await tryGuess(guesses, attempt);
  if (typeof outcome === 'number') return outcome;
  await settle.wrong(outcome);
  return 0;
}

/** Guesses right. @throws Error if that was not allowed */
export async function succeed(guesses: Guesses, attempt?: Attempt): Promise<void> {
  const outcome = await tryGuess(guesses, attempt);
  if (typeof outcome === 'number') throw new Error(`not allowed for ${outcome} seconds`);
  await settle.right(outcome);
}

/** Makes so many attempts one after another: what each of them gives. */
export async function inTurn<T>(count: number, attempt: (index: number) => Promise<T>): Promise<T[]> {
  const outcomes: T[] = [];
  for (let index = 0; index < count; index++) outcomes.push(await attempt(index));
  return outcomes;
}

/** The nth of many addresses, each in a network of its own. */
export const addressOf = (index: number): string => `198.${18 + (index >> 16)}.${(index >> 8) & 255}.${index & 255}`;

export const zeros = (count: number): number[] => Array.from({ length: count }, () => 0);

/** How many were allowed. */
export const countOf = (waits: readonly number[]): number => waits.filter((wait) => wait === 0).length;

const about = (subject: string | undefined): Attempt => (subject === undefined ? {} : { subject });

/** Lets twenty strangers fail at a subject, once each: it is hot. */
export async function heat(guesses: Guesses, subject?: string): Promise<void> {
  assert.deepEqual(await inTurn(20, (index) => fail(guesses, { ...about(subject), ip: addressOf(index) })), zeros(20));
}

/** What a stranger who fails twice is told: `hot` where many have failed, otherwise `cool`. */
export const twice = (guesses: Guesses, ip: string, subject?: string): Promise<number[]> => inTurn(2, () => fail(guesses, { ...about(subject), ip }));
export const hot = [0, 60];
export const cool = [0, 0];
