/** What has happened to an account: who signed in, from where, and what was changed. */
import { Type, type Static } from 'typebox';
import { operation } from '../../core/contract.ts';
import { ordinary } from '../../core/rate.ts';
import { Id, Limit, pageOf, strictObject, Timestamp } from '../../core/schemas.ts';

export const SecurityKind = Type.Enum(
  [
    'registered',
    'signed-in',
    'sign-in-failed',
    'signed-out',
    'session-ended',
    'session-stolen',
    'username-changed',
    'password-changed',
    'password-reset-requested',
    'password-reset',
    'email-verified',
    'email-change-requested',
    'email-changed',
    'changes-undone',
    'google-linked',
    'google-unlinked',
    'second-factor-on',
    'second-factor-off',
    'second-factor-asked',
    'second-factor-failed',
    'password-failed',
    'recovery-code-used',
    'recovery-codes-renewed',
  ],
  { description: 'What happened.' },
);
export type SecurityKind = Static<typeof SecurityKind>;

export const SecurityEntry = strictObject(
  {
    id: Id,
    kind: SecurityKind,
    at: Timestamp,
    ip: Type.String({ description: 'The address it came from.' }),
    device: Type.String({ description: 'What the device says it is, such as "Firefox on Linux".' }),
    detail: Type.Optional(Type.String({ description: 'How, or what exactly: "google", the new e-mail address …' })),
  },
  { title: 'SecurityEntry' },
);
export type SecurityEntry = Static<typeof SecurityEntry>;

export const securityContract = {
  operations: {
    'security.list': operation({
      summary: 'What has happened to my account in the last 180 days, the latest first.',
      access: 'user',
      rate: ordinary,
      input: strictObject({ limit: Limit(50), before: Type.Optional(Id) }, { description: 'before: the last entry of the page already seen.' }),
      output: pageOf(SecurityEntry),
      errors: [],
    }),
  },
  events: {},
};
