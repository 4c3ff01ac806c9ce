/** A client that asks one thing after the other, and how long each answer takes to be there and read. */
import type { Ask, Question } from './jobs.ts';
import { median } from './statistics.ts';
import { connect } from './websocket.ts';

interface Asker {
  ask(): Promise<void>;
  close(): void;
}

/** The median of each question, in milliseconds. They are asked in turn: what slows the machine slows all of them. */
export async function ask({ questions, warmUp, measured }: Ask): Promise<number[]> {
  const askers = await Promise.all(questions.map(openAsker));
  await askInTurn(askers, warmUp);
  const taken = await askInTurn(askers, measured);
  for (const asker of askers) asker.close();
  return taken.map(median);
}

async function askInTurn(askers: readonly Asker[], seconds: number): Promise<number[][]> {
  const taken = askers.map((): number[] => []);
  const end = performance.now() + seconds * 1000;
  while (performance.now() < end) {
    for (const [index, asker] of askers.entries()) {
      const began = performance.now();
      await asker.ask();
      taken[index]?.push(performance.now() - began);
    }
  }
  return taken;
}

async function openAsker({ endpoint, requests }: Question): Promise<Asker> {
  let settle: (problem: string | undefined) => void = () => undefined;
  const client = await connect(endpoint, {
    onLost: (reason) => settle(`a websocket was lost: ${reason}`),
    onReceived({ id, error }) {
      if (id !== undefined) settle(error?.message);
    },
  });
  const askOne = (request: object): Promise<void> =>
    new Promise((resolve, reject) => {
      settle = (problem) => (problem === undefined ? resolve() : reject(new Error(problem)));
      client.send({ jsonrpc: '2.0', id: 1, ...request });
    });
  return {
    close: () => client.close(),
    async ask() {
      for (const request of requests) await askOne(request);
    },
  };
}
