/** Changes of what signs a person in, which their owner hears of whatever happens: by mail, and from the log. */
import { Types } from 'mongoose';
import type { Guest } from '../../core/contract.ts';
import { sha256 } from '../../core/hash.ts';
import type { MailKind, MailQueue, QueuedMail } from '../mails/mails.service.ts';
import type { SecurityKind } from '../security/security.contract.ts';
import type { SecurityService } from '../security/security.service.ts';
import type { Account } from './credentials.service.ts';

/** The changes that are told of, each with what of the account is another afterwards. */
const aspects = {
  'email-changed': ({ email }) => email,
  'password-changed': ({ passwordHash }) => passwordHash,
  'google-linked': ({ googleId }) => googleId,
  'google-unlinked': ({ googleId }) => googleId,
  'second-factor-on': ({ secondFactor }) => secondFactor?.confirmedAt,
  'second-factor-off': ({ secondFactor }) => secondFactor?.confirmedAt,
  'recovery-codes-renewed': ({ secondFactor }) => secondFactor?.recoveryHashes,
} as const satisfies Partial<Record<MailKind & SecurityKind, (account: Account) => unknown>>;

export interface Notice {
  kind: keyof typeof aspects;
  /** As it is before the change; the mail goes to its address. */
  account: Account;
  guest: Pick<Guest, 'ip' | 'userAgent'>;
  /** What the log says happened, if it has another name there. */
  entry?: SecurityKind;
  detail?: string;
  /** What the text of the mail names. */
  values?: Record<string, string>;
}

export interface NoticesService {
  /**
   * Does a change once its mail is stored, and enters it in the log. If this process dies meanwhile, whoever sends the mail
   * finds out whether it was done. A change that is refused, with an error of ours, leaves nothing.
   * @throws UNAVAILABLE if the store does not answer, and what the change throws
   */
  telling<T>(notice: Notice, change: () => Promise<T>): Promise<T>;
  /** For whoever sends a mail: false if what it tells of was not done; what was is in the log after this. */
  complete(mail: QueuedMail, account: Account): Promise<boolean>;
}

export function createNoticesService({ mails, security }: { mails: Pick<MailQueue, 'telling'>; security: Pick<SecurityService, 'record'> }): NoticesService {
  return {
    async telling({ kind, account, guest: { ip, userAgent }, entry = kind, detail, values }, change) {
      const id = new Types.ObjectId().toHexString();
      const known = { before: aspectOf(kind, account), entry, ip, userAgent, ...(detail !== undefined && { detail }) };
      const done = await mails.telling({ id, kind, userId: account.id, to: account.email, values: { ...values, ...known } }, change);
      await security.record(account.id, entry, { ip, userAgent }, detail, id);
      return done;
    },

    async complete({ id, kind, values: { before, entry, ip = '', userAgent = '', detail } }, account) {
      if (before === undefined || !isTold(kind)) return true;
      if (aspectOf(kind, account) === before) return false;
      await security.record(account.id, entry as SecurityKind, { ip, userAgent }, detail, id);
      return true;
    },
  };
}

const isTold = (kind: MailKind): kind is Notice['kind'] => kind in aspects;

const aspectOf = (kind: Notice['kind'], account: Account): string => sha256(JSON.stringify(aspects[kind](account) ?? null));
