/** The queue of mails: what is in it outlives the process and is sent in the background. */
import { EventEmitter } from 'node:events';
import { Types, type mongo } from 'mongoose';
import type { Language } from '../../core/contract.ts';
import { storePatience, withDeadline } from '../../core/deadline.ts';
import { AppError, statusOf, unlessDuplicate } from '../../core/errors.ts';
import { toOrder, type Order } from '../../core/order.ts';
import type { Id } from '../../core/schemas.ts';
import type { MailDocument, MailKind, MailModel } from './mail.model.ts';

export type { MailKind } from './mail.model.ts';

/** A mail that somebody is to get. It is stored, so it must hold no secret: no token, no link. */
export interface MailJob {
  /** Of all mails with the same id one is sent, for as long as mails of its kind are worth sending. */
  id?: Id;
  kind: MailKind;
  /** For a mail about an account that is gone when it is sent; all others are in that of the account. */
  language?: Language;
  /** Whose account it is about. */
  userId?: Id;
  /**
   * The address it goes to; without one, that which the account has when it is sent. What tells of a change goes to the
   * address of that moment: a thief may change it before the mail is sent.
   */
  to?: string | undefined;
  /** What the text names: `device`, `newEmail`. */
  values?: Record<string, string>;
}

/** A mail whose turn has come. */
export interface QueuedMail extends MailJob {
  /** Stays the same however often it is tried. */
  id: Id;
  language: Language;
  values: Record<string, string>;
  /** How often it has been tried, this time included. */
  attempts: number;
  /** Which of two was stored first, in whichever processes. */
  order: Order;
}

/** All that has to be known to write a mail, looked up in the moment it is sent. */
export interface PreparedMail {
  to: string;
  language: Language;
  /** What the person is called. */
  name: string;
  /** With a token made for this very attempt. */
  link?: string;
  values: Record<string, string>;
}

export interface MailQueue {
  /** The mail is stored once this resolves; nothing waits for its being sent. @throws UNAVAILABLE if the store does not answer */
  enqueue(job: MailJob): Promise<void>;
  /** The same for a mail that tells of what has been done already: what fails is reported, and fails nothing else. */
  notify(job: MailJob): Promise<void>;
  /**
   * Does what a mail tells of, once the mail is stored: whoever has a right to know of it learns of it whatever dies
   * meanwhile. If the deed is refused, with an error of ours, there is no mail. Where it stays open whether it was done,
   * the mail is due in ten seconds, and that is for whoever prepares it to find out.
   * @throws UNAVAILABLE if the store does not answer, and what the deed throws
   */
  telling<T>(job: MailJob, deed: () => Promise<T>): Promise<T>;
  /** Calls whenever this process has stored a mail. */
  onEnqueued(listener: () => void): void;
}

const minute = 60;
const day = 24 * 60 * minute;

/** Seconds for which a mail is worth sending. */
const shorter: Partial<Record<MailKind, number>> = { 'reset-password': 30 * minute, 'verify-email': day, 'confirm-email': day };
const goodFor = (kind: MailKind): number => shorter[kind] ?? 2 * day;

/** Milliseconds until a mail that is held is due all the same; by then a write that was begun is done, or has failed. */
const held = 10_000;

export function createMailQueue(mails: MailModel, onError: (error: unknown) => void): MailQueue {
  const events = new EventEmitter();
  const enqueue: MailQueue['enqueue'] = async (job) => {
    await withDeadline(insertOnce(mails, toDocument(job)), storePatience);
    events.emit('enqueued');
  };
  return {
    enqueue,
    notify: async (job) => enqueue(job).catch(onError),
    async telling(job, deed) {
      const document: NewMail = { ...toDocument(job), once: true };
      const order = await withDeadline(insertOnce(mails, { ...document, nextAttemptAt: new Date(Date.now() + held) }), storePatience);
      try {
        const done = await deed();
        await withDeadline(makeDue(mails, document, order), storePatience).catch(onError);
        events.emit('enqueued');
        return done;
      } catch (error) {
        if (isRefusal(error)) await withDeadline<unknown>(mails.deleteOne({ _id: document._id, attempts: 0 }).exec(), storePatience).catch(onError);
        throw error;
      }
    },
    onEnqueued: (listener) => void events.on('enqueued', listener),
  };
}

const isRefusal = (error: unknown): boolean => error instanceof AppError && statusOf(error.code) < 500;

/**
 * It may have been found needless before what it tells of was done. If it is about to be removed, it counts as taken up
 * again, which keeps it, and is due when its lease ends; if it is removed already, it comes back, as of when it was first stored.
 */
async function makeDue(mails: MailModel, document: NewMail, order: mongo.Timestamp | undefined): Promise<void> {
  const { _id, nextAttemptAt } = document;
  if ((await mails.updateOne({ _id, attempts: 0 }, { $set: { nextAttemptAt } })).matchedCount === 1) return;
  if ((await mails.updateOne({ _id, attempts: { $gt: 0 } }, { $inc: { attempts: 1 } })).matchedCount === 1) return;
  // What stays of one that was sent keeps it out.
  if (order) await unlessDuplicate(mails.collection.insertOne({ ...document, order }));
}

/** Gives the order that it got; undefined if there is, or was, one with this id. */
async function insertOnce(mails: MailModel, { _id, ...rest }: NewMail): Promise<mongo.Timestamp | undefined> {
  const update = { $setOnInsert: rest, $currentDate: { order: { $type: 'timestamp' } } } as const;
  const stored = await unlessDuplicate(mails.collection.findOneAndUpdate({ _id, giveUpAt: { $exists: false } }, update, { upsert: true, returnDocument: 'after' }));
  return stored?.['order'] as mongo.Timestamp | undefined;
}

type NewMail = Omit<MailDocument, 'order'>;

function toDocument({ id, kind, language = 'en', userId, to, values = {} }: MailJob): NewMail {
  const createdAt = new Date();
  return {
    _id: new Types.ObjectId(id),
    ...(id !== undefined && { once: true }),
    kind,
    language,
    ...(userId !== undefined && { userId: new Types.ObjectId(userId) }),
    ...(to !== undefined && { to }),
    values,
    attempts: 0,
    nextAttemptAt: createdAt,
    createdAt,
    giveUpAt: new Date(createdAt.getTime() + goodFor(kind) * 1000),
  };
}

export function toQueuedMail({ _id, kind, language, userId, to, values, attempts, order }: MailDocument): QueuedMail {
  return { id: _id.toHexString(), kind, language, ...(userId && { userId: userId.toHexString() }), ...(to !== undefined && { to }), values, attempts, order: toOrder(order) };
}
