/** What people can ask about people. */
import { Type, type Static, type TSchema } from 'typebox';
import { event, operation } from '../../core/contract.ts';
import { Photo } from '../../core/photo.ts';
import { ordinary } from '../../core/rate.ts';
import { Email, formed, Id, Limit, Line, Lines, Name, pageOf, strictObject, Timestamp } from '../../core/schemas.ts';

export const Username = Type.String({
  ...formed('^[A-Za-z0-9_.-]{3,32}$', '3 to 32 letters, digits, dots, dashes or underscores'),
  description: '3 to 32 letters, digits, dots, dashes or underscores; compared without regard to case.',
});
export const FirstName = Name(50, 'The first or only name.');
export const LastName = Name(50, 'The last name.');

export const About = Lines(500, 'Whatever they say about themselves.');

const publicFields = {
  id: Id,
  username: Username,
  firstName: FirstName,
  lastName: Type.Optional(LastName),
  about: Type.Optional(About),
  photo: Type.Optional(Photo),
  removedAt: Type.Optional(Timestamp),
};

export const User = strictObject(publicFields, { title: 'User', description: 'A person, as anybody may see them. Of a removed account (removedAt is set) nothing is left but its id.' });
export type User = Static<typeof User>;

const privacyFields = {
  search: Type.Enum(['everyone', 'nobody'], { description: 'Who may find me by search.' }),
  lastSeen: Type.Enum(['everyone', 'contacts', 'nobody'], { description: 'Who may see whether I am here, and when I was last. Contacts are those to whom I have written in our private chat, or whose chat with me I have opened myself. Who tells nobody sees it of nobody.' }),
  groups: Type.Enum(['everyone', 'contacts', 'nobody'], { description: 'Who may add me to a group.' }),
  readReceipts: Type.Boolean({ description: 'Others see how far I have read, and I see it of others.' }),
};

export const Privacy = strictObject(privacyFields, { title: 'Privacy' });
export type Privacy = Static<typeof Privacy>;

export const UserLanguage = Type.Enum(['en', 'ru'], { description: 'The language of mails.' });

export const Me = strictObject(
  {
    ...publicFields,
    email: Type.Optional(Email),
    emailVerified: Type.Boolean({ description: 'Somebody has followed the link that was sent there.' }),
    language: UserLanguage,
    privacy: Privacy,
    signIn: strictObject({
      password: Type.Boolean({ description: 'There is a password.' }),
      google: Type.Boolean({ description: 'A Google account is linked.' }),
      secondFactor: Type.Boolean({ description: 'A code is asked for as well.' }),
    }),
    createdAt: Timestamp,
  },
  { title: 'Me', description: 'A person, as they see themselves.' },
);
export type Me = Static<typeof Me>;

/** What can be wrong with a file that a photo is to be made of. */
export const photoErrors = ['FILE_NOT_FOUND', 'FILE_TOO_LARGE', 'IMAGE_EXPECTED', 'IMAGE_UNFIT', 'DISK_FULL', 'MEDIA_UNAVAILABLE', 'BUSY'] as const;

const orNothing = <T extends TSchema>(schema: T) => Type.Optional(Type.Union([schema, Type.Null()]));

export const usersContract = {
  operations: {
    'users.me': operation({
      summary: 'Who I am.',
      access: 'user',
      rate: ordinary,
      input: strictObject({}),
      output: Me,
      errors: [],
    }),
    'users.get': operation({
      summary: 'One person.',
      access: 'user',
      rate: ordinary,
      input: strictObject({ id: Id }),
      output: User,
      errors: ['USER_NOT_FOUND'],
    }),
    'users.update': operation({
      summary: 'Change my profile, username, language or privacy; null takes something away.',
      access: 'user',
      rate: { per: 'caller', count: 60, seconds: 60 },
      input: strictObject({
        id: Type.Union([Type.Literal('me'), Id], { description: '`me`, or my id.' }),
        firstName: Type.Optional(FirstName),
        lastName: orNothing(LastName),
        about: orNothing(About),
        username: Type.Optional(Username),
        language: Type.Optional(UserLanguage),
        photo: orNothing({ ...Id, description: 'The id of an image that I have sent in, of 10 MB at most: what is in its middle is made square.' }),
        privacy: Type.Optional(
          strictObject({
            search: Type.Optional(privacyFields.search),
            lastSeen: Type.Optional(privacyFields.lastSeen),
            groups: Type.Optional(privacyFields.groups),
            readReceipts: Type.Optional(privacyFields.readReceipts),
          }),
        ),
      }),
      output: Me,
      errors: ['NOT_YOURSELF', 'USERNAME_TAKEN', ...photoErrors],
    }),
    'users.search': operation({
      summary: 'People whose names or username have words that start with the words given.',
      access: 'user',
      rate: { per: 'caller', count: 2, seconds: 1, burst: 30 },
      input: strictObject({
        search: Line(100, 'One word or several; all of them have to fit.'),
        limit: Limit(20),
      }),
      output: pageOf(User),
      errors: [],
    }),
  },
  events: {
    'user.updated': event({ summary: 'My own account has changed, here or on another device.', payload: Me }),
  },
};
