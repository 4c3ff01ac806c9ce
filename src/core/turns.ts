/** Work under one key goes one after another, in the order it came; under different keys at the same time. */
export interface Turns {
  /** Some work under this key has not ended. */
  isTaken(key: string): boolean;
  /** Does the work once everything before it under the key has ended, well or not. */
  take<T>(key: string, work: () => Promise<T>): Promise<T>;
}

export function createTurns(): Turns {
  const lastOf = new Map<string, Promise<unknown>>();
  return {
    isTaken: (key) => lastOf.has(key),
    async take(key, work) {
      const mine = (lastOf.get(key) ?? Promise.resolve()).then(work);
      const ended = mine.catch(() => undefined);
      lastOf.set(key, ended);
      try {
        return await mine;
      } finally {
        if (lastOf.get(key) === ended) lastOf.delete(key);
      }
    },
  };
}
