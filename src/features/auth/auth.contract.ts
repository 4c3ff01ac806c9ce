/** Signing up, in and out, and keeping a session alive. */
import { Type, type Static } from 'typebox';
import { event, operation } from '../../core/contract.ts';
import { ordinary } from '../../core/rate.ts';
import { Email, GivenPassword, Id, Nothing, Password, strictObject, Timestamp } from '../../core/schemas.ts';
import { AnyCode } from '../totp/totp.contract.ts';
import { FirstName, LastName, Me, UserLanguage, Username } from '../users/users.contract.ts';

const RefreshToken = Type.String({ minLength: 1, maxLength: 200, description: 'Good for one refresh; every refresh gives the next. Asked again with the same one within 20 seconds, by the same device in the same network, the answer has the same next one.' });

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

export const Refreshed = strictObject(tokenFields, { title: 'Refreshed', description: 'Without a refresh token where another device or network has used the old one within the last 20 seconds.' });
export type Refreshed = Static<typeof Refreshed>;

export const GoogleCredential = Type.String({ minLength: 1, maxLength: 10_000, description: 'The ID token that the Google button gives; good once.' });

export const authContract = {
  operations: {
    'auth.register': operation({
      summary: 'Make an account and sign in; a mail with a link to verify the address follows.',
      access: 'anyone',
      rate: { per: 'address', count: 60, seconds: 3600 },
      input: strictObject({
        email: Email,
        password: Password,
        firstName: FirstName,
        lastName: Type.Optional(LastName),
        username: Type.Optional(Username),
        language: Type.Optional(UserLanguage),
        refresh: RefreshDelivery,
      }),
      output: SignedIn,
      errors: ['PASSWORD_TOO_EASY', 'EMAIL_TAKEN', 'USERNAME_TAKEN', 'SESSION_ENDED', 'BUSY'],
    }),
    'auth.login': operation({
      summary: 'Sign in with a password, and an e-mail or a username.',
      access: 'anyone',
      rate: { per: 'address', count: 60, seconds: 60 },
      input: strictObject({ email: Type.Optional(Email), username: Type.Optional(Username), password: GivenPassword, refresh: RefreshDelivery }),
      output: SignedIn,
      errors: ['WRONG_CREDENTIALS', 'SECOND_FACTOR_REQUIRED', 'SESSION_ENDED', 'BUSY'],
    }),
    'auth.loginWithGoogle': operation({
      summary: 'Sign in with what the Google button gives; a new address makes an account.',
      access: 'anyone',
      rate: { per: 'address', count: 60, seconds: 60 },
      input: strictObject({
        credential: GoogleCredential,
        nonce: Type.Optional(Type.String({ minLength: 1, maxLength: 200, description: 'The one that the page gave the button.' })),
        refresh: RefreshDelivery,
      }),
      output: SignedIn,
      errors: ['GOOGLE_OFF', 'GOOGLE_REFUSED', 'GOOGLE_EMAIL_UNVERIFIED', 'GOOGLE_NOT_LINKED', 'GOOGLE_UNAVAILABLE', 'SECOND_FACTOR_REQUIRED', 'SESSION_ENDED'],
    }),
    'auth.verifySecondFactor': operation({
      summary: 'The second step of a sign-in: the code, with the token that the first step gave.',
      access: 'anyone',
      rate: { per: 'address', count: 60, seconds: 60 },
      input: strictObject({ challengeToken: Type.String({ minLength: 1, maxLength: 200 }), code: AnyCode, refresh: RefreshDelivery }),
      output: SignedIn,
      errors: ['WRONG_CODE', 'CHALLENGE_EXPIRED', 'SESSION_ENDED'],
    }),
    'auth.confirm': operation({
      summary: 'Prove again who I am, for what needs a fresh sign-in: by password, or with Google; with a code as well if the second factor is on.',
      access: 'user',
      rate: { per: 'caller', count: 30, seconds: 60 },
      input: strictObject({ password: Type.Optional(GivenPassword), credential: Type.Optional(GoogleCredential), code: Type.Optional(AnyCode) }),
      output: Nothing,
      errors: ['WRONG_PASSWORD', 'WRONG_CODE', 'GOOGLE_OFF', 'GOOGLE_REFUSED', 'GOOGLE_UNAVAILABLE', 'BUSY'],
    }),
    'auth.refresh': operation({
      summary: 'Trade the refresh token for a new access token and the next refresh token.',
      access: 'anyone',
      rate: { per: 'address', count: 300, seconds: 60 },
      input: strictObject({ refreshToken: Type.Optional(RefreshToken) }),
      output: Refreshed,
      errors: ['SESSION_ENDED'],
    }),
    'auth.renew': operation({
      summary: 'Give this connection a new access token of its session, before the old one runs out.',
      access: 'user',
      rate: ordinary,
      wire: 'websocket',
      input: strictObject({ accessToken: Type.String({ minLength: 1, maxLength: 2000 }) }),
      output: strictObject({ expiresAt: Timestamp }),
      errors: [],
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
      payload: strictObject({
        userId: Id,
        sessionId: Id,
        expiresAt: Type.Unsafe<string>({ ...Timestamp, description: 'When the access token runs out. A minute later the connection is closed, unless auth.renew has been called.' }),
      }),
    }),
    'connection.skipped': event({
      summary: 'This connection was read too slowly for everything, and events of these kinds were left out. It has caught up now.',
      payload: strictObject({ kinds: Type.Array(Type.Enum(['presence', 'marks']), { description: 'presence: call presence.watch again. marks: sync.' }) }),
    }),
  },
};
