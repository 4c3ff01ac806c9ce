/** The queue of mails: sent in the background, each once, whatever hangs, refuses or restarts. */
import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import mongoose, { Types } from 'mongoose';
import type { Language } from '../../src/core/contract.ts';
import { withDeadline } from '../../src/core/deadline.ts';
import { createBell } from '../../src/features/mails/mail.bell.ts';
import { createMailLeases } from '../../src/features/mails/mail.leases.ts';
import { mailKinds, mailModel, type MailModel } from '../../src/features/mails/mail.model.ts';
import { texts } from '../../src/features/mails/mail.texts.ts';
import { backOff, createMailWorker, type MailWorker, type Pace } from '../../src/features/mails/mail.worker.ts';
import { createMailQueue, type MailJob, type MailQueue, type PreparedMail, type QueuedMail } from '../../src/features/mails/mails.service.ts';
import { createMailer, type Mailer } from '../../src/plugins/mailer.ts';
import { createIndexes } from '../../src/plugins/mongo.ts';
import { freshDatabase } from '../helpers/app.ts';
import { mailbox, type Mailbox, type ReceivedMail } from '../helpers/mailbox.ts';
import { countWaitingMails } from '../helpers/store.ts';
import { until } from '../helpers/until.ts';

const tokenMark = 'a-secret-token';
const tokenLink = (count: number): string => `https://app.example.org/confirm?a=1&token=${tokenMark}-${count}`;
const hasLink = (kind: MailJob['kind']): boolean => texts[kind].en.button !== undefined;

interface MailProcess {
  queue: MailQueue;
  worker: MailWorker;
  mails: MailModel;
  mailer: Mailer;
  /** What the worker reported, each with its causes. */
  errors: string[];
  /** Nothing waits in the database. */
  isEmpty: () => Promise<boolean>;
}

interface ProcessOptions {
  pace?: Partial<Pace>;
  prepare?: (mail: QueuedMail) => Promise<PreparedMail | undefined>;
  /** Sees the worker's way to the store, and to the mail server, first. */
  store?: (mails: MailModel) => MailModel;
  send?: (mailer: Mailer) => Mailer;
}

/** Somebody who knows accounts, and makes another link for each attempt. */
function accounts(name = 'Ann'): (mail: QueuedMail) => Promise<PreparedMail> {
  let tokens = 0;
  return ({ kind, language, to = 'ann@example.org', values }) => Promise.resolve({ to, language, name, values, ...(hasLink(kind) && { link: tokenLink(++tokens) }) });
}

/** Looks at the queue hardly ever unless woken, and tries again at once. */
const testPace: Partial<Pace> = { idle: 25, firstRetry: 10, longestRetry: 50 };

async function startProcess(t: TestContext, uri: string, box: Mailbox, options: ProcessOptions = {}): Promise<MailProcess> {
  const started = await createProcess(t, uri, box, options);
  started.worker.start();
  return started;
}

async function createProcess(t: TestContext, uri: string, box: Mailbox, { pace, prepare = accounts(), store = (mails) => mails, send = (mailer) => mailer }: ProcessOptions): Promise<MailProcess> {
  const mailer = createMailer({ smtpUrl: box.smtpUrl, from: 'no-reply@chat.example.org', dataDir: '/nowhere', log: { warn: () => undefined } });
  const errors: string[] = [];
  const connection = await mongoose.createConnection(uri).asPromise();
  const mails = mailModel(connection);
  await createIndexes(uri, connection);
  const queue = createMailQueue(mails, (error) => errors.push(withCauses(error)));
  const worker = createMailWorker({ mails: store(mails), queue, mailer: send(mailer), prepare, onError: (error) => errors.push(withCauses(error)), pace: { ...testPace, ...pace } });
  t.after(async () => {
    await worker.stop();
    await mailer.close();
    await connection.close();
  });
  return { queue, worker, mails, mailer, errors, isEmpty: async () => (await countWaitingMails(connection)) === 0 };
}

const withCauses = (error: unknown): string => (error instanceof Error ? `${error.message}; ${error.cause === undefined ? '' : withCauses(error.cause)}` : String(error));

const values = { device: 'Firefox on Linux', newEmail: 'new@example.org' };
const notice = (to: string, others: Partial<MailJob> = {}): MailJob => ({ kind: 'password-changed', language: 'en', to, values, ...others });

/** The real store; whoever watches is told of each step first, and may throw. */
const watching = (mails: MailModel, watch: (step: string) => void): MailModel =>
  new Proxy(mails, {
    get(target, key) {
      const value: unknown = Reflect.get(target, key, target);
      if (typeof value !== 'function') return value;
      watch(String(key));
      return value.bind(target) as unknown;
    },
  });

/** A store one of whose steps fails the first so many times. */
const failing = (step: 'deleteOne' | 'findOneAndUpdate', times: number) => (mails: MailModel): MailModel =>
  watching(mails, (taken) => {
    if (taken === step && times-- > 0) throw new Error('the store is silent');
  });

const hrefsOf = (html: string): string[] => [...html.matchAll(/(?:href|src)="([^"]*)"/g)].map(([, href = '']) => href.replaceAll('&amp;', '&'));

for (const language of ['en', 'ru'] as const satisfies Language[]) {
  test(`every kind of mail arrives complete, as text and as HTML, in the language ${language}`, async (t) => {
    const box = await mailbox(t);
    const { queue } = await startProcess(t, freshDatabase(t), box);
    await Promise.all(mailKinds.map((kind) => queue.enqueue({ kind, language, to: `${kind}@example.org`, values })));
    for (const kind of mailKinds) {
      const { subject, text, html, link } = await box.next(`${kind}@example.org`);
      const whole = `${subject}\n${text}\n${html}`;
      assert.equal(/[а-яё]/i.test(subject), language === 'ru', subject);
      assert.equal(/[а-яё]/i.test(text), language === 'ru', text);
      assert.ok(html.includes(`<html lang="${language}">`));
      assert.ok(text.includes('Ann') && html.includes('Ann'));
      assert.doesNotMatch(whole, /\{|\}|undefined/);
      assert.equal(link?.includes(tokenMark) ?? false, hasLink(kind));
      assert.deepEqual(hrefsOf(html), hasLink(kind) ? [link] : [], 'the link, and nothing else from elsewhere');
      assert.doesNotMatch(html, /<(?!\/?(?:html|head|meta|title|body|div|p|a)\b|!doctype)|url\(/i);
    }
  });
}

test('a mail names what happened: the device, the moment, the new address', async (t) => {
  const box = await mailbox(t);
  const { queue } = await startProcess(t, freshDatabase(t), box);
  const year = String(new Date().getUTCFullYear());
  await queue.enqueue(notice('en@example.org'));
  await queue.enqueue(notice('ru@example.org', { language: 'ru' }));
  await queue.enqueue(notice('old@example.org', { kind: 'email-changed' }));
  for (const to of ['en@example.org', 'ru@example.org']) {
    const { text, html } = await box.next(to);
    for (const part of [text, html]) for (const named of [values.device, year, 'UTC']) assert.ok(part.includes(named), `${named} in ${part}`);
  }
  const { text, html } = await box.next('old@example.org');
  for (const part of [text, html]) assert.ok(part.includes(values.newEmail));
});

test('whoever did not sign up is told not to follow the link', async (t) => {
  const box = await mailbox(t);
  const { queue } = await startProcess(t, freshDatabase(t), box);
  await queue.enqueue({ kind: 'verify-email', language: 'en', to: 'en@example.org' });
  await queue.enqueue({ kind: 'verify-email', language: 'ru', to: 'ru@example.org' });
  assert.match((await box.next('en@example.org')).text, /not you who signed up, do not follow the link/);
  assert.match((await box.next('ru@example.org')).text, /регистрировались не вы, не переходите по ссылке/);
});

const headersOf = ({ headers }: ReceivedMail): string[] => headers.map(({ key }) => key);

test('whatever a name or a value holds, it becomes no header, no recipient, no markup and no line', async (t) => {
  const box = await mailbox(t);
  const uri = freshDatabase(t);
  const harmless = await startProcess(t, uri, box);
  await harmless.queue.enqueue(notice('plain@example.org'));
  const plain = await box.next('plain@example.org');
  await harmless.worker.stop();
  const hostile = [
    '<script>alert(1)</script>',
    '"><img src=x onerror=alert(1)>',
    `O'Brien "Bob" & <b>sons</b>`,
    'Ann\r\nBcc: eve@example.org\r\n\r\nHello',
    'Ann\n.\nMAIL FROM:<eve@example.org>',
    'Ann\u2028\u2029\u0085\u0000 Bcc: eve@example.org',
    '\u202Eevil\u2066\u200F',
    '{newEmail} {link} $& $1',
    '=?utf-8?q?Bcc:_eve@example.org?=',
  ];
  for (const [index, name] of hostile.entries()) {
    const to = `hostile-${index}@example.org`;
    const { queue, worker } = await startProcess(t, uri, box, { prepare: accounts(name) });
    await queue.enqueue(notice(to, { values: { device: name } }));
    const mail = await box.next(to);
    await worker.stop();
    assert.deepEqual(headersOf(mail), headersOf(plain), name);
    assert.deepEqual([mail.to, mail.recipients, mail.subject], [[to], [to], plain.subject]);
    assert.equal(mail.text.split('\n').length, plain.text.split('\n').length, mail.text);
    assert.deepEqual(mail.html.match(/<[\w/!]+/g), plain.html.match(/<[\w/!]+/g), mail.html);
    assert.doesNotMatch(mail.text + mail.html, /[\u202A-\u202E\u2066-\u2069\u200E\u200F]|(?![\n\r])\p{Cc}/u);
  }
});

test('people are greeted by their names, unless a mail program would make a link of it', async (t) => {
  const box = await mailbox(t);
  const uri = freshDatabase(t);
  for (const [index, [name, greeting]] of [
    ['Ann', 'Hello Ann,'],
    ["Séan O'Brien Jr. ☘️", "Hello Séan O'Brien Jr. ☘️,"],
    ['نرگس\u200Cپور', 'Hello نرگس\u200Cپور,'],
    ['You won https://evil.example', 'Hello,'],
    ['evil.example', 'Hello,'],
    ['claim@evil.example', 'Hello,'],
    ['A'.repeat(65), 'Hello,'],
    ['\u202E', 'Hello,'],
  ].entries()) {
    const { queue, worker } = await startProcess(t, uri, box, { prepare: accounts(name) });
    await queue.enqueue(notice(`${index}@example.org`));
    const { text } = await box.next(`${index}@example.org`);
    await worker.stop();
    assert.equal(text.split('\n')[0], greeting);
  }
});

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
  assert.deepEqual([1, 2, 3, 9, 10, 2000].map((attempts) => backOff(attempts)), [1000, 2000, 4000, 256_000, 300_000, 300_000]);
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
