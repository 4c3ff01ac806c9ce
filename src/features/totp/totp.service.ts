/** The second factor: switched on with a first code, asked for at every sign-in, switched off with password and code. */
import type { Caller, Guest, Service } from '../../core/contract.ts';
import { AppError } from '../../core/errors.ts';
import type { Guesses } from '../passwords/guesses.service.ts';
import type { PasswordsService } from '../passwords/passwords.service.ts';
import type { SecurityService } from '../security/security.service.ts';
import type { SessionsService } from '../sessions/sessions.service.ts';
import type { Account, CredentialsService } from '../users/credentials.service.ts';
import type { NoticesService } from '../users/notices.service.ts';
import { hashRecoveryCode, makeRecoveryCodes } from './recovery.codes.ts';
import { findStep, makeSecret, otpauthUri } from './totp.codes.ts';
import type { totpContract } from './totp.contract.ts';

export interface TotpService extends Service<typeof totpContract> {
  /**
   * Uses up a code of an account whose second factor is on: one from the app, or a recovery code.
   * @throws WRONG_CODE, RATE_LIMITED
   */
  use(account: Account, code: string, guest: Guest): Promise<void>;
}

export interface TotpParts {
  credentials: CredentialsService;
  sessions: SessionsService;
  passwords: PasswordsService;
  guesses: Guesses;
  security: SecurityService;
  notices: NoticesService;
}

export function createTotpService(parts: TotpParts): TotpService {
  const { credentials, sessions, passwords, notices } = parts;
  const use = createUse(parts);
  const requireOn = async (caller: Caller): Promise<Account> => {
    const account = await sessions.requireAccount(caller);
    if (!account.secondFactor?.confirmedAt) throw new AppError('SECOND_FACTOR_OFF');
    return account;
  };

  return {
    use,
    ...createEnrolment(parts),

    async renewRecoveryCodes(caller, { code }) {
      const account = await requireOn(caller);
      await use(account, code, caller);
      const recoveryCodes = makeRecoveryCodes();
      await notices.telling({ kind: 'recovery-codes-renewed', account, guest: caller }, async (notice) => {
        await sessions.requireAlive(caller);
        const changed = await credentials.change(caller.userId, { 'secondFactor.recoveryHashes': recoveryCodes.map(hashRecoveryCode), notice }, { 'secondFactor.confirmedAt': { $exists: true }, generation: account.generation });
        if (!changed) throw new AppError('SECOND_FACTOR_OFF');
      });
      return { recoveryCodes };
    },

    async disable(caller, { password, code }) {
      const account = await requireOn(caller);
      if (account.passwordHash !== undefined) await passwords.require(account, password, caller);
      await use(account, code, caller);
      await notices.telling({ kind: 'second-factor-off', account, guest: caller }, async (notice) => {
        await sessions.requireAlive(caller);
        if (!(await credentials.change(caller.userId, { secondFactor: null, notice }, { generation: account.generation }))) throw new AppError('SECOND_FACTOR_OFF');
      });
      return null;
    },
  };
}

function createEnrolment({ credentials, sessions, notices }: TotpParts): Pick<TotpService, 'enrol' | 'confirm'> {
  return {
    async enrol(caller) {
      const { me, generation } = await sessions.requireAccount(caller);
      if (!me.emailVerified) throw new AppError('EMAIL_UNVERIFIED');
      const secret = makeSecret();
      const account = await credentials.change(caller.userId, { secondFactor: { secret, lastStep: 0, recoveryHashes: [] } }, { 'secondFactor.confirmedAt': null, generation });
      if (!account) throw new AppError('SECOND_FACTOR_ON');
      return { secret, uri: otpauthUri(secret, { account: account.email ?? account.me.username, issuer: 'Parley' }) };
    },

    async confirm(caller, { code }) {
      const account = await sessions.requireAccount(caller);
      const { secondFactor, generation, email } = account;
      if (!secondFactor) throw new AppError('SECOND_FACTOR_OFF');
      if (secondFactor.confirmedAt) throw new AppError('SECOND_FACTOR_ON');
      const step = findStep(secondFactor.secret, code, Date.now());
      if (step === undefined) throw new AppError('WRONG_CODE');
      const recoveryCodes = makeRecoveryCodes();
      const confirmed = { secret: secondFactor.secret, confirmedAt: new Date(), lastStep: step, recoveryHashes: recoveryCodes.map(hashRecoveryCode) };
      await notices.telling({ kind: 'second-factor-on', account, guest: caller }, async (notice) => {
        await sessions.requireAlive(caller);
        const changed = await credentials.change(caller.userId, { secondFactor: confirmed, ending: { but: caller.sessionId }, notice }, { 'secondFactor.secret': secondFactor.secret, 'secondFactor.confirmedAt': null, email: email ?? null, generation });
        // Somebody else has switched it on meanwhile.
        if (!changed) throw new AppError('SECOND_FACTOR_ON');
      });
      await sessions.endNoted(caller.userId);
      return { recoveryCodes };
    },
  };
}

function createUse({ credentials, guesses, security }: TotpParts): TotpService['use'] {
  const isGood = async ({ id, secondFactor }: Account, code: string, guest: Guest): Promise<boolean> => {
    if (!secondFactor) return false;
    const step = findStep(secondFactor.secret, code, Date.now());
    if (step !== undefined) return credentials.useStep(id, step);
    const isRecovery = await credentials.useRecoveryHash(id, hashRecoveryCode(code));
    if (isRecovery) await security.record(id, 'recovery-code-used', guest);
    return isRecovery;
  };
  const look = async (account: Account, code: string, guest: Guest): Promise<boolean> => {
    const guess = await guesses.begin(`code:${account.id}`, guest, () => security.hasSignedInFrom(account.id, guest.ip), 'anywhere');
    return guess.settle(() => isGood(account, code, guest));
  };
  return async (account, code, guest) => {
    if (await look(account, code, guest)) return;
    await security.record(account.id, 'second-factor-failed', guest);
    throw new AppError('WRONG_CODE');
  };
}
