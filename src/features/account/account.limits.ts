/** How many mails are sent that somebody else may have asked for. */
import type { CountersService, Limit } from '../counters/counters.service.ts';
import type { MailKind, QueuedMail } from '../mails/mails.service.ts';
import type { Account } from '../users/credentials.service.ts';

/**
 * Seconds for which a link for a new password is good, and also within which only so many are sent: whenever one is not
 * sent, the last one that was is still good.
 */
export const resetLifetime = 30 * 60;

const resets: Limit = { most: 5, within: resetLifetime * 1000 };

/** What anybody can have sent to anybody's address. */
const unasked: ReadonlySet<MailKind> = new Set(['verify-email', 'confirm-email', 'address-taken']);

/** For an address that whoever asks has not shown to be theirs. */
const unverified: Limit = { most: 5, within: 60 * 60_000 };

/** Whether a mail may be sent to the address; without an account for one that is gone. */
export function createMailLimits(counters: CountersService): (mail: QueuedMail, to: string, account?: Account) => Promise<boolean> {
  const isWithin = async (limit: Limit, { id }: QueuedMail, ...subject: unknown[]): Promise<boolean> => (await counters.count(['mail', ...subject], [limit], id)) === 0;

  return async (mail, to, account) => {
    // Apart, so that nobody who wishes for the address uses up the links of whoever has signed up with it.
    if (unasked.has(mail.kind)) return isWithin(unverified, mail, mail.kind, to);
    const owner = account?.me.emailVerified ? account : undefined;
    // What makes the links so far worthless begins a new count; but not for whoever may write to a stranger so.
    if (mail.kind === 'reset-password') return isWithin(resets, mail, 'reset', to, owner?.id, owner?.stamp);
    // Whoever signs up with a stranger's address must not fill the mailbox there by what they do to the account.
    return owner !== undefined || isWithin(unverified, mail, 'notice', to);
  };
}
