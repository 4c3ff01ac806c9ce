/** Mails that are stored before what they tell of is done: nothing is done without its mail, and no mail tells of what was refused. */
import assert from 'node:assert/strict';
import { EventEmitter, once } from 'node:events';
import { test } from 'node:test';
import { AppError } from '../../src/core/errors.ts';
import { freshDatabase } from '../helpers/app.ts';
import { createMailQueue } from '../../src/features/mails/mails.service.ts';
import { accounts, createProcess, notice, startProcess } from '../helpers/mail.process.ts';
import { mailbox } from '../helpers/mailbox.ts';
import { until } from '../helpers/until.ts';

test('what is refused is not told of', async (t) => {
  const { queue, isEmpty } = await createProcess(t, freshDatabase(t), await mailbox(t), {});
  await assert.rejects(queue.telling(notice('ann@example.org'), () => Promise.reject(new AppError('LINK_EXPIRED'))), { code: 'LINK_EXPIRED' });
  assert.ok(await isEmpty());
});

test('what may have been done is told of later', async (t) => {
  const { queue, mails } = await createProcess(t, freshDatabase(t), await mailbox(t), {});
  await assert.rejects(queue.telling(notice('ann@example.org'), () => Promise.reject(new AppError('UNAVAILABLE'))), { code: 'UNAVAILABLE' });
  const [mail] = await mails.find().lean();
  assert.ok(mail && mail.nextAttemptAt.getTime() > mail.createdAt.getTime());
});

test('a mail that was found needless before what it tells of was done is sent once it is', async (t) => {
  const box = await mailbox(t);
  const prepare = accounts();
  let isDone = false;
  const { queue, mails, isEmpty } = await startProcess(t, freshDatabase(t), box, { prepare: async (mail) => (isDone ? prepare(mail) : undefined) });
  await queue.telling(notice('ann@example.org'), async () => {
    await mails.updateMany({ attempts: 0 }, { $set: { nextAttemptAt: new Date() } });
    await until('it was found needless', isEmpty);
    isDone = true;
  });
  assert.deepEqual((await box.next('ann@example.org')).recipients, ['ann@example.org']);
});

test('a mail that is being found needless while what it tells of is done is sent all the same', async (t) => {
  const box = await mailbox(t);
  const prepare = accounts();
  const looks = new EventEmitter();
  let looked = 0;
  const { queue, mails } = await startProcess(t, freshDatabase(t), box, {
    pace: { lease: 200 },
    async prepare(mail) {
      if (++looked > 1) return prepare(mail);
      looks.emit('begun');
      await once(looks, 'done');
      return undefined;
    },
  });
  await queue.telling(notice('ann@example.org'), async () => {
    const begun = once(looks, 'begun');
    await mails.updateMany({ attempts: 0 }, { $set: { nextAttemptAt: new Date() } });
    await begun;
  });
  looks.emit('done');
  await box.next('ann@example.org');
});

test('a mail that is removed as needless in the moment in which what it tells of is done comes back', async (t) => {
  const uri = freshDatabase(t);
  const { mails } = await createProcess(t, uri, await mailbox(t), {});
  const job = notice('ann@example.org');
  let updates = 0;
  // Removed between the first two looks.
  const removing = new Proxy(mails, {
    get(target, key): unknown {
      const value: unknown = Reflect.get(target, key, target);
      if (key !== 'updateOne' || ++updates !== 2) return typeof value === 'function' ? value.bind(target) : value;
      return async (...update: Parameters<typeof mails.updateOne>) => mails.deleteMany().then(() => mails.updateOne(...update));
    },
  });
  const queue = createMailQueue(removing, (error) => assert.fail(String(error)));
  await queue.telling(job, () => mails.updateMany({}, { $set: { attempts: 1 } }).exec());
  assert.deepEqual((await mails.find().lean()).map(({ attempts }) => attempts), [0]);
});

test('a mail that comes back keeps its place in the order, and one that was sent before what it tells of was done does not come back', async (t) => {
  const box = await mailbox(t);
  const prepare = accounts();
  const orders: string[] = [];
  let isNeedless = true;
  const { queue, mails, isEmpty } = await startProcess(t, freshDatabase(t), box, { prepare: async (mail) => {
    orders.push(mail.order);
    return isNeedless ? undefined : prepare(mail);
  } });
  const tell = async (): Promise<void> => queue.telling(notice('ann@example.org'), async () => {
    await mails.updateMany({ attempts: 0 }, { $set: { nextAttemptAt: new Date() } });
    await until('it was seen to', isEmpty);
  });
  await tell();
  await until('it was seen to again', isEmpty);
  assert.deepEqual([orders.length, new Set(orders).size], [2, 1]);
  isNeedless = false;
  await tell();
  await until('an empty queue', isEmpty);
  assert.deepEqual([orders.length, box.received.length], [3, 1]);
});
