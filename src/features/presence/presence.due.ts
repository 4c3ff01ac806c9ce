/** Who is due, and nobody more than twice in a while: what comes sooner waits, and is one thing by then. */
import type { Id } from '../../core/schemas.ts';

export interface Due {
  add(id: Id): void;
  /** Those whose turn it is. */
  take(now: number): Id[];
}

const atMost = 2;

/** @param window milliseconds in which somebody is taken at most twice */
export function createDue(window: number): Due {
  const waiting = new Set<Id>();
  /** When each was taken, the last times; by the last of them. */
  const taken = new Map<Id, number[]>();
  const isFree = (id: Id, now: number): boolean => {
    const [first = -Infinity, ...others] = taken.get(id) ?? [];
    return others.length + 1 < atMost || first <= now - window;
  };

  return {
    add: (id) => void waiting.add(id),
    take(now) {
      const ids = [...waiting].filter((id) => isFree(id, now));
      for (const id of ids) {
        const times = [...(taken.get(id) ?? []).slice(1 - atMost), now];
        waiting.delete(id);
        taken.delete(id);
        taken.set(id, times);
      }
      for (const [id, times] of taken) {
        if ((times.at(-1) ?? 0) > now - window) break;
        taken.delete(id);
      }
      return ids;
    },
  };
}
