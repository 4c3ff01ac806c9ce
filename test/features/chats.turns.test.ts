/** What costs as much as somebody has chats: one person's calls take turns, and nobody else waits for them. */
import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import mongoose from 'mongoose';
import { buildTestApp } from '../helpers/app.ts';
import type { Person } from '../helpers/people.ts';
import { until } from '../helpers/until.ts';

/** Has whatever looks for the ends of this chat's log wait; what it gives says how many wait and lets them go on. */
function holdHeads(t: TestContext, chatId: string): { waiting: () => number; release: () => void } {
  const { prototype } = mongoose.mongo.Collection;
  const aggregate = Reflect.get(prototype, 'aggregate') as (...parameters: unknown[]) => { toArray(): Promise<unknown> };
  let waiting = 0;
  let release = (): void => undefined;
  const released = new Promise<void>((resolve) => (release = resolve));
  t.mock.method(prototype, 'aggregate', function (this: unknown, ...parameters: unknown[]) {
    const cursor = aggregate.apply(this, parameters);
    if (!JSON.stringify(parameters[0]).startsWith(`[{"$match":{"chatId":{"$in":["${chatId}"]}`)) return cursor;
    const read = cursor.toArray.bind(cursor);
    cursor.toArray = async () => {
      waiting += 1;
      await released;
      return read();
    };
    return cursor;
  });
  return { waiting: () => waiting, release };
}

const lookAtAll = (person: Person): Promise<unknown>[] => [person.call('chats.list'), person.call('chats.unread'), person.call('messages.sync')];

test('the list, the unread count and the sync of one person take turns, while those of others go on', async (t) => {
  const { person } = await buildTestApp(t);
  const [ann, bob] = await Promise.all([person('Ann'), person('Bob')]);
  const { chatId } = await ann.call('messages.send', { to: ann.id, text: 'note' });
  await bob.call('messages.send', { to: bob.id, text: 'note' });
  const held = holdHeads(t, chatId);
  const all = lookAtAll(ann);
  await until('one of them looks', () => held.waiting() > 0);
  await Promise.all(lookAtAll(bob));
  const meanwhile = held.waiting();
  held.release();
  await Promise.all(all);
  assert.deepEqual([meanwhile, held.waiting()], [1, 3]);
});
