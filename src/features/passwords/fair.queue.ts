/**
 * Work of many parties, done a few at a time. Whose turn it is goes round among those who wait, so that one who comes once
 * does not stand behind all that another has brought.
 */
import { AppError } from '../../core/errors.ts';

export interface FairQueue {
  /** @throws BUSY if the turn has not come in time, SHUTTING_DOWN */
  run<T>(party: string, work: () => Promise<T>): Promise<T>;
  /** Refuses everybody who waits. */
  clear(): void;
}

interface Waiting {
  since: number;
  begin: () => void;
  refuse: (error: AppError) => void;
}

/** Milliseconds after which whoever waits will have gone before they could be answered. */
const longestWait = 25_000;

export function createFairQueue(concurrency: number): FairQueue {
  /** Those who wait of each party; the party whose turn is next comes first. */
  const parties = new Map<string, Waiting[]>();
  let underWay = 0;

  const takeNext = (): Waiting | undefined => {
    const [first] = parties;
    if (!first) return undefined;
    const [party, [next, ...rest]] = first;
    parties.delete(party);
    if (rest.length > 0) parties.set(party, rest);
    return next;
  };
  const proceed = (): void => {
    while (underWay < concurrency) {
      const next = takeNext();
      if (!next) return;
      if (Date.now() - next.since > longestWait) next.refuse(new AppError('BUSY'));
      else next.begin();
    }
  };

  return {
    run: (party, work) =>
      new Promise((resolve, reject) => {
        const begin = (): void => {
          underWay++;
          void work().then(resolve, reject).finally(() => {
            underWay--;
            proceed();
          });
        };
        parties.set(party, [...(parties.get(party) ?? []), { since: Date.now(), begin, refuse: reject }]);
        proceed();
      }),
    clear() {
      const waiting = [...parties.values()].flat();
      parties.clear();
      for (const { refuse } of waiting) refuse(new AppError('SHUTTING_DOWN'));
    },
  };
}
