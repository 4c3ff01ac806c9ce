/** Linking a Google account under settings, and taking the link away. */
import { AppError } from '../../core/errors.ts';
import type { AccountParts, AccountService } from './account.service.ts';

/** What linking needs of Google. */
export interface GoogleVerification {
  /** @throws GOOGLE_REFUSED, GOOGLE_UNAVAILABLE */
  verify(idToken: string): Promise<{ googleId: string; email: string; emailVerified: boolean }>;
}

export function createGoogleLinks({ credentials, sessions, notices, google }: AccountParts): Pick<AccountService, 'linkGoogle' | 'unlinkGoogle'> {
  return {
    async linkGoogle(caller, { credential }) {
      if (!google) throw new AppError('GOOGLE_OFF');
      const account = await sessions.requireAccount(caller);
      const { googleId: linked, me, email: to, generation } = account;
      const { googleId, email, emailVerified } = await google.verify(credential);
      if (!emailVerified) throw new AppError('GOOGLE_EMAIL_UNVERIFIED');
      if (linked === googleId) return null;
      // Otherwise the address may be somebody else's, who would get the account with a stranger's way in.
      if (!me.emailVerified) throw new AppError('EMAIL_UNVERIFIED');
      if (linked !== undefined) throw new AppError('GOOGLE_TAKEN');
      await notices.telling({ kind: 'google-linked', account, guest: caller, detail: email }, async (notice) => {
        await sessions.requireAlive(caller);
        const changed = await credentials.change(caller.userId, { googleId, googleLinkedAt: new Date(), notice }, { googleId: null, email: to ?? null, generation });
        if (!changed) throw new AppError('GOOGLE_TAKEN');
      });
      return null;
    },

    async unlinkGoogle(caller) {
      const account = await sessions.requireAccount(caller);
      const { googleId, passwordHash, generation } = account;
      if (googleId === undefined) return null;
      if (passwordHash === undefined) throw new AppError('LAST_WAY_IN');
      const unlinking = notices.telling({ kind: 'google-unlinked', account, guest: caller }, async (notice) => {
        const changed = await credentials.change(caller.userId, { googleId: null, googleLinkedAt: null, unlinkedGoogleId: googleId, notice }, { googleId, passwordHash: { $exists: true }, generation });
        // All sessions had to end meanwhile; or of several at once one has done it.
        if (!changed) throw new AppError('SESSION_ENDED');
      });
      await unlinking.catch(async (error: unknown) => {
        if ((await credentials.require(caller.userId)).googleId === googleId) throw error;
      });
      return null;
    },
  };
}
