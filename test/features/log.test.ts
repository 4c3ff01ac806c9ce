/** The log of messages, one promise at a time, on the real MongoDB. */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { test, type TestContext } from 'node:test';
import { Types } from 'mongoose';
import { AppError, type ErrorCode } from '../../src/core/errors.ts';
import type { Message } from '../../src/core/message.ts';
import { createQueue } from '../../src/features/messages/log.queue.ts';
import { freshDatabase } from '../helpers/app.ts';
import { createLogProcess, type TextDraft } from '../helpers/log.ts';

const someone = (): string => new Types.ObjectId().toHexString();
const refusedWith = (code: ErrorCode) => (error: unknown): boolean => error instanceof AppError && error.code === code;

/** A place to say things: a chat and a sender, with a new id for each message. */
function room(): (text: string, id?: string) => TextDraft {
  const [chatId, senderId] = [someone(), someone()];
  return (text, id = randomUUID()) => ({ id, chatId, senderId, text });
}

/** A gate before every insert: shut, until it is opened. */
function gate(t: TestContext): { hold: () => Promise<void>; reached: Promise<void>; open: () => void } {
  let open = (): void => undefined;
  let reach = (): void => undefined;
  const opened = new Promise<void>((resolve) => (open = resolve));
  const reached = new Promise<void>((resolve) => (reach = resolve));
  t.after(() => open());
  return {
    reached,
    open: () => open(),
    hold: () => {
      reach();
      return opened;
    },
  };
}

test('nobody is answered, and nobody is shown a message, before it is written', async (t) => {
  const { hold, reached, open } = gate(t);
  const { log, events, messages } = await createLogProcess(t, freshDatabase(t), { hold });
  const message = room();
  let answered = false;
  const appended = log.append(message('hello')).finally(() => (answered = true));
  await reached;
  assert.equal(await messages.countDocuments(), 0);
  assert.deepEqual([answered, events.length], [false, 0]);
  open();
  const { message: stored } = await appended;
  assert.deepEqual(events.map(({ payload }) => payload), [stored]);
});

test('what comes in while a write is under way goes into one next write, across chats', async (t) => {
  const { hold, reached, open } = gate(t);
  const { log, inserts } = await createLogProcess(t, freshDatabase(t), { hold });
  const first = log.append(room()('first'));
  await reached;
  const others = Array.from({ length: 100 }, (_, index) => log.append(room()(`other ${index}`)));
  open();
  await Promise.all([first, ...others]);
  assert.equal(inserts(), 2);
});

test('a full queue refuses with BUSY, by number and by size, and takes messages again once it is empty', async (t) => {
  for (const limits of [{ messages: 3 }, { bytes: 3 * 1200 }]) {
    const { hold, reached, open } = gate(t);
    const { log } = await createLogProcess(t, freshDatabase(t), { hold, limits });
    const message = room();
    const taken = ['a', 'b', 'c'].map((letter) => log.append(message(letter.repeat(1000))));
    await reached;
    await assert.rejects(log.append(message('d'.repeat(1000))), refusedWith('BUSY'));
    open();
    await Promise.all(taken);
    assert.equal((await log.append(message('d'.repeat(1000)))).message.seq, 4);
  }
});

test('a silent store is told to everybody who waits; what turns out to be stored is shown, and its repeat recognised', async (t) => {
  const { hold, reached, open } = gate(t);
  const { log, events } = await createLogProcess(t, freshDatabase(t), { hold, limits: { patience: 50 } });
  const message = room();
  const [first, second] = [message('under way'), message('still waiting')];
  const [firstAnswer, secondAnswer] = [log.append(first), log.append(second)];
  await reached;
  await assert.rejects(firstAnswer, refusedWith('UNAVAILABLE'));
  await assert.rejects(secondAnswer, refusedWith('UNAVAILABLE'));
  open();
  const repeated = await log.append(first);
  assert.deepEqual([repeated.deduplicated, repeated.message.seq], [true, 1]);
  assert.deepEqual(events.map(({ payload }) => (payload as Message).text), ['under way', 'still waiting']);
});

test('who gives up takes everyone behind along, however short they have waited', async (t) => {
  t.mock.timers.enable({ apis: ['setInterval', 'Date'] });
  const queue = createQueue({ messages: 10, bytes: 10_000, patience: 5000 });
  const draft = (text: string) => ({ ...room()(text), content: { kind: 'text' as const, text } });
  const first = assert.rejects(queue.add(draft('waits')), refusedWith('UNAVAILABLE'));
  t.mock.timers.tick(4000);
  const second = assert.rejects(queue.add(draft('has just come')), refusedWith('UNAVAILABLE'));
  t.mock.timers.tick(1250);
  await Promise.all([first, second]);
  assert.equal(queue.hasWork(), false);
});

test('nobody is shown a message before it is acknowledged, though MongoDB shows it already', async (t) => {
  const { hold, reached, open } = gate(t);
  const { log, history, messages } = await createLogProcess(t, freshDatabase(t), { holdAnswer: hold });
  const message = room()('not yet');
  const order: string[] = [];
  const sent = log.append(message).then(() => order.push('acknowledged'));
  await reached;
  assert.equal(await messages.countDocuments({ text: 'not yet' }), 1);
  const readings = [
    history.page(message.chatId, { fromSeq: 0, hidden: [] }, { limit: 10 }).then(({ items }) => order.push(`page of ${items.length}`)),
    history.find(message.id).then((found) => order.push(`found ${found?.text}`)),
    history.heads([message.chatId]).then((heads) => order.push(`head at ${heads.get(message.chatId)?.place.seq}`)),
  ];
  // By now they have what MongoDB says.
  for (let time = 0; time < 5; time++) await messages.countDocuments();
  assert.deepEqual(order, []);
  open();
  await Promise.all([sent, ...readings]);
  assert.deepEqual([order[0], ...order.slice(1).sort()], ['acknowledged', 'found not yet', 'head at 1', 'page of 1']);
});

test('a storm of repeats costs one look-up, not a write each', async (t) => {
  const { log, inserts, events } = await createLogProcess(t, freshDatabase(t));
  const message = room()('again and again');
  await log.append(message);
  const before = inserts();
  const answers = await Promise.all(Array.from({ length: 200 }, () => log.append(message)));
  assert.ok(answers.every(({ deduplicated, message: stored }) => deduplicated && stored.seq === 1));
  assert.ok(inserts() - before <= 2, `${inserts() - before} writes`);
  assert.equal(events.length, 1);
});

test('the same id with another text, chat or sender is CONFLICT', async (t) => {
  const { log } = await createLogProcess(t, freshDatabase(t));
  const message = room()('mine');
  await log.append(message);
  for (const other of [{ text: 'other' }, { chatId: someone() }, { senderId: someone() }]) {
    await assert.rejects(log.append({ ...message, ...other }), refusedWith('CONFLICT'));
  }
});

test('a message the store refuses fails alone; those around it are written in order', async (t) => {
  const { log, messages } = await createLogProcess(t, freshDatabase(t));
  await messages.db.command({ collMod: 'messages', validator: { text: { $ne: 'refused' } } });
  const message = room();
  const [before, refused, after] = await Promise.allSettled(['before', 'refused', 'after'].map((text) => log.append(message(text))));
  assert.equal(refused?.status, 'rejected');
  assert.deepEqual([before, after].map((answer) => answer?.status === 'fulfilled' && answer.value.message.seq), [1, 2]);
});

test('draining answers everybody who waits and takes nothing new', async (t) => {
  const { hold, reached, open } = gate(t);
  const { log } = await createLogProcess(t, freshDatabase(t), { hold });
  const message = room();
  const answers = [log.append(message('one')), log.append(message('two'))];
  await reached;
  const drained = log.drain();
  await assert.rejects(log.append(message('late')), refusedWith('SHUTTING_DOWN'));
  open();
  await drained;
  assert.deepEqual((await Promise.all(answers)).map(({ message: { seq } }) => seq), [1, 2]);
});

test('draining fails if it is not known what became of a message when its sender has given up', async (t) => {
  for (const fate of ['never arrives', 'answer lost'] as const) {
    const { hold, reached, open } = gate(t);
    const { log } = await createLogProcess(t, freshDatabase(t), { hold, fate: () => fate, limits: { patience: 50 } });
    const answer = log.append(room()('who knows'));
    await reached;
    await assert.rejects(answer, refusedWith('UNAVAILABLE'));
    const drained = log.drain();
    open();
    await assert.rejects(drained, /not known whether they are written: 1/, fate);
  }
});

test('heads hear of every stored message', async (t) => {
  const { log, raised } = await createLogProcess(t, freshDatabase(t));
  const message = room();
  await Promise.all(['one', 'two', 'three'].map((text) => log.append(message(text))));
  assert.deepEqual(raised.map(({ seq }) => seq), [1, 2, 3]);
});
