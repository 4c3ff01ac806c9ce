/** Blocking people: they cannot reach me, and do not learn of it. */
import { Type } from 'typebox';
import { event, operation } from '../../core/contract.ts';
import { ordinary } from '../../core/rate.ts';
import { Id, Limit, Nothing, pageOf, strictObject } from '../../core/schemas.ts';
import { User } from '../users/users.contract.ts';

/** Most people that one person blocks. */
export const blockedAtMost = 1000;

const Other = strictObject({ userId: Id });
const changing = { per: 'caller', count: 1, seconds: 1, burst: 30 } as const;

export const blocksContract = {
  operations: {
    'blocks.list': operation({
      summary: 'The people I block, by id.',
      access: 'user',
      rate: ordinary,
      input: strictObject({ after: Type.Optional(Id), limit: Limit(50) }),
      output: pageOf(User),
      errors: [],
    }),
    'blocks.create': operation({
      summary: 'Block a person: I get none of what they write to me alone, we do not see when the other is here, and neither adds the other to a group. They are told nothing.',
      access: 'user',
      rate: changing,
      input: Other,
      output: Nothing,
      errors: ['USER_NOT_FOUND', 'NOT_WITH_YOURSELF', 'TOO_MANY_BLOCKED'],
    }),
    'blocks.remove': operation({
      summary: 'Block a person no longer. What they wrote to me alone meanwhile stays unseen.',
      access: 'user',
      rate: changing,
      input: Other,
      output: Nothing,
      errors: [],
    }),
  },
  events: {
    'block.created': event({ summary: 'I block this person now, here or on another device.', payload: Other }),
    'block.removed': event({ summary: 'I do not block this person any more.', payload: Other }),
  },
};
