/** What must still be so in the instant in which an account is changed by a link in a mail. */
import type { Account, Condition } from '../users/credentials.service.ts';

/** Its address and all that signs in are what they were when the account was read. */
export const unchanged = ({ email, me, googleId, secondFactor, generation }: Account): Condition => ({
  email: email ?? null,
  emailVerifiedAt: { $exists: me.emailVerified },
  googleId: googleId ?? null,
  'secondFactor.confirmedAt': secondFactor?.confirmedAt ?? null,
  generation,
});
