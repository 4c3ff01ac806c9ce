/** What people can ask about people. */
import { Type, type Static } from 'typebox';
import { operation } from '../../core/contract.ts';
import { ordinary } from '../../core/rate.ts';
import { Email, Id, Line, Name, pageOf, strictObject, Timestamp } from '../../core/schemas.ts';

export const Username = Type.String({
  pattern: '^[A-Za-z0-9_.-]{3,32}$',
  description: '3 to 32 letters, digits, dots, dashes or underscores; compared without regard to case.',
});
export const FirstName = Name(50, 'The first or only name.');
export const LastName = Name(50, 'The last name.');

const publicFields = { id: Id, username: Username, firstName: FirstName, lastName: Type.Optional(LastName) };

export const User = strictObject(publicFields, { title: 'User', description: 'A person, as anybody may see them.' });
export type User = Static<typeof User>;

export const Me = strictObject(
  { ...publicFields, email: Type.Optional(Email), createdAt: Timestamp },
  { title: 'Me', description: 'A person, as they see themselves.' },
);
export type Me = Static<typeof Me>;

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
    'users.search': operation({
      summary: 'People whose names or username have words that start with the words given.',
      access: 'user',
      rate: { per: 'caller', count: 120, seconds: 60, burst: 30 },
      input: strictObject({
        search: Line(100, 'One word or several; all of them have to fit.'),
        limit: Type.Integer({ minimum: 1, maximum: 100, default: 20 }),
      }),
      output: pageOf(User),
      errors: [],
    }),
  },
  events: {},
};
