/** Starts the built server, and with it its own MongoDB, on the server's core. */
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { Environment } from '../../src/config.ts';
import { placesOf } from '../../src/plugins/mongod/places.ts';
import { findLeftover } from '../../src/plugins/mongod/process.ts';
import { endMongod } from '../../src/plugins/mongod/stop.ts';
import type { Endpoint } from './jobs.ts';
import { peopleOf, type Crowd, type Person } from './people.ts';
import { startNode, type Started } from './processes.ts';
import { groupOf, pairOf, spread, type Target } from './target.ts';

const serverFile = fileURLToPath(new URL('../../dist/server.js', import.meta.url));

/** Milliseconds for a server to become ready; the first time it may have to fetch MongoDB. */
const patience = 120_000;

const dataDirIn = (folder: string): string => join(folder, 'parley');

export interface Server extends Started {
  origin: string;
  /** Its MongoDB. */
  storeUri: string;
  /** Where a person opens a websocket. */
  endpointOf: (person: Person) => Endpoint;
}

/** Has something done with a server for as long as it takes, and ends it. Without a core of its own it runs on any: what only prepares is not measured. */
export async function withServer<T>(folder: string, options: { core?: number }, use: (server: Server) => Promise<T>): Promise<T> {
  const server = await startServer(folder, options);
  const result = await use(server);
  await server.stop();
  return result;
}

export async function startParley(folder: string, core: number, { couples, groupId, bystanders }: Crowd): Promise<Target> {
  const { endpointOf, pid, stop } = await startServer(folder, { core });
  const storePid = findLeftover(placesOf(dataDirIn(folder)));
  return {
    pairs: couples.flatMap(({ chatId, sender, receiver }) => pairOf(chatId, endpointOf(sender), endpointOf(receiver))),
    group: groupOf(groupId, peopleOf(couples).map(endpointOf)),
    idle: spread(peopleOf(bystanders).map(endpointOf)),
    pid,
    ...(storePid !== undefined && { storePid }),
    stop,
  };
}

/** Ends the MongoDB of a server that could not end it itself. */
export async function endStore(folder: string): Promise<void> {
  const places = placesOf(dataDirIn(folder));
  const pid = findLeftover(places);
  if (pid !== undefined) await endMongod(pid, places);
}

async function startServer(folder: string, { core }: { core?: number }): Promise<Server> {
  if (!existsSync(serverFile)) throw new Error(`there is no ${serverFile}`);
  const port = await freePort();
  // In the folder of its own, so that no .env of the project is read.
  const server = startNode([serverFile], { ...(core !== undefined && { core }), cwd: folder, env: environment(dataDirIn(folder), port) });
  const origin = `http://127.0.0.1:${port}`;
  const deadline = Date.now() + patience;
  while (!(await isReady(origin))) {
    if (server.child.exitCode !== null || server.child.signalCode !== null) throw new Error('the server ended before it was ready');
    if (Date.now() > deadline) throw new Error('the server did not become ready');
    await delay(50);
  }
  const url = `${origin.replace('http', 'ws')}/ws`;
  return { ...server, origin, storeUri: placesOf(dataDirIn(folder)).uri, endpointOf: ({ accessToken }) => ({ url, headers: { authorization: `Bearer ${accessToken}` } }) };
}

/** Nothing of this terminal's configuration but where MongoDB is: above all not somebody's database. */
function environment(dataDir: string, port: number): NodeJS.ProcessEnv {
  const own = { DATA_DIR: dataDir, PORT: `${port}`, LOG_LEVEL: 'error', RATE_SCALE: '1000000' };
  const inherited = Object.entries(process.env).filter(([key]) => key === 'MONGOD_BINARY' || !(key in Environment.properties));
  return { ...Object.fromEntries(inherited), ...own };
}

async function isReady(origin: string): Promise<boolean> {
  try {
    return (await fetch(`${origin}/readyz`)).ok;
  } catch {
    return false;
  }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}
