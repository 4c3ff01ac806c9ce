/** SHA-256 as base64url: how secrets are known that must not be stored. Enough for what is random; not for passwords. */
import { createHash } from 'node:crypto';

export const sha256 = (text: string): string => createHash('sha256').update(text).digest('base64url');
