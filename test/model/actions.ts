/** What people may do in a history: anything, in any order. */
import * as fc from 'fast-check';

export const emojis = ['👍', '❤️', '😂', '🎉'];

const who = fc.nat(2);
const circumstances = { by: who, other: who, app: fc.nat(1), a: fc.nat(1000), b: fc.nat(1000) };
const step = <K extends string>(kind: K, weight: number) => ({ weight, arbitrary: fc.record({ kind: fc.constant(kind), ...circumstances }).map((one) => [one]) });

/** While a device is away its person leaves a group of three, so does another one, and the third brings the first back. */
const comesAgain = {
  weight: 2,
  arbitrary: fc.record({ ...circumstances, by: fc.nat(1) }).map(({ by, other, ...rest }) => {
    const [left, third] = other === by ? [2, 1 - by] : [other, 3 - by - other];
    const does = <K extends string>(kind: K, who: number, to = by) => ({ ...rest, kind, by: who, other: to });
    return [does('add', by, third), does('add', by, left), does('connect', by), does('look', by), does('drop', by), does('leave', by), does('leave', left), does('add', third)];
  }),
};

export const actions = fc
  .array(
    fc.oneof(
      ...[step('send', 8), step('again', 2), step('reply', 2), step('edit', 2), step('remove', 1), step('react', 3), step('unreact', 1), step('hide', 2), step('clear', 1), step('arrange', 1), step('read', 3), step('receive', 2)],
      ...[step('private', 2), step('open', 1), step('group', 1), step('add', 2), step('expel', 1), step('ban', 1), step('unban', 1), step('appoint', 2), step('leave', 1), step('end', 1), step('update', 2), step('block', 2), step('unblock', 2), step('rename', 1), step('tell', 1)],
      ...[step('drop', 2), step('connect', 3), step('sync', 1), step('look', 6)],
      comesAgain,
    ),
    { minLength: 5, maxLength: 30, size: 'max' },
  )
  .map((some) => some.flat());
export type Action = typeof actions extends fc.Arbitrary<(infer A)[]> ? A : never;
