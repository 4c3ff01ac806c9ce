/** Single-use tokens, as links in mails and steps of a sign-in carry them: 32 random bytes, good once and for a time. */
import { randomBytes } from 'node:crypto';
import { Types } from 'mongoose';
import { unlessDuplicate } from '../../core/errors.ts';
import { sha256 } from '../../core/hash.ts';
import type { Order } from '../../core/order.ts';
import type { Id } from '../../core/schemas.ts';
import type { TokenDocument, TokenModel } from './token.model.ts';

export type TokenPurpose = 'verify-email' | 'reset-password' | 'confirm-email' | 'undo' | 'second-factor' | 'google' | 'google-credential';

export interface NewToken {
  userId?: Id;
  /** What it stands for besides its owner. */
  data?: Record<string, string>;
  /** Seconds for which it is good. */
  lifetime: number;
}

/** A token of which there is one at a time, the newest. */
export interface NewestToken extends NewToken {
  /** Of what there is one for each purpose: a person, a session. */
  of: Id;
  data: Record<string, string> & { since: Order };
}

export interface TokenContent {
  userId?: Id;
  data: Record<string, string>;
}

export interface TokensService {
  issue(purpose: TokenPurpose, token: NewToken): Promise<string>;
  /** The same, and every earlier one is over; undefined if there is one whose `data.since` is later. */
  issueNewest(purpose: TokenPurpose, token: NewestToken): Promise<string | undefined>;
  /** What a token stands for that is still good; it stays good. */
  find(purpose: TokenPurpose, token: string): Promise<TokenContent | undefined>;
  /** The same, and the token is used up: of many who come with it at once exactly one gets its content. */
  redeem(purpose: TokenPurpose, token: string): Promise<TokenContent | undefined>;
  /** Marks a token that others have made as used, for as long as it could be used again; false if it was used before. */
  useOnce(purpose: TokenPurpose, token: string, lifetime: number): Promise<boolean>;
  /** Ends every token of a person, or those for some purposes, or of those the ones whose `data.since` is after this. */
  removeAll(userId: Id, purposes?: readonly TokenPurpose[], after?: Order): Promise<void>;
}

export function createTokensService(tokens: TokenModel): TokensService {
  const good = (purpose: TokenPurpose, token: string) => ({ hash: sha256(token), _id: { $regex: `^${purpose}:` }, expiresAt: { $gt: new Date() } });
  return {
    async issue(purpose, terms) {
      const { token, ...document } = newToken(terms);
      await tokens.create({ _id: `${purpose}:${new Types.ObjectId().toHexString()}`, ...document });
      return token;
    },
    async issueNewest(purpose, { of, ...terms }) {
      const { token, ...document } = newToken(terms);
      const earlier = { _id: `${purpose}:${of}`, 'data.since': { $lte: terms.data.since } };
      // A later one does not fit, so that this one would be inserted beside it, which its id forbids; so it does if an earlier one has come in this instant.
      if (await unlessDuplicate(tokens.replaceOne(earlier, document, { upsert: true }))) return token;
      return (await tokens.replaceOne(earlier, document)).matchedCount === 1 ? token : undefined;
    },
    async find(purpose, token) {
      return contentOf(await tokens.findOne(good(purpose, token)).lean());
    },
    async redeem(purpose, token) {
      return contentOf(await tokens.findOneAndDelete(good(purpose, token)).lean());
    },
    async useOnce(purpose, token, lifetime) {
      const hash = sha256(token);
      return (await unlessDuplicate(tokens.create({ _id: `${purpose}:${hash}`, hash, data: {}, expiresAt: new Date(Date.now() + lifetime * 1000) }))) !== undefined;
    },
    async removeAll(userId, purposes, after) {
      await tokens.deleteMany({
        userId: new Types.ObjectId(userId),
        ...(purposes && { _id: { $regex: `^(?:${purposes.join('|')}):` } }),
        ...(after && { 'data.since': { $gt: after } }),
      });
    },
  };
}

function newToken({ userId, data = {}, lifetime }: NewToken): Omit<TokenDocument, '_id'> & { token: string } {
  const token = randomBytes(32).toString('base64url');
  return { token, hash: sha256(token), ...(userId !== undefined && { userId: new Types.ObjectId(userId) }), data, expiresAt: new Date(Date.now() + lifetime * 1000) };
}

const contentOf = (document: TokenDocument | null): TokenContent | undefined =>
  document ? { data: document.data, ...(document.userId && { userId: document.userId.toHexString() }) } : undefined;
