/** Mails that are not taken at once: tried again, given up or dropped. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Types } from 'mongoose';
import { backOff } from '../../src/core/back.off.ts';
import type { MailModel } from '../../src/features/mails/mail.model.ts';
import { usualPace } from '../../src/features/mails/mail.worker.ts';
import type { QueuedMail } from '../../src/features/mails/mails.service.ts';
import type { Mailer } from '../../src/plugins/mailer.ts';
import { freshDatabase } from '../helpers/app.ts';
import { createProcess, notice, startProcess, tokenLink, watching } from '../helpers/mail.process.ts';
import { mailbox } from '../helpers/mailbox.ts';
import { until } from '../helpers/until.ts';

/** A store one of whose steps fails the first so many times. */
const failing = (step: 'deleteOne' | 'findOneAndUpdate', times: number) => (mails: MailModel): MailModel =>
  watching(mails, (taken) => {
    if (taken === step && times-- > 0) throw new Error('the store is silent');
  });

test('a server that refuses for the moment gets the mail again, once, with a fresh link, and nobody else hears of it', async (t) => {
  const box = await mailbox(t);
  box.refuse(451);
  const { queue, errors, isEmpty } = await startProcess(t, freshDatabase(t), box);
  await queue.enqueue({ kind: 'reset-password', language: 'en', to: 'ann@example.org' });
  await until('three attempts', () => box.offered() >= 3);
  box.unrefuse();
  const { link } = await box.next('ann@example.org');
  await until('an empty queue', isEmpty);
  assert.equal(link, tokenLink(box.offered()));
  assert.equal(box.received.length, 1);
  assert.match(errors[0] ?? '', /was not sent at attempt 1; .*451/);
});

test('a server that takes a mail in and never answers gets it again, with the same Message-ID', async (t) => {
  const box = await mailbox(t);
  box.hang();
  const { queue, mails, isEmpty } = await startProcess(t, freshDatabase(t), box, { pace: { attempt: 500 } });
  await queue.enqueue(notice('ann@example.org'));
  const stored = await mails.findOne().lean();
  await until('two attempts', () => box.offered() >= 2);
  box.unrefuse();
  assert.equal((await box.next('ann@example.org')).messageId, `<${stored?._id.toHexString()}@chat.example.org>`);
  await until('an empty queue', isEmpty);
  assert.equal(box.received.length, 1);
});

test('a mail whose acceptance nobody heard of comes twice, and is known for one by its Message-ID', async (t) => {
  const box = await mailbox(t);
  let lost = false;
  const send = (mailer: Mailer): Mailer => ({
    ...mailer,
    async send(mail, signal) {
      await mailer.send(mail, signal);
      if (!lost) {
        lost = true;
        throw new Error('the answer was lost');
      }
    },
  });
  const { queue } = await startProcess(t, freshDatabase(t), box, { send });
  await queue.enqueue(notice('ann@example.org'));
  const [one, other] = [await box.next('ann@example.org'), await box.next('ann@example.org')];
  assert.equal(one.messageId, other.messageId);
});

test('a mail that was refused for good is not tried again', async (t) => {
  const box = await mailbox(t);
  box.refuse(550);
  const { queue, errors, isEmpty } = await startProcess(t, freshDatabase(t), box);
  await queue.enqueue(notice('ann@example.org'));
  await until('an empty queue', isEmpty);
  assert.equal(box.offered(), 1);
  assert.match(errors.join(), /^mail [0-9a-f]{24} \(password-changed\) was given up: it will never be accepted; .*550/);
});

test('a mail that cannot be written is given up, and the next one is not held up', async (t) => {
  const box = await mailbox(t);
  const { queue, errors } = await startProcess(t, freshDatabase(t), box);
  await queue.enqueue(notice('ann@example.org', { values: {} }));
  await queue.enqueue(notice('bob@example.org'));
  await box.next('bob@example.org');
  await until('a report', () => /lacks the value device/.test(errors.join()));
});

test('a mail that nobody would be glad of any more is given up', async (t) => {
  const box = await mailbox(t);
  box.refuse(451);
  const { queue, mails, errors, isEmpty } = await startProcess(t, freshDatabase(t), box);
  await queue.enqueue(notice('ann@example.org'));
  await until('an attempt', box.offered);
  await mails.updateOne({}, { giveUpAt: new Date() });
  await until('an empty queue', isEmpty);
  box.unrefuse();
  assert.match(errors.at(-1) ?? '', /was given up after \d+ attempts: it is too old/);
  assert.equal(box.received.length, 0);
});

test('a link for half an hour is given up after half an hour, a notice after two days', async (t) => {
  const { queue, mails } = await createProcess(t, freshDatabase(t), await mailbox(t), {});
  for (const kind of ['reset-password', 'account-removed'] as const) await queue.enqueue({ kind, language: 'en' });
  const minutes = (await mails.find().sort({ giveUpAt: 1 }).lean()).map(({ createdAt, giveUpAt }) => (giveUpAt.getTime() - createdAt.getTime()) / 60_000);
  assert.deepEqual(minutes, [30, 2 * 24 * 60]);
});

test('attempts come at ever longer intervals, from a second to five minutes', () => {
  assert.deepEqual([1, 2, 3, 9, 10, 2000].map((attempts) => backOff(attempts, usualPace)), [1000, 2000, 4000, 256_000, 300_000, 300_000]);
});

test('a mail about which there is nothing to say any more is dropped', async (t) => {
  const box = await mailbox(t);
  const seen: QueuedMail[] = [];
  const prepare = (mail: QueuedMail): Promise<undefined> => Promise.resolve(void seen.push(mail));
  const { queue, errors, isEmpty } = await startProcess(t, freshDatabase(t), box, { prepare });
  const userId = new Types.ObjectId().toHexString();
  await queue.enqueue({ kind: 'verify-email', language: 'ru', userId });
  await until('an empty queue', isEmpty);
  assert.deepEqual([box.offered(), errors], [0, []]);
  assert.deepEqual(seen.map(({ kind, language, userId, to }) => ({ kind, language, userId, to })), [{ kind: 'verify-email', language: 'ru', userId, to: undefined }]);
});

test('a store that is silent for a while only delays a mail, and makes no second one of it', async (t) => {
  for (const step of ['findOneAndUpdate', 'deleteOne'] as const) {
    const box = await mailbox(t);
    const { queue, errors, isEmpty } = await startProcess(t, freshDatabase(t), box, { store: failing(step, 3), pace: { lease: 60 } });
    await queue.enqueue(notice('ann@example.org'));
    await until('an empty queue', isEmpty);
    assert.equal(box.received.length, 1);
    assert.deepEqual(errors, Array.from({ length: 3 }, () => 'the store is silent; '));
  }
});
