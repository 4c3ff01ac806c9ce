/** Signing up, in and out, and keeping a session alive. */
import { Type, type Static } from 'typebox';
import { event, operation } from '../../core/contract.ts';
import { Email, Id, Nothing, Password, strictObject } from '../../core/schemas.ts';
import { FirstName, LastName, Me, Username } from '../users/users.contract.ts';

const RefreshToken = Type.String({ minLength: 1, maxLength: 200, description: 'Good for one refresh; every refresh gives the next.' });

const RefreshDelivery = Type.Enum(['cookie', 'body'], {
  default: 'cookie',
  description: 'Where the refresh token goes over HTTP: a cookie for browsers, the body for apps. A socket has no cookies: always the body.',
});

const tokenFields = {
  accessToken: Type.String({ description: 'A JWT; send it as `Authorization: Bearer …`.' }),
  expiresIn: Type.Integer({ description: 'Seconds for which the access token is good.' }),
  refreshToken: Type.Optional(RefreshToken),
};

export const SignedIn = strictObject({ user: Me, ...tokenFields }, { title: 'SignedIn' });
export type SignedIn = Static<typeof SignedIn>;

export const Refreshed = strictObject(tokenFields, {
  title: 'Refreshed',
  description: 'There is no new refresh token when the old one had been used within the last 20 seconds: the answer to that use has it.',
});
export type Refreshed = Static<typeof Refreshed>;

export const authContract = {
  operations: {
    'auth.register': operation({
      summary: 'Make an account and sign in.',
      access: 'anyone',
      rate: { per: 'address', count: 60, seconds: 3600 },
      input: strictObject({
        email: Email,
        password: Password,
        firstName: FirstName,
        lastName: Type.Optional(LastName),
        username: Type.Optional(Username),
        refresh: RefreshDelivery,
      }),
      output: SignedIn,
      errors: ['EMAIL_TAKEN', 'USERNAME_TAKEN', 'BUSY'],
    }),
    'auth.login': operation({
      summary: 'Sign in with a password, and an e-mail or a username.',
      access: 'anyone',
      rate: { per: 'address', count: 60, seconds: 60 },
      input: strictObject({
        email: Type.Optional(Email),
        username: Type.Optional(Username),
        password: Type.String({ minLength: 1, maxLength: 1000 }),
        refresh: RefreshDelivery,
      }),
      output: SignedIn,
      errors: ['WRONG_CREDENTIALS', 'BUSY'],
    }),
    'auth.refresh': operation({
      summary: 'Trade the refresh token for a new access token and the next refresh token.',
      access: 'anyone',
      rate: { per: 'address', count: 300, seconds: 60 },
      input: strictObject({ refreshToken: Type.Optional(RefreshToken) }),
      output: Refreshed,
      errors: ['SESSION_ENDED'],
    }),
    'auth.logout': operation({
      summary: 'End the session of the caller and that of the refresh token, whichever is given; their sockets are closed.',
      access: 'anyone',
      rate: { per: 'address', count: 300, seconds: 60 },
      input: strictObject({ refreshToken: Type.Optional(RefreshToken) }),
      output: Nothing,
      errors: [],
    }),
  },
  events: {
    'connection.ready': event({
      summary: 'The first event on every connection: from here on nothing is missed, so now is the time to sync.',
      payload: strictObject({ userId: Id, sessionId: Id }),
    }),
  },
};
