/** A process that sends mails: the queue, its worker and its way to a mail server, on a database that others may share. */
import type { TestContext } from 'node:test';
import mongoose from 'mongoose';
import { mailModel, type MailModel } from '../../src/features/mails/mail.model.ts';
import { texts } from '../../src/features/mails/mail.texts.ts';
import { createMailWorker, type MailWorker, type Pace } from '../../src/features/mails/mail.worker.ts';
import { createMailQueue, type MailJob, type MailQueue, type PreparedMail, type QueuedMail } from '../../src/features/mails/mails.service.ts';
import { createMailer, type Mailer } from '../../src/plugins/mailer.ts';
import { prepareStore } from '../../src/plugins/mongo.ts';
import type { Mailbox } from './mailbox.ts';
import { countWaitingMails } from './store.ts';

export const tokenMark = 'a-secret-token';
export const tokenLink = (count: number): string => `https://app.example.org/confirm?a=1&token=${tokenMark}-${count}`;
export const hasLink = (kind: MailJob['kind']): boolean => texts[kind].en.button !== undefined;

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
export function accounts(name = 'Ann'): (mail: QueuedMail) => Promise<PreparedMail> {
  let tokens = 0;
  return ({ kind, language, to = 'ann@example.org', values }) => Promise.resolve({ to, language, name, values, ...(hasLink(kind) && { link: tokenLink(++tokens) }) });
}

/** Looks at the queue hardly ever unless woken, and tries again at once. */
const testPace: Partial<Pace> = { idle: 25, firstRetry: 10, longestRetry: 50 };

export async function startProcess(t: TestContext, uri: string, box: Mailbox, options: ProcessOptions = {}): Promise<MailProcess> {
  const started = await createProcess(t, uri, box, options);
  started.worker.start();
  return started;
}

export async function createProcess(t: TestContext, uri: string, box: Mailbox, { pace, prepare = accounts(), store = (mails) => mails, send = (mailer) => mailer }: ProcessOptions): Promise<MailProcess> {
  const mailer = createMailer({ smtpUrl: box.smtpUrl, from: 'no-reply@chat.example.org', dataDir: '/nowhere', log: { warn: () => undefined } });
  const errors: string[] = [];
  const connection = await mongoose.createConnection(uri).asPromise();
  const mails = mailModel(connection);
  await prepareStore(uri, connection);
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

export const values = { device: 'Firefox on Linux', newEmail: 'new@example.org' };
export const notice = (to: string, others: Partial<MailJob> = {}): MailJob => ({ kind: 'password-changed', language: 'en', to, values, ...others });

/** The real store; whoever watches is told of each step first, and may throw. */
export const watching = (mails: MailModel, watch: (step: string) => void): MailModel =>
  new Proxy(mails, {
    get(target, key) {
      const value: unknown = Reflect.get(target, key, target);
      if (typeof value !== 'function') return value;
      watch(String(key));
      return value.bind(target) as unknown;
    },
  });
