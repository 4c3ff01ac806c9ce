/** Access tokens made by hand, to be bent in every way. */
import { createHash, createHmac } from 'node:crypto';

/** The key of apps in tests. */
export const testSecret = 'a secret that is only good for tests';

/** The name of a key, as Parley makes it. */
export const kidOf = (secret: string): string => createHash('sha256').update(secret).digest('hex').slice(0, 16);

export const encode = (part: object): string => Buffer.from(JSON.stringify(part)).toString('base64url');

export const decode = (token: string, part: 0 | 1): Record<string, unknown> => JSON.parse(Buffer.from(token.split('.')[part] ?? '', 'base64url').toString()) as Record<string, unknown>;

/** Signs header and payload, both as they are encoded. */
export type Sign = (input: string) => Buffer;

export const hmac = (secret: string | Buffer, hash = 'sha256'): Sign => (input) => createHmac(hash, secret).update(input).digest();

export const compact = (header: object, payload: object, sign: Sign): string => {
  const input = `${encode(header)}.${encode(payload)}`;
  return `${input}.${sign(input).toString('base64url')}`;
};

/** The same bytes: the last of the 43 characters of a signature has two bits that say nothing. */
export function respellings(token: string): string[] {
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
  const last = alphabet.indexOf(token.slice(-1));
  return [1, 2, 3].map((bits) => token.slice(0, -1) + (alphabet[last + bits] ?? ''));
}
