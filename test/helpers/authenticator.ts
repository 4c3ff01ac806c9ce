/** An authenticator app: reads the link of a QR code, and shows codes. */
import { TOTP, URI } from 'otpauth';

export interface Authenticator {
  /** The code of the present 30 seconds, or of so many before or after them. */
  code: (away?: number) => string;
}

export function createAuthenticator(uri: string): Authenticator {
  const totp = URI.parse(uri);
  if (!(totp instanceof TOTP)) throw new Error(`not a code by time: ${uri}`);
  return { code: (away = 0) => totp.generate({ timestamp: Date.now() + away * totp.period * 1000 }) };
}
