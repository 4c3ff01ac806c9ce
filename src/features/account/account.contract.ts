/** My own account: its address, its password, what else signs me in, and its end. */
import { Type } from 'typebox';
import { operation } from '../../core/contract.ts';
import { Email, GivenPassword, Nothing, Password, strictObject } from '../../core/schemas.ts';
import { GoogleCredential } from '../auth/auth.contract.ts';

const LinkToken = Type.String({ minLength: 1, maxLength: 200, description: 'The token in the link of the mail.' });

/** Whoever follows a link does it once; whoever guesses tokens has no chance, and is slowed down all the same. */
const following = { per: 'address', count: 60, seconds: 60 } as const;
const changing = { per: 'caller', count: 30, seconds: 60 } as const;
const mailing = { per: 'caller', count: 10, seconds: 3600 } as const;

export const accountContract = {
  operations: {
    'account.sendVerificationEmail': operation({
      summary: 'Send the mail with the link to verify my address once more. Nothing is sent if it is verified.',
      access: 'user',
      rate: mailing,
      input: strictObject({}),
      output: Nothing,
      errors: [],
    }),
    'account.verifyEmail': operation({
      summary: 'Verify an address by the link that was sent there.',
      access: 'anyone',
      rate: following,
      input: strictObject({ token: LinkToken }),
      output: Nothing,
      errors: ['LINK_EXPIRED'],
    }),
    'account.changeEmail': operation({
      summary: 'Send a link to a new address; once it is followed, that is the address of the account. It is good for a day, while the session that asked for it lasts and what signs in stays the same.',
      access: 'fresh',
      rate: mailing,
      input: strictObject({ email: Email }),
      output: Nothing,
      errors: [],
    }),
    'account.confirmEmail': operation({
      summary: 'Confirm a new address by the link that was sent there; the old one, if it was verified, gets a link that undoes it.',
      access: 'anyone',
      rate: following,
      input: strictObject({ token: LinkToken }),
      output: Nothing,
      errors: ['LINK_EXPIRED', 'EMAIL_TAKEN'],
    }),
    'account.undo': operation({
      summary: 'Undo a change that somebody else has made: the account gets back the address to which the link was sent, loses what was added to sign in with, its password and all its sessions, and the address is sent a link for a new password.',
      access: 'anyone',
      rate: following,
      input: strictObject({ token: LinkToken }),
      output: Nothing,
      errors: ['LINK_EXPIRED', 'EMAIL_TAKEN'],
    }),
    'account.changePassword': operation({
      summary: 'Change the password, or set the first one after a fresh sign-in; all other sessions are ended.',
      access: 'user',
      rate: changing,
      input: strictObject({ oldPassword: Type.Optional(GivenPassword), password: Password }),
      output: Nothing,
      errors: ['WRONG_PASSWORD', 'PASSWORD_TOO_EASY', 'FRESH_SIGN_IN_REQUIRED', 'BUSY'],
    }),
    'account.sendResetEmail': operation({
      summary: 'Send a link for a new password, if there is an account with this address; the answer does not tell.',
      access: 'anyone',
      rate: { per: 'address', count: 20, seconds: 3600 },
      input: strictObject({ email: Email }),
      output: Nothing,
      errors: [],
    }),
    'account.resetPassword': operation({
      summary: 'Set a new password by the link of the mail; all sessions are ended.',
      access: 'anyone',
      rate: following,
      input: strictObject({ token: LinkToken, password: Password }),
      output: Nothing,
      errors: ['LINK_EXPIRED', 'PASSWORD_TOO_EASY', 'BUSY'],
    }),
    'account.linkGoogle': operation({
      summary: 'Link a Google account, to sign in with it from now on; the mail about it has a link that undoes it.',
      access: 'fresh',
      rate: changing,
      input: strictObject({ credential: GoogleCredential }),
      output: Nothing,
      errors: ['GOOGLE_OFF', 'GOOGLE_REFUSED', 'GOOGLE_EMAIL_UNVERIFIED', 'EMAIL_UNVERIFIED', 'GOOGLE_TAKEN', 'GOOGLE_UNAVAILABLE'],
    }),
    'account.unlinkGoogle': operation({
      summary: 'Sign in with Google no more. The last way into an account cannot be removed.',
      access: 'fresh',
      rate: changing,
      input: strictObject({}),
      output: Nothing,
      errors: ['LAST_WAY_IN', 'SESSION_ENDED'],
    }),
    'account.remove': operation({
      summary: 'Remove my account for good, with the password or within five minutes of a sign-in with Google.',
      access: 'user',
      rate: changing,
      input: strictObject({
        password: Type.Optional(GivenPassword),
        messages: Type.Enum(['keep', 'remove'], { default: 'keep', description: 'What becomes of my messages: they stay as those of a deleted account, or they are removed.' }),
      }),
      output: Nothing,
      errors: ['WRONG_PASSWORD', 'FRESH_SIGN_IN_REQUIRED', 'SESSION_ENDED', 'BUSY'],
    }),
  },
  events: {},
};
