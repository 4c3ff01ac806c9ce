/** What the mails about an account say, decided when each is sent: to whom, and with which link. */
import type { Guest } from '../../core/contract.ts';
import type { CountersService } from '../counters/counters.service.ts';
import type { MailKind, PreparedMail, QueuedMail } from '../mails/mails.service.ts';
import type { SecurityService } from '../security/security.service.ts';
import type { SessionsService } from '../sessions/sessions.service.ts';
import type { TokenPurpose, TokensService } from '../tokens/tokens.service.ts';
import type { Account, CredentialsService } from '../users/credentials.service.ts';
import type { NoticesService } from '../users/notices.service.ts';
import { createMailLimits, resetLifetime } from './account.limits.ts';
import { isStillWished } from './account.links.ts';

export interface AccountMailsParts {
  credentials: CredentialsService;
  sessions: Pick<SessionsService, 'wishOf' | 'endStolen'>;
  tokens: TokensService;
  security: SecurityService;
  notices: Pick<NoticesService, 'complete'>;
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
  /** Of what there is one link, the newest; without it all of them are good. */
  onePer?: 'account' | 'session';
}

/** By which the owner undoes what somebody else may have done. */
const undoing: LinkDeclaration = { path: '/undo', purpose: 'undo', lifetime: 7 * day };

const resetting: LinkDeclaration = { path: '/reset-password', purpose: 'reset-password', lifetime: resetLifetime, onePer: 'account' };

/** Where links lead. All pages are our own but that for a new password, which the app has if there is one. */
const links: Partial<Record<MailKind, LinkDeclaration>> = {
  'verify-email': { path: '/verify-email', purpose: 'verify-email', lifetime: 3 * day, onePer: 'account' },
  'reset-password': resetting,
  'changes-undone': resetting,
  'confirm-email': { path: '/confirm-email', purpose: 'confirm-email', lifetime: day, onePer: 'session' },
  'email-changed': undoing,
  'google-linked': undoing,
  'second-factor-on': undoing,
};

/** Undefined when there is nothing to send any more. */
export function createAccountMails(parts: AccountMailsParts): (mail: QueuedMail) => Promise<PreparedMail | undefined> {
  const { tokens, counters, security, publicUrl, appUrl = publicUrl } = parts;
  const isAllowed = createMailLimits(counters);
  /** Undefined where a later mail has brought a newer one. */
  const makeLink = async ({ path, purpose, lifetime, onePer }: LinkDeclaration, { order: since, values }: QueuedMail, { id: userId, stamp }: Account, email: string): Promise<string | undefined> => {
    // Of a wish it is known in which session it was made, and what signed in then.
    const terms = { userId, lifetime, data: { email, since, stamp, ...(onePer === 'session' && values) } };
    const token = onePer === undefined ? await tokens.issue(purpose, terms) : await tokens.issueNewest(purpose, { ...terms, of: (onePer === 'session' ? values['sessionId'] : undefined) ?? userId });
    return token === undefined ? undefined : `${path === resetting.path ? appUrl : publicUrl}${path}?token=${token}`;
  };

  return async (mail) => {
    const { kind, language, values } = mail;
    // Of an account that is gone nothing is known but what the mail itself says.
    if (kind === 'account-removed') return mail.to !== undefined && (await isAllowed(mail, mail.to)) ? { to: mail.to, language, name: values['name'] ?? '', values } : undefined;
    // Whoever was to do so may have died after the mail was stored.
    if (kind === 'session-stolen' && mail.userId !== undefined) await parts.sessions.endStolen({ sessionId: mail.id, userId: mail.userId }, whereFrom(values));
    const account = await findAccount(parts, mail);
    if (!account || !(await parts.notices.complete(mail, account))) return undefined;
    const to = mail.to ?? account.email;
    if (to === undefined || isNeedless(kind, account, to)) return undefined;
    if (!(await isAllowed(mail, to, account))) return undefined;
    if (kind === 'reset-password') await recordRequest(parts, mail, account);
    // Before a link is made, which would end the one before it.
    if (kind === 'confirm-email' && !(await isStillWished(parts.sessions, values, account))) return undefined;
    const declared = links[kind];
    const link = declared && (await makeLink(declared, mail, account, to));
    if (declared && link === undefined) return undefined;
    // After it, as what undoes it is recorded first: so one of the two sees the other.
    if (declared === undoing && (await security.isUndone(account.id, mail.order))) return undefined;
    return { to, language: account.me.language, name: account.me.firstName, values, ...(link !== undefined && { link }) };
  };
}

/** Whether what the mail asks for is done already, or can no longer be done. */
function isNeedless(kind: MailKind, { email, me }: Account, to: string): boolean {
  if (kind === 'verify-email') return me.emailVerified;
  if (kind === 'confirm-email') return email === to;
  // A link for a new password is good at the address of the account alone.
  return kind === 'changes-undone' && email !== to;
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
