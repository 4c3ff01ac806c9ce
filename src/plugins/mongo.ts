/** The connection to MongoDB, wherever it runs. */
import mongoose, { type Connection, type ConnectOptions } from 'mongoose';
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

/**
 * Makes the indexes of every model of the connection. On much data that takes its time, so nothing hurries it.
 * @throws StartupError if MongoDB refuses to make one
 */
export async function createIndexes(uri: string, { models }: Connection): Promise<void> {
  const patient = await open(uri, {});
  try {
    await Promise.all(Object.values(models).map((model) => patient.model(model.modelName, model.schema).createIndexes()));
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new StartupError(`The indexes cannot be made in the MongoDB at ${withoutCredentials(uri)} (${reason}): give its user the right to make them, and remove duplicate values if there are any.`, { cause: error });
  } finally {
    await patient.close();
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
