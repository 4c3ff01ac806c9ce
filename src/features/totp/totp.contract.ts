/** The second factor: a code from an authenticator app (RFC 6238) besides the password or Google. */
import { Type } from 'typebox';
import { operation } from '../../core/contract.ts';
import { GivenPassword, Nothing, strictObject } from '../../core/schemas.ts';

const Code = Type.String({ minLength: 6, maxLength: 20, description: 'Six digits from the authenticator app.' });
export const AnyCode = Type.String({ minLength: 6, maxLength: 20, description: 'Six digits from the authenticator app, or a recovery code.' });
const Codes = strictObject({ recoveryCodes: Type.Array(Type.String(), { description: 'Ten codes, each good once instead of one from the app. They are not shown again.' }) });
const rate = { per: 'caller', count: 30, seconds: 60 } as const;

export const totpContract = {
  operations: {
    'totp.enrol': operation({
      summary: 'A secret for the authenticator app. The second factor is on once a code has confirmed it.',
      access: 'fresh',
      rate,
      input: strictObject({}),
      output: strictObject({
        secret: Type.String({ description: 'In base32, to be typed in.' }),
        uri: Type.String({ description: 'The otpauth URI, to be shown as a QR code.' }),
      }),
      errors: ['EMAIL_UNVERIFIED', 'SECOND_FACTOR_ON'],
    }),
    'totp.confirm': operation({
      summary: 'Switch the second factor on with a first code; the other sessions are ended.',
      access: 'fresh',
      rate,
      input: strictObject({ code: Code }),
      output: Codes,
      errors: ['SECOND_FACTOR_ON', 'SECOND_FACTOR_OFF', 'WRONG_CODE'],
    }),
    'totp.renewRecoveryCodes': operation({
      summary: 'Ten new recovery codes; the old ones are worthless.',
      access: 'fresh',
      rate,
      input: strictObject({ code: AnyCode }),
      output: Codes,
      errors: ['SECOND_FACTOR_OFF', 'WRONG_CODE'],
    }),
    'totp.disable': operation({
      summary: 'Switch the second factor off, with the password (if there is one) and a code.',
      access: 'fresh',
      rate,
      input: strictObject({
        password: Type.Optional(GivenPassword),
        code: AnyCode,
      }),
      output: Nothing,
      errors: ['SECOND_FACTOR_OFF', 'WRONG_PASSWORD', 'WRONG_CODE', 'BUSY'],
    }),
  },
  events: {},
};
