/** The store as it lies: everything in it, to be searched for what must not be there, or compared with what it was. */
import assert from 'node:assert/strict';
import type { TestContext } from 'node:test';
import type { Connection } from 'mongoose';
import { connect } from './app.ts';
import { untilIndexed } from './search.ts';
import { until } from './until.ts';

/** A shorter text stands in some hash by chance: one of three letters in every thirtieth store. */
const leastLength = 5;

/** Whether any of these texts stands anywhere in the store, in whatever case. */
export async function mentions(connection: Connection, ...texts: string[]): Promise<boolean> {
  assert.ok(texts.every(({ length }) => length >= leastLength), `one of ${texts.join(', ')} is too short to be looked for`);
  const collections = (await connection.db?.collections()) ?? [];
  const documents = await Promise.all(collections.map((collection) => collection.find().toArray()));
  const dump = JSON.stringify(documents).toLowerCase();
  return texts.some((text) => dump.includes(text.toLowerCase()));
}

/** How many mails wait to be sent. */
export const countWaitingMails = (connection: Connection): Promise<number> => connection.collection('mails').countDocuments({ nextAttemptAt: { $exists: true } });

/** Every document of every collection, byte for byte. */
async function bytesOf(connection: Connection): Promise<Record<string, string[]>> {
  const collections = (await connection.db?.collections()) ?? [];
  const read = collections.map(async (collection) => {
    const documents = (await collection.find({}, { raw: true }).sort({ _id: 1 }).toArray()) as unknown as Buffer[];
    return [collection.collectionName, documents.map((document) => document.toString('hex'))] as const;
  });
  return Object.fromEntries(await Promise.all(read));
}

/** Waits until nothing is under way in the store; what it gives fails unless the store is then as it was, byte for byte. */
export async function untouched(t: TestContext, mongodbUri: string): Promise<() => Promise<void>> {
  const connection = await connect(t, mongodbUri);
  await until('no mail waits', async () => (await countWaitingMails(connection)) === 0);
  const chats = connection.collection('chats');
  const messages = await connection.collection('messages').countDocuments();
  await until('the heads of the chats are written', async () => messages === 0 || (await chats.countDocuments({ 'head.seq': { $gt: 0 } })) > 0);
  await untilIndexed(t, mongodbUri);
  const before = await bytesOf(connection);
  return async () => assert.deepEqual(await bytesOf(connection), before);
}
