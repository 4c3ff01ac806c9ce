/** Changes of what signs a person in, which their owner hears of whatever happens: by mail, and from the log. */
import { Types } from 'mongoose';
import type { Guest } from '../../core/contract.ts';
import type { Id } from '../../core/schemas.ts';
import type { MailKind, MailQueue, QueuedMail } from '../mails/mails.service.ts';
import type { SecurityKind } from '../security/security.contract.ts';
import type { SecurityService } from '../security/security.service.ts';
import type { Account } from './credentials.service.ts';

export interface Notice {
  kind: MailKind & SecurityKind;
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
   * Does a change once its mail is stored, and enters it in the log. The change notes in the account, in the same write, by
   * which notice it is told of: if this process dies meanwhile, whoever sends the mail finds out whether it was made. A
   * change that is refused, with an error of ours, leaves nothing.
   * @throws UNAVAILABLE if the store does not answer, and what the change throws
   */
  telling<T>(notice: Notice, change: (notice: Id) => Promise<T>): Promise<T>;
  /** For whoever sends a mail: false if what it tells of was not done; what was is in the log after this. */
  complete(mail: QueuedMail, account: Account): Promise<boolean>;
}

export interface NoticesParts {
  mails: Pick<MailQueue, 'telling'>;
  security: Pick<SecurityService, 'record' | 'isRecorded'>;
  onError: (error: unknown) => void;
}

export function createNoticesService({ mails, security, onError }: NoticesParts): NoticesService {
  return {
    async telling({ kind, account, guest: { ip, userAgent }, entry = kind, detail, values }, change) {
      const id = new Types.ObjectId().toHexString();
      const at = new Date();
      const known = { entry, at: at.toISOString(), ip, userAgent, ...(detail !== undefined && { detail }) };
      const done = await mails.telling({ id, kind, userId: account.id, to: account.email, values: { ...values, ...known } }, () => change(id));
      // If that fails, it is made up for before the mail is sent.
      await security.record(account.id, entry, { ip, userAgent }, detail, { id, at }).catch(onError);
      return done;
    },

    async complete({ id, values: { entry, at = '', ip = '', userAgent = '', detail } }, account) {
      if (entry === undefined) return true;
      // The account knows the last ones only; what was made out once stays so, however much somebody changes after it.
      if (!account.notices.includes(id)) return security.isRecorded(id);
      await security.record(account.id, entry as SecurityKind, { ip, userAgent }, detail, { id, at: new Date(at) });
      return true;
    },
  };
}
