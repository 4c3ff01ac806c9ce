/** The embedded MongoDB: a mongod of our own on a Unix socket in DATA_DIR, kept running until it is stopped. */
import { StartupError } from '../../core/startup.error.ts';
import { findMongod, type FindOptions } from './find.ts';
import { keepLogSmall } from './log.ts';
import { placesOf, requireUsable } from './places.ts';
import { bringUp } from './start.ts';
import { endMongod } from './stop.ts';
import { supervise } from './supervise.ts';

export { claimDataDir } from './claim.ts';
export { findMongod } from './find.ts';

export interface Mongod {
  /** mongodb:// URI on the Unix socket, without a database name */
  uri: string;
  /** stops mongod, cleanly if it does as it is asked in time */
  stop(): Promise<void>;
}

export interface MongodOptions extends FindOptions {
  /** absolute, of mode 0700, claimed by the caller */
  dataDir: string;
  /** mongod died and could not be started again */
  onLost: (error: Error) => void;
}

/**
 * The signal breaks off the start: it fails then, and no mongod is left on the folder.
 * @throws StartupError saying what to do, when no mongod can be found or started on the folder
 */
export async function startMongod(options: MongodOptions): Promise<Mongod> {
  const { dataDir, report, onLost, signal = new AbortController().signal } = options;
  if (process.platform === 'win32') {
    throw new StartupError('On Windows the server does not bring its own MongoDB: set MONGODB_URI to one.');
  }
  await requireUsable(dataDir);
  const places = placesOf(dataDir);
  let found: string | undefined;
  const binary = async () => (found ??= await findMongod(options));
  const start = (stopping: AbortSignal) => bringUp({ places, binary, report, signal: stopping });
  const supervisor = supervise({
    first: await start(signal),
    start,
    end: ({ pid }) => endMongod(pid, places),
    report,
    onLost,
  });
  const letLogBe = keepLogSmall(places, supervisor.pid);
  return {
    uri: places.uri,
    async stop() {
      letLogBe();
      await supervisor.stop();
    },
  };
}
