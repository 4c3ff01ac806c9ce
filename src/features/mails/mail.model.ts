/** How mails are stored that wait to be sent. No secret lies here: links are made when a mail is sent. */
import { Schema, type Connection, type mongo, type Types } from 'mongoose';
import type { Language } from '../../core/contract.ts';

/** The occasions on which people are written to. */
export const mailKinds = [
  'verify-email',
  'reset-password',
  'confirm-email',
  'address-taken',
  'email-changed',
  'changes-undone',
  'password-changed',
  'session-stolen',
  'google-linked',
  'google-unlinked',
  'second-factor-on',
  'second-factor-off',
  'recovery-codes-renewed',
  'account-removed',
] as const;
export type MailKind = (typeof mailKinds)[number];

export interface MailDocument {
  _id: Types.ObjectId;
  /** There is to be no second one with its id, so that stays when the mail has been sent. */
  once?: true;
  kind: MailKind;
  language: Language;
  userId?: Types.ObjectId;
  to?: string;
  values: Record<string, string>;
  /** How often it was taken up; with each time, whoever had it before has no say in it any more. */
  attempts: number;
  /** When it may be taken up. For one that is under way: when it counts as abandoned. */
  nextAttemptAt: Date;
  createdAt: Date;
  /** By the clock of the store, which gives it. */
  order: mongo.Timestamp;
  /** After this nobody would be glad of it. */
  giveUpAt: Date;
}

const schema = new Schema<MailDocument>(
  {
    once: Boolean,
    kind: { type: String, enum: mailKinds, required: true },
    language: { type: String, required: true },
    userId: Schema.Types.ObjectId,
    to: String,
    values: { type: Schema.Types.Mixed, required: true },
    attempts: { type: Number, required: true },
    nextAttemptAt: { type: Date, required: true },
    createdAt: { type: Date, required: true },
    order: Schema.Types.Mixed,
    giveUpAt: { type: Date, required: true },
  },
  { collection: 'mails', versionKey: false },
);
schema.index({ nextAttemptAt: 1 });
// The worker gives up by itself, and says so; this is for a server that has none, and for the ids that stay.
schema.index({ giveUpAt: 1 }, { expireAfterSeconds: 24 * 60 * 60 });

export const mailModel = (connection: Connection) => connection.model('Mail', schema);
export type MailModel = ReturnType<typeof mailModel>;

/** Mails of older versions come after one another in no order; all of them before those to come. */
export async function orderMails(mails: MailModel): Promise<void> {
  await mails.collection.updateMany({ order: { $exists: false } }, { $currentDate: { order: { $type: 'timestamp' } } });
}
