/** The connection to MongoDB, wherever it runs. */
import mongoose, { type Connection, type ConnectOptions, type mongo } from 'mongoose';
import { storePatience, withDeadline } from '../core/deadline.ts';
import { isStoreSilent } from '../core/errors.ts';
import { StartupError } from '../core/startup.error.ts';

const durable: ConnectOptions = { autoIndex: false, autoCreate: false, writeConcern: { w: 'majority', journal: true } };

/** Nothing is retried behind our back: every write here can be repeated by whoever asked, and silence is told at once. */
const impatient: ConnectOptions = {
  serverSelectionTimeoutMS: storePatience,
  waitQueueTimeoutMS: storePatience,
  connectTimeoutMS: storePatience,
  socketTimeoutMS: storePatience,
  retryReads: false,
  retryWrites: false,
  bufferCommands: false,
  maxPoolSize: 50,
};

/**
 * An open connection that acknowledges nothing before it is journaled, on a majority where there are several.
 * @throws StartupError if MongoDB cannot be reached within five seconds or refuses us
 */
export async function connectMongo(uri: string): Promise<Connection> {
  try {
    return await open(uri, impatient);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    const problem = isStoreSilent(error) ? 'does not answer' : 'cannot be used';
    throw new StartupError(`The MongoDB at ${withoutCredentials(uri)} ${problem} (${reason}). Is it running, and is MONGODB_URI right?`, { cause: error });
  }
}

const open = (uri: string, options: ConnectOptions): Promise<Connection> =>
  mongoose.createConnection(uri, { ...durable, ...options, ...(namesDatabase(uri) ? {} : { dbName: 'parley' }) }).asPromise();

interface Upgrade {
  name: string;
  run: (connection: Connection) => Promise<void>;
}

/**
 * Makes the indexes of every model of the connection, and carries out the upgrades that this database has not had yet. On
 * much data that takes its time, so nothing hurries it.
 * @throws StartupError if MongoDB refuses to make an index
 */
export async function prepareStore(uri: string, { models }: Connection, upgrades: readonly Upgrade[] = []): Promise<void> {
  const patient = await open(uri, {});
  try {
    await makeIndexes(patient, uri, models);
    const done = patient.collection<{ _id: string; at: Date }>('upgrades');
    const known = new Set((await done.find().toArray()).map(({ _id }) => _id));
    for (const { name, run } of upgrades.filter((upgrade) => !known.has(upgrade.name))) {
      await run(patient);
      await done.updateOne({ _id: name }, { $set: { at: new Date() } }, { upsert: true });
    }
  } finally {
    await patient.close();
  }
}

async function makeIndexes(patient: Connection, uri: string, models: Connection['models']): Promise<void> {
  try {
    for (const { collection, schema } of Object.values(models)) {
      const indexes = schema.indexes().map(([key, options]) => ({ ...options, key }) as mongo.IndexDescription);
      if (indexes.length > 0) await patient.collection(collection.collectionName).createIndexes(indexes);
    }
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new StartupError(`The indexes cannot be made in the MongoDB at ${withoutCredentials(uri)} (${reason}): give its user the right to make them, and remove duplicate values if there are any.`, { cause: error });
  }
}

/** True while MongoDB answers. */
export async function answers(connection: Connection): Promise<boolean> {
  try {
    await withDeadline(connection.getClient().db().command({ ping: 1 }), storePatience);
    return true;
  } catch {
    return false;
  }
}

const withoutCredentials = (uri: string): string => uri.replace(/\/\/[^@/]*@/, '//').replace(/\?.*$/, '');

const namesDatabase = (uri: string): boolean => /^mongodb(?:\+srv)?:\/\/[^/]+\/[^?]/.test(uri);
