/** A whole server on a fresh database of the real MongoDB, closed and forgotten when the test ends. */
import { randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { FastifyInstance } from 'fastify';
import mongoose, { Types, type Collection, type Connection } from 'mongoose';
import { buildApp, type Overrides } from '../../src/app.ts';
import { readConfig } from '../../src/config.ts';
import type { AnyEvent } from '../../src/core/contract.ts';
import type { Services } from '../../src/services.ts';
import { createDispatch, type Dispatch } from '../../src/transports/dispatch.ts';
import { createRates } from '../../src/transports/rates.ts';
import { checkedBus, checkedServices } from './checked.ts';
import type { Ending } from './ending.ts';
import { joinAs, type Person } from './people.ts';

export interface TestApp {
  app: FastifyInstance;
  /** http://127.0.0.1:<port> */
  url: string;
  services: Services;
  dispatch: Dispatch;
  /** Every event published so far, with its topic, in order. */
  published: { topic: string; event: AnyEvent }[];
  /** The operations that were answered so far. */
  answered: Set<string>;
  /** The MongoDB of the test run, with the database of this app. */
  mongodbUri: string;
  /** Its folder, with the mails in `outbox`; gone when the test ends. */
  dataDir: string;
  /** Signs up somebody new. */
  person: (firstName: string) => Promise<Person>;
  /** The same, and the address is verified. */
  verified: (firstName: string) => Promise<Person>;
  close: () => Promise<void>;
}

/** The MongoDB that `npm test` has started. */
export function testMongodbUri(): string {
  const uri = process.env['TEST_MONGODB_URI'];
  if (!uri) throw new Error('TEST_MONGODB_URI is not set: run the tests through `npm test`');
  return uri;
}

const newDatabase = (): string => `${testMongodbUri()}/test_${randomUUID().replaceAll('-', '')}`;

/** A database of its own for one test; dropped when the test ends. */
export function freshDatabase(t: Ending): string {
  const uri = newDatabase();
  t.after(() => visit(uri, (connection) => connection.dropDatabase()));
  return uri;
}

/** Databases of tests of this process that have ended. Once the process ends, too, they are for those of others. */
const left: string[] = [];

/** Where a process notes the databases that it has left. */
const withNotes = async <T>(act: (notes: Collection<{ _id: string }>) => Promise<T>): Promise<T> =>
  visit(`${testMongodbUri()}/left`, (connection) => act(connection.collection<{ _id: string }>('databases')));

// Not before: a server that is being closed may write still.
process.on('beforeExit', () => {
  if (left.length > 0) void withNotes((notes) => notes.insertMany(left.splice(0).map((_id) => ({ _id }))));
});

const takeLeft = async (): Promise<string | undefined> => left.pop() ?? (await withNotes((notes) => notes.findOneAndDelete({})))?._id;

/** An empty database for one test. It may have the collections and indexes of one before: to make them takes longer than most tests. */
async function emptyDatabase(t: Ending): Promise<string> {
  const used = await takeLeft();
  // Now, and not when its test ended: a server that was closing then may have written still.
  const isEmptied = used !== undefined && (await visit(used, empty));
  const uri = isEmptied ? used : newDatabase();
  t.after(() => void left.push(uri));
  return uri;
}

/** False where a test has had the database watched, or has given a collection rules. */
async function empty({ db }: Connection): Promise<boolean> {
  if (!db) return false;
  const collections = await db.listCollections({}, { nameOnly: false }).toArray();
  if (collections.some(({ name, options = {} }) => name.startsWith('system.') || Object.keys(options).length > 0)) return false;
  // What older versions have stored is none of it.
  for (const { name } of collections) if (name !== 'upgrades') await db.collection(name).deleteMany();
  return true;
}

async function visit<T>(uri: string, act: (connection: Connection) => Promise<T>): Promise<T> {
  const connection = await mongoose.createConnection(uri).asPromise();
  try {
    return await act(connection);
  } finally {
    await connection.close();
  }
}

/** A bare connection to a database, closed when the test ends. */
export async function connect(t: Ending, uri: string): Promise<Connection> {
  const connection = await mongoose.createConnection(uri).asPromise();
  t.after(() => connection.close());
  return connection;
}

export interface TestAppOptions extends Overrides {
  /** Another database than an empty one: two apps on one make two processes of one server. */
  mongodbUri?: string;
  env?: Record<string, string>;
}

export async function buildTestApp(t: Ending, { mongodbUri: given, env = {}, ...overrides }: TestAppOptions = {}): Promise<TestApp> {
  const mongodbUri = given ?? (await emptyDatabase(t));
  const dataDir = await mkdtemp(join(tmpdir(), 'parley-app-'));
  const running: FastifyInstance[] = [];
  t.after(async () => {
    for (const app of running) await app.close();
    await rm(dataDir, { recursive: true });
  });
  const config = readConfig({ HOST: '127.0.0.1', DATA_DIR: dataDir, LOG_LEVEL: 'silent', RATE_SCALE: '1000', JWT_SECRET: 'a secret that is only good for tests', ...env });
  const published: TestApp['published'] = [];
  const answered = new Set<string>();
  const captured: Services[] = [];
  const app = await buildApp(config, mongodbUri, {
    passwordCost: 4,
    marksGather: 5,
    // Not before the test is over: who comes and goes would be heard of at any moment.
    presenceGather: 3_600_000,
    syncOverlap: 20,
    ...overrides,
    services(built) {
      const checked = checkedServices(built, (operation) => answered.add(operation));
      captured.push(checked);
      return checked;
    },
    bus: (bus) => checkedBus(bus, (topic, event) => published.push({ topic, event })),
  });
  running.push(app);
  await app.listen({ host: config.host, port: Number(env['PORT'] ?? 0) });
  const [services] = captured;
  if (!services) throw new Error('the app was built without services');
  const dispatch = createDispatch(services, createRates(config.rateScale, overrides.clock));
  const url = app.listeningOrigin;
  const person = (firstName: string): Promise<Person> => joinAs({ url, dispatch, services, t }, firstName);
  const verified = async (firstName: string): Promise<Person> => {
    const one = await person(firstName);
    await (await connect(t, mongodbUri)).collection('users').updateOne({ _id: new Types.ObjectId(one.id) }, { $set: { emailVerifiedAt: new Date() } });
    return one;
  };
  return { app, url, services, dispatch, published, answered, mongodbUri, dataDir, person, verified, close: () => app.close() };
}
