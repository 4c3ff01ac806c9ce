/** Mails of processes that stop, crash or are too slow: nothing is lost, nothing held up. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { withDeadline } from '../../src/core/deadline.ts';
import { createMailLeases } from '../../src/features/mails/mail.leases.ts';
import type { PreparedMail, QueuedMail } from '../../src/features/mails/mails.service.ts';
import { freshDatabase } from '../helpers/app.ts';
import { accounts, createProcess, notice, startProcess } from '../helpers/mail.process.ts';
import { mailbox } from '../helpers/mailbox.ts';
import { until } from '../helpers/until.ts';

test('a restart loses nothing: the next worker sends what waits', async (t) => {
  const box = await mailbox(t);
  const uri = freshDatabase(t);
  box.refuse(451);
  const before = await startProcess(t, uri, box);
  await Promise.all(['ann@example.org', 'bob@example.org'].map((to) => before.queue.enqueue(notice(to))));
  await until('two attempts', () => box.offered() >= 2);
  await before.worker.stop();
  box.unrefuse();
  const after = await startProcess(t, uri, box);
  await Promise.all(['ann@example.org', 'bob@example.org'].map((to) => box.next(to)));
  await until('an empty queue', after.isEmpty);
  assert.equal(box.received.length, 2);
});

test('a mail that a crashed process had in hand is taken up when its lease ends, and not before', async (t) => {
  const box = await mailbox(t);
  const { queue, mails, worker } = await createProcess(t, freshDatabase(t), box, {});
  await queue.enqueue(notice('ann@example.org'));
  const leases = createMailLeases(mails, 60_000);
  assert.ok(await leases.take([]));
  assert.equal(await leases.take([]), undefined);
  await mails.updateOne({}, { nextAttemptAt: new Date() });
  worker.start();
  await box.next('ann@example.org');
});

test('who was too slow with a mail cannot give back what another has taken up since', async (t) => {
  const { queue, mails } = await createProcess(t, freshDatabase(t), await mailbox(t), {});
  await queue.enqueue(notice('ann@example.org'));
  const slow = await createMailLeases(mails, 0).take([]);
  const next = await until('the end of the lease', () => createMailLeases(mails, 60_000).take([]));
  assert.ok(slow);
  await createMailLeases(mails, 0).giveBack(slow, new Date(0));
  assert.deepEqual((await mails.findOne().lean())?.nextAttemptAt, next.nextAttemptAt);
});

test('a worker stops though the mail server hangs, and leaves the mail to the next one at once', async (t) => {
  const box = await mailbox(t);
  const uri = freshDatabase(t);
  box.hang();
  const before = await startProcess(t, uri, box, { pace: { closing: 200 } });
  await before.queue.enqueue(notice('ann@example.org'));
  await until('an offer', box.offered);
  await withDeadline(before.worker.stop(), 10_000);
  assert.match(before.errors.join(), /was not sent at attempt 1/);
  box.unrefuse();
  await startProcess(t, uri, box);
  await box.next('ann@example.org');
});

test('a worker that stops lets a mail go out that is under way', async (t) => {
  const box = await mailbox(t);
  let release = (): void => undefined;
  const released = new Promise<void>((resolve) => (release = resolve));
  const reached: string[] = [];
  const prepare = async (mail: QueuedMail): Promise<PreparedMail> => {
    reached.push(mail.id);
    await released;
    return accounts()(mail);
  };
  const { queue, worker, errors, isEmpty } = await startProcess(t, freshDatabase(t), box, { prepare });
  await queue.enqueue(notice('ann@example.org'));
  await until('an attempt', () => reached.length);
  const stopped = worker.stop();
  release();
  await stopped;
  assert.deepEqual([box.received.length, await isEmpty(), errors], [1, true, []]);
});

test('a worker that was never started stops, too', async (t) => {
  const { worker, queue, isEmpty } = await createProcess(t, freshDatabase(t), await mailbox(t), {});
  await worker.stop();
  await queue.enqueue(notice('ann@example.org'));
  assert.equal(await isEmpty(), false);
});
