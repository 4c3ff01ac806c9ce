/** The queue of mails: stored before anything else, sent in the background, each once. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Types } from 'mongoose';
import { createBell } from '../../src/core/bell.ts';
import type { MailModel } from '../../src/features/mails/mail.model.ts';
import type { PreparedMail, QueuedMail } from '../../src/features/mails/mails.service.ts';
import { freshDatabase } from '../helpers/app.ts';
import { accounts, createProcess, notice, startProcess, tokenMark, watching } from '../helpers/mail.process.ts';
import { mailbox } from '../helpers/mailbox.ts';
import { until } from '../helpers/until.ts';

test('a mail is stored before anybody sends it, and nobody waits for the mail server', async (t) => {
  const box = await mailbox(t);
  box.hang();
  const { queue, mails, worker } = await createProcess(t, freshDatabase(t), box, {});
  await queue.enqueue(notice('ann@example.org'));
  assert.equal(await mails.countDocuments(), 1);
  worker.start();
  await until('an offer', box.offered);
  await queue.enqueue(notice('bob@example.org'));
  assert.deepEqual([await mails.countDocuments(), box.received.length], [2, 0]);
});

test('the worker is woken by a new mail, however seldom it looks', async (t) => {
  const box = await mailbox(t);
  let looks = 0;
  const store = (mails: MailModel): MailModel => watching(mails, (step) => void (looks += step === 'findOneAndUpdate' ? 1 : 0));
  const { queue, isEmpty } = await startProcess(t, freshDatabase(t), box, { store, pace: { idle: 100_000 } });
  for (const [count, to] of ['ann@example.org', 'bob@example.org', 'cem@example.org'].entries()) {
    // One look finds a mail, the next finds none.
    await until('a look in vain', async () => looks > 2 * count && (await isEmpty()));
    await queue.enqueue(notice(to));
    await box.next(to);
  }
});

test('a bell that rings while nobody waits is heard by whoever waits next, and by nobody after that', async () => {
  const bell = createBell();
  bell.ring();
  await bell.wait(100_000);
  let heard = false;
  const waiting = bell.wait(100_000).then(() => (heard = true));
  await Promise.resolve();
  assert.equal(heard, false);
  bell.ring();
  await waiting;
});

test('the worker finds what another process has put into the queue', async (t) => {
  const box = await mailbox(t);
  const uri = freshDatabase(t);
  await startProcess(t, uri, box);
  const { queue } = await createProcess(t, uri, box, {});
  await queue.enqueue(notice('ann@example.org'));
  await box.next('ann@example.org');
});

test('two processes on one database send each of fifty mails once', async (t) => {
  const box = await mailbox(t);
  const uri = freshDatabase(t);
  const one = await createProcess(t, uri, box, {});
  const other = await createProcess(t, uri, box, {});
  const everybody = Array.from({ length: 50 }, (_, index) => `person-${index}@example.org`);
  await Promise.all(everybody.map((to) => one.queue.enqueue(notice(to))));
  one.worker.start();
  other.worker.start();
  await Promise.all(everybody.map((to) => box.next(to)));
  await until('an empty queue', one.isEmpty);
  assert.deepEqual(box.received.map(({ to }) => to[0]).sort(), everybody.sort());
});

test('of many mails with the same id one is sent, also after that, and of all the others each', async (t) => {
  const box = await mailbox(t);
  const { queue, mails, errors, isEmpty } = await startProcess(t, freshDatabase(t), box);
  const id = new Types.ObjectId().toHexString();
  await Promise.all(Array.from({ length: 5 }, () => queue.enqueue(notice('ann@example.org', { id }))));
  await until('an empty queue', isEmpty);
  await queue.enqueue(notice('ann@example.org', { id }));
  await queue.enqueue(notice('bob@example.org'));
  await queue.enqueue(notice('bob@example.org'));
  await until('an empty queue', isEmpty);
  assert.deepEqual(box.received.map(({ recipients }) => recipients.join()).sort(), ['ann@example.org', 'bob@example.org', 'bob@example.org']);
  assert.deepEqual(errors, []);
  assert.deepEqual((await mails.collection.find().toArray()).map((left) => [left._id.toHexString(), Object.keys(left)]), [[id, ['_id', 'giveUpAt']]], 'its id alone is left');
});

test('a mail that tells of what has been done fails nothing: why it cannot be stored is reported', async (t) => {
  const { queue, mails, errors } = await createProcess(t, freshDatabase(t), await mailbox(t), {});
  await mails.db.db?.command({ collMod: 'mails', validator: { never: true } });
  await assert.rejects(queue.enqueue(notice('ann@example.org')), /validation/);
  assert.deepEqual(errors, []);
  await queue.notify(notice('ann@example.org'));
  assert.match(errors.join(), /validation/);
});

test('the language and the address that are known when a mail is sent count', async (t) => {
  const box = await mailbox(t);
  const prepare = async (mail: QueuedMail): Promise<PreparedMail> => ({ ...(await accounts()(mail)), language: 'ru', to: 'now@example.org' });
  const { queue } = await startProcess(t, freshDatabase(t), box, { prepare });
  await queue.enqueue(notice('then@example.org'));
  assert.equal((await box.next('now@example.org')).subject, 'Пароль изменён');
});

test('no link lies in the database, neither under way nor after a failure', async (t) => {
  const box = await mailbox(t);
  const { queue, mails } = await startProcess(t, freshDatabase(t), box, { pace: { attempt: 300, firstRetry: 1000 } });
  const dump = async (): Promise<string> => {
    const collections = await mails.db.listCollections();
    return JSON.stringify(await Promise.all(collections.map(({ name }) => mails.db.collection(name).find().toArray())));
  };
  box.hang();
  await queue.enqueue({ kind: 'reset-password', language: 'en', to: 'ann@example.org' });
  await until('an offer', box.offered);
  const underWay = await dump();
  await until('a failure', async () => ((await mails.findOne().lean())?.nextAttemptAt.getTime() ?? Infinity) - Date.now() < 5000);
  for (const content of [underWay, await dump()]) {
    assert.ok(content.includes('reset-password'));
    assert.equal(content.includes(tokenMark), false);
  }
});
