/** Addresses that are good for a few minutes, for whatever cannot send a token: a picture in a page, a player, a download. */
import { createHmac, hkdfSync, timingSafeEqual } from 'node:crypto';
import { AppError } from '../../core/errors.ts';
import type { Id } from '../../core/schemas.ts';

/** The file itself, or the small one of an image. */
export type Variant = 'content' | 'thumbnail';

/** Milliseconds for which an address is good. */
export const addressLifetime = 5 * 60_000;

export interface Signature {
  /** Seconds since 1970. */
  expires: number;
  signature: string;
}

export interface FileAddresses {
  of(id: Id, variant: Variant, expiresAt: Date): string;
  /** @throws ADDRESS_EXPIRED */
  require(id: Id, variant: Variant, given: Signature): void;
}

/** @param secrets the first signs, all verify */
export function createFileAddresses(publicUrl: string, secrets: readonly string[]): FileAddresses {
  const keys = secrets.map((secret) => Buffer.from(hkdfSync('sha256', secret, '', 'parley file addresses', 32)));
  const sign = (key: Buffer, id: Id, variant: Variant, expires: number): Buffer => createHmac('sha256', key).update(`${id}/${variant}/${expires}`).digest();

  return {
    of(id, variant, expiresAt) {
      const expires = Math.floor(expiresAt.getTime() / 1000);
      const [key] = keys;
      if (!key) throw new Error('there is no key');
      return `${publicUrl}/file/${id}/${variant}?expires=${expires}&signature=${sign(key, id, variant, expires).toString('base64url')}`;
    },
    require(id, variant, { expires, signature }) {
      const given = Buffer.from(signature, 'base64url');
      const isGood = keys.some((key) => {
        const expected = sign(key, id, variant, expires);
        return given.length === expected.length && timingSafeEqual(given, expected);
      });
      if (!isGood || expires * 1000 < Date.now()) throw new AppError('ADDRESS_EXPIRED');
    },
  };
}
