/** What all JWTs (RFC 7519) have in common, whoever signs them. */

/**
 * Whether each part is spelled as an encoder spells it. Decoders of base64url overlook a good deal, so that a signature has
 * several spellings: with only one of them good, a token that was used or ended is known again.
 */
export const isCanonicalJwt = (token: string): boolean => token.split('.').every((part) => Buffer.from(part, 'base64url').toString('base64url') === part);
