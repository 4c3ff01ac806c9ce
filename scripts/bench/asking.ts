/** A client that asks one thing after the other, and how long each answer takes to be there and read. */
import type { AnswerTimes, Ask, Question, Request } from './jobs.ts';
import { percentiles } from './statistics.ts';
import { connect } from './websocket.ts';

interface Asker extends Pick<Question, 'series'> {
  ask: (request: Request) => Promise<void>;
  close: () => void;
}

/** They are asked in turn: what slows the machine slows all of them. */
export async function ask({ questions, warmUp, measured }: Ask): Promise<AnswerTimes[]> {
  const askers = await Promise.all(questions.map(openAsker));
  await askInTurn(askers, warmUp);
  const taken = await askInTurn(askers, measured);
  for (const asker of askers) asker.close();
  return taken.map(toTimes);
}

function toTimes(taken: readonly number[]): AnswerTimes {
  const [p50 = NaN, p95 = NaN] = percentiles(taken, [50, 95]);
  return { p50, p95 };
}

/** Always all of them, so that none weighs more than another. */
async function askInTurn(askers: readonly Asker[], seconds: number): Promise<number[][]> {
  const taken = askers.map((): number[] => []);
  const end = performance.now() + seconds * 1000;
  while (performance.now() < end) {
    for (const [index, { series, ask }] of askers.entries()) {
      for (const requests of series) {
        const began = performance.now();
        for (const request of requests) await ask(request);
        taken[index]?.push(performance.now() - began);
      }
    }
  }
  return taken;
}

async function openAsker({ endpoint, series }: Question): Promise<Asker> {
  let settle: (problem: string | undefined) => void = () => undefined;
  const client = await connect(endpoint, {
    onLost: (reason) => settle(`a websocket was lost: ${reason}`),
    onReceived({ id, error }) {
      if (id !== undefined) settle(error?.message);
    },
  });
  return {
    series,
    close: () => client.close(),
    ask: (request) =>
      new Promise((resolve, reject) => {
        settle = (problem) => (problem === undefined ? resolve() : reject(new Error(problem)));
        client.send({ jsonrpc: '2.0', id: 1, ...request });
      }),
  };
}
