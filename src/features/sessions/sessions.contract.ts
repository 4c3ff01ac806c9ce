/** Where I am signed in, and how to end that. */
import { Type, type Static } from 'typebox';
import { operation } from '../../core/contract.ts';
import { ordinary } from '../../core/rate.ts';
import { Id, Nothing, pageOf, strictObject, Timestamp } from '../../core/schemas.ts';

export const Session = strictObject(
  {
    id: Id,
    device: Type.String({ description: 'What the device said it was at the sign-in, such as "Firefox on Linux".' }),
    ip: Type.String({ description: 'The address that used it last.' }),
    createdAt: Timestamp,
    lastUsedAt: Timestamp,
    current: Type.Boolean({ description: 'It is the one that asks.' }),
  },
  { title: 'Session' },
);
export type Session = Static<typeof Session>;

export const sessionsContract = {
  operations: {
    'sessions.list': operation({
      summary: 'My sessions, the most recently used first.',
      access: 'user',
      rate: ordinary,
      input: strictObject({}),
      output: pageOf(Session),
      errors: [],
    }),
    'sessions.end': operation({
      summary: 'End one of my sessions; its tokens are worthless and its sockets closed at once.',
      access: 'user',
      rate: ordinary,
      input: strictObject({ id: Id }),
      output: Nothing,
      errors: ['SESSION_NOT_FOUND'],
    }),
    'sessions.endOthers': operation({
      summary: 'End all my sessions but this one.',
      access: 'user',
      rate: ordinary,
      input: strictObject({}),
      output: Nothing,
      errors: [],
    }),
  },
  events: {},
};
