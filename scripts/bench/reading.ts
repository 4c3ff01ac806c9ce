/** How long it takes to read what is there: questions to Parley, asked by one client while nothing else happens. */
import type { Cores } from './cores.ts';
import { prepareChats } from './chats.ts';
import { run, withLoad } from './generator.ts';
import { prepareHistory } from './history.ts';
import type { Series } from './jobs.ts';
import type { Measurement } from './measure.ts';
import { withServer, type Server } from './parley.ts';
import type { Person } from './people.ts';
import { prepareSearch } from './search.ts';
import type { Reading } from './sections.ts';

/** By name: who asks what. */
export type Questions = Record<string, { asker: Person; series: readonly Series[] }>;

/** What fills the store, and says what is then asked. */
type Preparation = (server: Server, onProgress: (what: string) => void) => Promise<Questions>;

const preparations: Record<Reading, Preparation> = { chats: prepareChats, history: prepareHistory, search: prepareSearch };

export async function measureReading(folder: string, cores: Cores, reading: Reading, onProgress: (what: string) => void): Promise<Measurement> {
  onProgress('filling the store');
  const questions = await withServer(folder, {}, (server) => preparations[reading](server, onProgress));
  onProgress('asking');
  const times = await withServer(folder, { core: cores.server }, ({ endpointOf }) =>
    withLoad(cores.load, (load) =>
      run(load, {
        kind: 'ask',
        questions: Object.values(questions).map(({ asker, series }) => ({ endpoint: endpointOf(asker), series })),
        warmUp: 5,
        measured: 10,
      }),
    ),
  );
  return { answers: Object.fromEntries(Object.keys(questions).map((name, index) => [name, times[index]])) };
}
