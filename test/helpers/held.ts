/** Writes and reads of a server that something else comes in before. */
import { AsyncLocalStorage } from 'node:async_hooks';
import type { TestContext } from 'node:test';
import mongoose from 'mongoose';
import type { TestApp } from './app.ts';

/** Has the next such write wait until this is done. What it gives says how many have waited: none, or one. */
export type Hold = (model: string, method: 'insertOne' | 'updateOne' | 'findOneAndUpdate' | 'bulkWrite', meanwhile: () => Promise<unknown>) => () => number;

/** Of the processes that there are by now on the database of this one. */
export function holderOf(t: TestContext, { mongodbUri }: TestApp): Hold {
  const connections = mongoose.connections.filter(({ name }) => mongodbUri.endsWith(name));
  return (model, method, meanwhile) => {
    let held = 0;
    for (const { collection } of connections.flatMap(({ models }) => models[model] ?? [])) {
      const write = collection[method].bind(collection) as (...parameters: unknown[]) => Promise<unknown>;
      t.mock.method(collection, method, async (...parameters: unknown[]) => {
        if (held === 0) {
          held = 1;
          await meanwhile();
        }
        return write(...parameters);
      });
    }
    return () => held;
  };
}

/** Reads through it meet what is held. What a server reads by itself does not. */
export interface HeldReading {
  through: <T>(read: () => Promise<T>) => Promise<T>;
  /** How many reads have waited: none, or one. */
  held: () => number;
}

/** Has the next such read of many messages wait until this is done. */
export function holdReading(t: TestContext, { mongodbUri }: Pick<TestApp, 'mongodbUri'>, isMeant: (filter: object) => boolean, meanwhile: () => Promise<unknown>): HeldReading {
  const reading = new AsyncLocalStorage<true>();
  let held = 0;
  const { prototype } = mongoose.mongo.Collection;
  const find = Reflect.get(prototype, 'find') as (this: mongoose.mongo.Collection, ...parameters: unknown[]) => mongoose.mongo.FindCursor;
  t.mock.method(prototype, 'find', function (this: mongoose.mongo.Collection, ...parameters: unknown[]) {
    const cursor = find.apply(this, parameters);
    const [filter] = parameters;
    if (held > 0 || !reading.getStore() || this.collectionName !== 'messages' || !mongodbUri.endsWith(this.dbName) || !isMeant(filter as object)) return cursor;
    const toArray = cursor.toArray.bind(cursor);
    cursor.toArray = async () => {
      if (held === 0) {
        held = 1;
        await meanwhile();
      }
      return toArray();
    };
    return cursor;
  });
  return { through: (read) => reading.run(true, read), held: () => held };
}

/** Has the next such write that goes through the driver wait until this is done. */
export function holdWriting(t: TestContext, { mongodbUri }: Pick<TestApp, 'mongodbUri'>, [collectionName, method]: readonly ['messages', 'findOneAndUpdate'] | readonly ['changes', 'replaceOne'], meanwhile: () => Promise<unknown>): () => number {
  let held = 0;
  const { prototype } = mongoose.mongo.Collection;
  const write = Reflect.get(prototype, method) as (this: mongoose.mongo.Collection, ...parameters: unknown[]) => Promise<unknown>;
  t.mock.method(prototype, method, async function (this: mongoose.mongo.Collection, ...parameters: unknown[]) {
    if (held === 0 && this.collectionName === collectionName && mongodbUri.endsWith(this.dbName)) {
      held = 1;
      await meanwhile();
    }
    return write.apply(this, parameters);
  });
  return () => held;
}
