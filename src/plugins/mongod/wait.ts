/** Waiting for what gives no notice of itself: another program's process or socket. */
import { setTimeout as delay } from 'node:timers/promises';

/** Whether the condition came true within the time. */
export async function comesTrue(
  condition: () => boolean | Promise<boolean>,
  milliseconds: number,
  step = 25,
): Promise<boolean> {
  const deadline = Date.now() + milliseconds;
  for (;;) {
    if (await condition()) return true;
    if (Date.now() >= deadline) return false;
    await delay(step);
  }
}
