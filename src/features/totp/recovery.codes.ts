/** Recovery codes: good once each instead of a code of the authenticator app, for whoever has lost it. */
import { randomBytes } from 'node:crypto';
import { sha256 } from '../../core/hash.ts';

/** 32 digits and letters, five bits each: those of Crockford's base32, in which none is taken for another. */
const alphabet = '0123456789abcdefghjkmnpqrstvwxyz';

const numberOfCodes = 10;

/** Ten codes of 50 random bits each, as `xxxxx-xxxxx`. */
export const makeRecoveryCodes = (): string[] => Array.from({ length: numberOfCodes }, makeRecoveryCode);

function makeRecoveryCode(): string {
  const letters = Array.from(randomBytes(10), (byte) => alphabet.charAt(byte % alphabet.length)).join('');
  return `${letters.slice(0, 5)}-${letters.slice(5)}`;
}

/**
 * SHA-256 of a code, in base64url: what the store knows of it. Capitals, spaces and dashes make no difference, nor does
 * an o for the zero, an i or an l for the one. A slow hash is for what people think up; these are random, and what a thief
 * of the store could work out is a second step, good for nothing without the first.
 */
export function hashRecoveryCode(code: string): string {
  const plain = code.toLowerCase().replace(/[\s\p{Pd}]/gu, '').replace(/o/g, '0').replace(/[il]/g, '1');
  return sha256(plain);
}
