/** Changes to messages: numbered densely whatever happens between and within processes. */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { test, type TestContext } from 'node:test';
import { Types } from 'mongoose';
import { AppError, isStoreSilent } from '../../src/core/errors.ts';
import type { Update } from '../../src/features/messages/change.model.ts';
import { changeCollection } from '../../src/features/messages/change.model.ts';
import { toUuid } from '../../src/features/messages/message.model.ts';
import { connect, freshDatabase } from '../helpers/app.ts';
import { createLogProcess, type Fate, type LogProcess } from '../helpers/log.ts';
import { until } from '../helpers/until.ts';

const edit = (text: string) => (): Update => ({ set: { text, editedAt: new Date() } });

async function twoMessages(t: TestContext): Promise<{ uri: string; chatId: string; ids: [string, string]; processes: [LogProcess, LogProcess] }> {
  const uri = freshDatabase(t);
  const processes = [await createLogProcess(t, uri), await createLogProcess(t, uri)] as [LogProcess, LogProcess];
  const [chatId, senderId] = [new Types.ObjectId().toHexString(), new Types.ObjectId().toHexString()];
  const ids: [string, string] = [randomUUID(), randomUUID()];
  for (const id of ids) await processes[0].log.append({ id, chatId, senderId, text: 'first' });
  return { uri, chatId, ids, processes };
}

test('a number that its message has left behind is not given again by a process that knows no better', async (t) => {
  const { chatId, ids, processes: [one, other] } = await twoMessages(t);
  const revOf = async (process: LogProcess, id: string): Promise<number | undefined> => (await process.changes.change(chatId, id, edit(randomUUID()))).rev;
  assert.equal(await revOf(other, ids[1]), 1);
  assert.equal(await revOf(one, ids[0]), 2);
  assert.equal(await revOf(one, ids[0]), 3);
  assert.equal(await revOf(other, ids[1]), 4);
});

test('a change that a crash has left half done is completed before the next one', async (t) => {
  const { uri, chatId, ids, processes: [one] } = await twoMessages(t);
  const changes = changeCollection(await connect(t, uri));
  await changes.insertOne({ _id: new Types.ObjectId(chatId), rev: 1, messageId: toUuid(ids[0]), update: { set: { text: 'half done' } } });
  assert.equal((await one.changes.change(chatId, ids[1], edit('next'))).rev, 2);
  const first = await one.history.find(ids[0]);
  assert.deepEqual([first?.text, first?.rev], ['half done', 1]);
});

test('many changes of one message at once, from two processes, each get a number of their own, and each number is told', async (t) => {
  const { chatId, ids, processes } = await twoMessages(t);
  const all = Array.from({ length: 20 }, (_, index) => index + 1);
  await Promise.all(all.map((index) => (processes[index % 2] as LogProcess).changes.change(chatId, ids[0], edit(`text ${index}`))));
  // By what was changed: of two changes that come close, the first may be told with the second one applied already.
  for (const { updates } of processes) assert.equal(new Set(updates.map(({ set }) => set['text'])).size, updates.length, 'none twice by one process');
  // Whoever is answered may be shown the change of the other process that has come right behind: what was told has them all.
  const told = new Set(processes.flatMap(({ changed }) => changed.map(({ rev }) => rev ?? 0)));
  assert.deepEqual([...told].sort((a, b) => a - b), all);
  assert.equal((await processes[0].history.find(ids[0]))?.rev, all.length);
});

for (const [step, fates] of Object.entries({
  'its number was taken and the answer lost': ['answer lost'],
  'it was applied and the answer lost': ['well', 'answer lost'],
  'it was not applied': ['well', 'never arrives'],
} satisfies Record<string, Fate[]>)) {
  test(`a change is published also when ${step} and nobody asks again`, async (t) => {
    const uri = freshDatabase(t);
    const fate = [...fates] as Fate[];
    const one = await createLogProcess(t, uri, { changeFate: () => fate.shift() });
    const [chatId, senderId, id] = [new Types.ObjectId().toHexString(), new Types.ObjectId().toHexString(), randomUUID()];
    await one.log.append({ id, chatId, senderId, text: 'first' });
    await assert.rejects(one.changes.change(chatId, id, edit('second')), isStoreSilent);
    await until('the change is published', () => one.changed.length > 0);
    assert.deepEqual(one.changed.map(({ text, rev }) => [text, rev]), [['second', 1]]);
    assert.deepEqual(await one.history.find(id), one.changed[0]);
  });
}

test('a change that has its number is made, also when those who block could not be kept from seeing it at once', async (t) => {
  let asked = 0;
  const one = await createLogProcess(t, freshDatabase(t), { hide: () => (asked++ === 0 ? Promise.reject(new AppError('BUSY')) : Promise.resolve()) });
  const [chatId, senderId, id] = [new Types.ObjectId().toHexString(), new Types.ObjectId().toHexString(), randomUUID()];
  await one.log.append({ id, chatId, senderId, text: 'first' });
  await assert.rejects(one.changes.change(chatId, id, edit('second')), { code: 'UNAVAILABLE' });
  await until('the change is published', () => one.changed.length > 0);
  assert.equal((await one.history.find(id))?.text, 'second');
});
