/** The six digits an authenticator app shows (TOTP, RFC 6238): their secret, its link, and the step a code belongs to. */
import { Secret, TOTP } from 'otpauth';

/** What every authenticator app understands: some ignore what their link says about it. */
const form = { algorithm: 'SHA1', digits: 6, period: 30 };

/** How many steps a clock may be ahead or behind (RFC 6238, section 5.2, recommends no more than one). */
const window = 1;

/** A new secret of 160 bits, as long as RFC 4226 (section 4) recommends, in base32. */
export const makeSecret = (): string => new Secret({ size: 20 }).base32;

/** The otpauth:// link of a secret: what the QR code says. `account` is whom the app shows it for. */
export const otpauthUri = (secret: string, { account, issuer }: { account: string; issuer: string }): string =>
  new TOTP({ ...form, secret, label: account, issuer }).toString();

/**
 * The step of 30 seconds since 1970 that the code is good for, at `now` (milliseconds) or a step before or after it.
 * A code is good once: whoever asks keeps the step, and refuses any that is not above the last (RFC 6238, section 5.2).
 */
export function findStep(secret: string, code: string, now: number): number | undefined {
  // otpauth throws at six characters that are more than six bytes.
  if (!/^\d{6}$/.test(code)) return undefined;
  const delta = TOTP.validate({ ...form, secret: Secret.fromBase32(secret), token: code, timestamp: now, window });
  return delta === null ? undefined : TOTP.counter({ period: form.period, timestamp: now }) + delta;
}
