/** Talking to a mongod through its socket: is it there, does it answer, please shut down. */
import { connect } from 'node:net';
import { mongo } from 'mongoose';

/**
 * Whether a living process listens on the socket. The kernel answers, so this holds for a
 * stopped or busy process too, and is false from the instant the process is killed.
 */
export function isListening(socket: string): Promise<boolean> {
  return new Promise((resolve) => {
    const connection = connect(socket);
    connection.once('connect', () => {
      connection.destroy();
      resolve(true);
    });
    connection.once('error', (error: NodeJS.ErrnoException) => {
      resolve(error.code !== 'ECONNREFUSED' && error.code !== 'ENOENT');
    });
  });
}

/** Whether a mongod answers hello and ping on the socket. */
export async function answers(socket: string, uri: string): Promise<boolean> {
  if (!(await isListening(socket))) return false;
  try {
    await ask(uri, { ping: 1 });
    return true;
  } catch {
    return false;
  }
}

/** Asks for a clean shutdown; false when the request did not get through. */
export async function askToShutDown(socket: string, uri: string): Promise<boolean> {
  if (!(await isListening(socket))) return false;
  try {
    await ask(uri, { shutdown: 1, force: true, timeoutSecs: 1 });
    return true;
  } catch (error) {
    // mongod obeys by hanging up instead of answering.
    return error instanceof mongo.MongoNetworkError;
  }
}

async function ask(uri: string, command: mongo.BSON.Document): Promise<void> {
  const client = new mongo.MongoClient(uri, {
    directConnection: true,
    maxPoolSize: 1,
    serverSelectionTimeoutMS: 1000,
    connectTimeoutMS: 1000,
    socketTimeoutMS: 2000,
  });
  try {
    await client.db('admin').command(command);
  } finally {
    await client.close();
  }
}
