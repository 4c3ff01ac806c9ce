/** Linking a Google account under settings, and taking the link away. */
import { AppError } from '../../core/errors.ts';
import type { AccountParts, AccountService } from './account.service.ts';

/** What linking needs of Google. */
export interface GoogleVerification {
  /** @throws GOOGLE_REFUSED, GOOGLE_UNAVAILABLE */
  verify(idToken: string): Promise<{ googleId: string; email: string; emailVerified: boolean }>;
}

export function createGoogleLinks({ credentials, sessions, security, mails, google }: AccountParts): Pick<AccountService, 'linkGoogle' | 'unlinkGoogle'> {
  return {
    async linkGoogle(caller, { credential }) {
      if (!google) throw new AppError('GOOGLE_OFF');
      const { googleId: linked, me, email: to, generation } = await sessions.requireAccount(caller);
      const { googleId, email, emailVerified } = await google.verify(credential);
      if (!emailVerified) throw new AppError('GOOGLE_EMAIL_UNVERIFIED');
      if (linked === googleId) return null;
      // Otherwise the address may be somebody else's, who would get the account with a stranger's way in.
      if (!me.emailVerified) throw new AppError('EMAIL_UNVERIFIED');
      await mails.telling({ kind: 'google-linked', userId: caller.userId, to }, async () => {
        await sessions.requireAlive(caller);
        const account = await credentials.change(caller.userId, { googleId, googleLinkedAt: new Date() }, { googleId: null, email: to ?? null, generation });
        if (!account) throw new AppError('GOOGLE_TAKEN');
      });
      await security.record(caller.userId, 'google-linked', caller, email);
      return null;
    },

    async unlinkGoogle(caller) {
      const { googleId, passwordHash, generation } = await sessions.requireAccount(caller);
      if (googleId === undefined) return null;
      if (passwordHash === undefined) throw new AppError('LAST_WAY_IN');
      const account = await credentials.change(caller.userId, { googleId: null, googleLinkedAt: null, unlinkedGoogleId: googleId }, { googleId, passwordHash: { $exists: true }, generation });
      if (!account) {
        // Of several at once one has done it; or all sessions had to end meanwhile.
        if ((await credentials.require(caller.userId)).googleId !== googleId) return null;
        throw new AppError('SESSION_ENDED');
      }
      await security.record(caller.userId, 'google-unlinked', caller);
      await mails.notify({ kind: 'google-unlinked', userId: account.id, to: account.email });
      return null;
    },
  };
}
