/** What the mails about an account say, decided when each is sent: to whom, and with which link. */
import type { PreparedMail, QueuedMail } from '../mails/mails.service.ts';
import type { SecurityService } from '../security/security.service.ts';
import type { TokenPurpose, TokensService } from '../tokens/tokens.service.ts';
import type { Account, CredentialsService } from '../users/credentials.service.ts';

export interface AccountMailsParts {
  credentials: CredentialsService;
  tokens: TokensService;
  security: SecurityService;
  publicUrl: string;
  appUrl: string | undefined;
}

const minute = 60;
const day = 24 * 60 * minute;

/** More than these within an hour are not sent: the last one is still good. */
const resetMailsPerHour = 5;

/** Undefined when there is nothing to send any more. */
export function createAccountMails(parts: AccountMailsParts): (mail: QueuedMail) => Promise<PreparedMail | undefined> {
  const { credentials, tokens, publicUrl, appUrl } = parts;
  const linkTo = async (path: string, base: string, purpose: TokenPurpose, token: { userId: string; email: string; lifetime: number; newestOnly?: true }): Promise<string> => {
    const { email, ...rest } = token;
    return `${base.replace(/\/$/, '')}${path}?token=${await tokens.issue(purpose, { ...rest, data: { email } })}`;
  };

  return async (mail) => {
    if (mail.kind === 'account-removed') return mail.to === undefined ? undefined : { to: mail.to, language: mail.language, name: mail.values['name'] ?? '', values: mail.values };
    const account = await (mail.kind === 'reset-password' ? findForReset(parts, mail) : mail.userId !== undefined ? credentials.find({ id: mail.userId }) : undefined);
    const to = mail.to ?? account?.email;
    if (!account || to === undefined) return undefined;
    const whole = { to, language: account.me.language, name: account.me.firstName, values: mail.values };
    const token = { userId: account.id, email: to };
    switch (mail.kind) {
      case 'verify-email':
        if (account.me.emailVerified) return undefined;
        return { ...whole, link: await linkTo('/verify-email', publicUrl, 'verify-email', { ...token, lifetime: 3 * day, newestOnly: true }) };
      case 'reset-password':
        return { ...whole, link: await linkTo('/reset-password', appUrl ?? publicUrl, 'reset-password', { ...token, lifetime: 30 * minute, newestOnly: true }) };
      case 'confirm-email':
        return { ...whole, link: await linkTo('/confirm-email', publicUrl, 'confirm-email', { ...token, lifetime: day, newestOnly: true }) };
      case 'email-changed':
        return { ...whole, link: await linkTo('/undo-email', publicUrl, 'undo-email', { ...token, lifetime: 7 * day }) };
      default:
        return whole;
    }
  };
}

async function findForReset({ credentials, security }: AccountMailsParts, { to = '', values }: QueuedMail): Promise<Account | undefined> {
  const account = await credentials.find({ email: to });
  if (!account) return undefined;
  const requested = await security.count(account.id, 'password-reset-requested', new Date(Date.now() - 60 * minute * 1000));
  if (requested >= resetMailsPerHour) return undefined;
  await security.record(account.id, 'password-reset-requested', { ip: values['ip'] ?? '', userAgent: values['userAgent'] ?? '' });
  return account;
}
