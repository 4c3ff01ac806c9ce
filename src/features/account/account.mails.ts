/** What the mails about an account say, decided when each is sent: to whom, and with which link. */
import type { Guest } from '../../core/contract.ts';
import type { CountersService } from '../counters/counters.service.ts';
import type { MailKind, PreparedMail, QueuedMail } from '../mails/mails.service.ts';
import type { SecurityService } from '../security/security.service.ts';
import type { SessionsService } from '../sessions/sessions.service.ts';
import type { TokenPurpose, TokensService } from '../tokens/tokens.service.ts';
import type { Account, CredentialsService } from '../users/credentials.service.ts';
import { createMailLimits, resetLifetime } from './account.limits.ts';
import { isStillWished } from './account.links.ts';

export interface AccountMailsParts {
  credentials: CredentialsService;
  sessions: Pick<SessionsService, 'isAlive' | 'endStolen'>;
  tokens: TokensService;
  security: SecurityService;
  counters: CountersService;
  publicUrl: string;
  appUrl: string | undefined;
}

const day = 24 * 60 * 60;

interface LinkDeclaration {
  path: string;
  purpose: TokenPurpose;
  /** Seconds for which the token is good. */
  lifetime: number;
  newestOnly?: true;
}

/** By which the owner undoes what somebody else may have done. */
const undoing: LinkDeclaration = { path: '/undo', purpose: 'undo', lifetime: 7 * day };

const resetting: LinkDeclaration = { path: '/reset-password', purpose: 'reset-password', lifetime: resetLifetime, newestOnly: true };

/** Where links lead. All pages are our own but that for a new password, which the app has if there is one. */
const links: Partial<Record<MailKind, LinkDeclaration>> = {
  'verify-email': { path: '/verify-email', purpose: 'verify-email', lifetime: 3 * day, newestOnly: true },
  'reset-password': resetting,
  'changes-undone': resetting,
  'confirm-email': { path: '/confirm-email', purpose: 'confirm-email', lifetime: day, newestOnly: true },
  'email-changed': undoing,
  'google-linked': undoing,
  'second-factor-on': undoing,
};

/** Undefined when there is nothing to send any more. */
export function createAccountMails(parts: AccountMailsParts): (mail: QueuedMail) => Promise<PreparedMail | undefined> {
  const { tokens, counters, security, publicUrl, appUrl = publicUrl } = parts;
  const isAllowed = createMailLimits(counters);
  const linkFor = async ({ kind, createdAt, values }: QueuedMail, { id: userId, stamp }: Account, email: string): Promise<string | undefined> => {
    const declared = links[kind];
    if (!declared) return undefined;
    const { path, purpose, ...terms } = declared;
    const base = declared === resetting ? appUrl : publicUrl;
    return `${base}${path}?token=${await tokens.issue(purpose, { ...terms, userId, data: { email, since: createdAt.toISOString(), stamp, ...(kind === 'confirm-email' && values) } })}`;
  };

  return async (mail) => {
    const { kind, language, values } = mail;
    // Of an account that is gone nothing is known but what the mail itself says.
    if (kind === 'account-removed') return mail.to !== undefined && (await isAllowed(mail, mail.to)) ? { to: mail.to, language, name: values['name'] ?? '', values } : undefined;
    // Whoever was to do so may have died after the mail was stored.
    if (kind === 'session-stolen' && mail.userId !== undefined) await parts.sessions.endStolen({ sessionId: mail.id, userId: mail.userId }, whereFrom(values));
    const account = await findAccount(parts, mail);
    const to = mail.to ?? account?.email;
    if (!account || to === undefined || isNeedless(kind, account, to)) return undefined;
    if (!(await isAllowed(mail, to, account))) return undefined;
    if (kind === 'reset-password') await recordRequest(parts, mail, account);
    // Before a link is made, which would end the one before it.
    if (kind === 'confirm-email' && !(await isStillWished(parts, values, account))) return undefined;
    const link = await linkFor(mail, account, to);
    // After it, as what undoes it is recorded first: so one of the two sees the other.
    if (links[kind] === undoing && (await security.isUndone(account.id, mail.createdAt))) return undefined;
    return { to, language: account.me.language, name: account.me.firstName, values, ...(link !== undefined && { link }) };
  };
}

/** Whether what the mail is about is no more, or never came to be. */
function isNeedless(kind: MailKind, { email, me, googleId, secondFactor }: Account, to: string): boolean {
  if (kind === 'verify-email') return me.emailVerified;
  if (kind === 'email-changed') return email === to;
  if (kind === 'google-linked') return googleId === undefined;
  return kind === 'second-factor-on' && secondFactor?.confirmedAt === undefined;
}

/** A link for a new password is asked for by address: whose that is was not looked up until now. */
async function findAccount({ credentials }: AccountMailsParts, { kind, userId, to }: QueuedMail): Promise<Account | undefined> {
  if (kind === 'reset-password') return credentials.find({ email: to ?? '' });
  return userId === undefined ? undefined : credentials.find({ id: userId });
}

async function recordRequest({ security }: AccountMailsParts, { attempts, values }: QueuedMail, account: Account): Promise<void> {
  if (attempts > 1) return;
  await security.record(account.id, 'password-reset-requested', whereFrom(values));
}

const whereFrom = ({ ip = '', userAgent = '' }: Record<string, string>): Pick<Guest, 'ip' | 'userAgent'> => ({ ip, userAgent });
