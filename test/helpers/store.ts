/** The store as it lies: everything in it as one text, to be searched for what must not be there. */
import type { Connection } from 'mongoose';

/** Every document of every collection, as JSON in small letters. */
export async function dumpOf(connection: Connection): Promise<string> {
  const collections = (await connection.db?.collections()) ?? [];
  const dumped = await Promise.all(collections.map(async (collection) => ({ name: collection.collectionName, documents: await collection.find().sort({ _id: 1 }).toArray() })));
  return JSON.stringify(dumped.sort((a, b) => (a.name < b.name ? -1 : 1))).toLowerCase();
}
