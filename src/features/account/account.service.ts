/** My own account: its address, its password, what else signs me in, and its end. */
import type { Service } from '../../core/contract.ts';
import type { MailQueue } from '../mails/mails.service.ts';
import type { PasswordsService } from '../passwords/passwords.service.ts';
import type { SecurityService } from '../security/security.service.ts';
import type { SessionsService } from '../sessions/sessions.service.ts';
import type { TokensService } from '../tokens/tokens.service.ts';
import type { CredentialsService } from '../users/credentials.service.ts';
import type { NoticesService } from '../users/notices.service.ts';
import type { accountContract } from './account.contract.ts';
import { createEmailChanges } from './account.email.ts';
import { createGoogleLinks, type GoogleVerification } from './account.google.ts';
import { createPasswordChanges } from './account.password.ts';
import type { Removals } from './account.removal.ts';
import { createUndo } from './account.undo.ts';

export type AccountService = Service<typeof accountContract>;

export interface AccountParts {
  credentials: CredentialsService;
  sessions: SessionsService;
  passwords: PasswordsService;
  tokens: TokensService;
  security: SecurityService;
  notices: NoticesService;
  mails: MailQueue;
  /** Absent where signing in with Google is not set up. */
  google: GoogleVerification | undefined;
  removals: Removals;
}

export const createAccountService = (parts: AccountParts): AccountService => ({
  ...createEmailChanges(parts),
  ...createPasswordChanges(parts),
  ...createGoogleLinks(parts),
  ...createUndo(parts),
  remove: async (caller, input) => parts.removals.remove(caller, input),
});
