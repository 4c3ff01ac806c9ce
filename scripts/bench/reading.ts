/** How long it takes to read what is there: questions to Parley, asked by one client while nothing else happens. */
import type { Cores } from './cores.ts';
import { prepareChats } from './chats.ts';
import { run, withLoad } from './generator.ts';
import { prepareHistory } from './history.ts';
import type { Request } from './jobs.ts';
import type { Measurement } from './measure.ts';
import { withServer, type Server } from './parley.ts';
import type { Person } from './people.ts';
import type { Reading } from './sections.ts';

/** By name: who asks what. */
export type Questions = Record<string, { asker: Person; requests: readonly Request[] }>;

/** What fills the store, and says what is then asked. */
const preparations: Record<Reading, (server: Server) => Promise<Questions>> = { history: prepareHistory, chats: prepareChats };

export async function measureReading(folder: string, cores: Cores, reading: Reading, onProgress: (what: string) => void): Promise<Measurement> {
  onProgress('filling the store');
  const questions = await withServer(folder, {}, preparations[reading]);
  onProgress('asking');
  const medians = await withServer(folder, { core: cores.server }, ({ endpointOf }) =>
    withLoad(cores.load, (load) =>
      run(load, {
        kind: 'ask',
        questions: Object.values(questions).map(({ asker, requests }) => ({ endpoint: endpointOf(asker), requests })),
        warmUp: 5,
        measured: 10,
      }),
    ),
  );
  return { answers: Object.fromEntries(Object.keys(questions).map((name, index) => [name, medians[index] ?? NaN])) };
}
