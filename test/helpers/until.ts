/** Waits for a condition that gives no notice of itself, where there is no event to wait for. */
import { setTimeout as delay } from 'node:timers/promises';

/** @throws Error naming what did not come true within the time */
export async function until<T>(
  what: string,
  condition: () => T | Promise<T>,
  milliseconds = 15_000,
): Promise<NonNullable<T>> {
  const deadline = Date.now() + milliseconds;
  for (;;) {
    const value = await condition();
    if (value) return value;
    if (Date.now() > deadline) throw new Error(`In vain: ${what}, within ${milliseconds} ms`);
    await delay(20);
  }
}
