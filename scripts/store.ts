/** A real MongoDB for one run of a script, gone afterwards. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readConfig } from '../src/config.ts';
import { findMongod, startMongod } from '../src/plugins/mongod/index.ts';

export interface Store {
  /** What tests, and the processes they start, find it by. */
  env: NodeJS.ProcessEnv;
  /** A folder that is gone with it. */
  folder: string;
}

export async function withStore<T>(work: (store: Store) => Promise<T>): Promise<T> {
  const report = (line: string): void => console.log(line);
  const folder = await mkdtemp(join(tmpdir(), 'parley-test-'));
  const { mongod: options } = readConfig(process.env);
  const binary = await findMongod({ ...options, report });
  const mongod = await startMongod({ ...options, binary, dataDir: join(folder, 'data'), report, onLost: (error) => console.error(error) });
  try {
    return await work({ env: { ...process.env, TEST_MONGODB_URI: mongod.uri, MONGOD_BINARY: binary }, folder });
  } finally {
    await mongod.stop();
    await rm(folder, { recursive: true });
  }
}
