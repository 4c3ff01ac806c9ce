/** Single-use tokens, as links in mails and steps of a sign-in carry them: 32 random bytes, good once and for a time. */
import { randomBytes } from 'node:crypto';
import { mongo, Types } from 'mongoose';
import { duplicateKey } from '../../core/errors.ts';
import { sha256 } from '../../core/hash.ts';
import type { Id } from '../../core/schemas.ts';
import type { TokenDocument, TokenModel } from './token.model.ts';

export type TokenPurpose = 'verify-email' | 'reset-password' | 'confirm-email' | 'undo' | 'second-factor' | 'google' | 'google-credential';

export interface NewToken {
  userId?: Id;
  /** What it stands for besides its owner. */
  data?: Record<string, string>;
  /** Seconds for which it is good. */
  lifetime: number;
  /** Ends every earlier token of the same person for the same purpose. */
  newestOnly?: true;
}

export interface TokenContent {
  userId?: Id;
  data: Record<string, string>;
}

export interface TokensService {
  issue(purpose: TokenPurpose, token: NewToken): Promise<string>;
  /** What a token stands for that is still good; it stays good. */
  find(purpose: TokenPurpose, token: string): Promise<TokenContent | undefined>;
  /** The same, and the token is used up: of many who come with it at once exactly one gets its content. */
  redeem(purpose: TokenPurpose, token: string): Promise<TokenContent | undefined>;
  /** Marks a token that others have made as used, for as long as it could be used again; false if it was used before. */
  useOnce(purpose: TokenPurpose, token: string, lifetime: number): Promise<boolean>;
  /** Ends every token of a person, or those for some purposes, or of those the ones whose `data.since` is after an instant. */
  removeAll(userId: Id, purposes?: readonly TokenPurpose[], after?: Date): Promise<void>;
}

export function createTokensService(tokens: TokenModel): TokensService {
  const good = (purpose: TokenPurpose, token: string) => ({ hash: sha256(token), _id: { $regex: `^${purpose}:` }, expiresAt: { $gt: new Date() } });
  return {
    async issue(purpose, { userId, data = {}, lifetime, newestOnly }) {
      const token = randomBytes(32).toString('base64url');
      const document: TokenDocument = {
        _id: `${purpose}:${newestOnly && userId !== undefined ? userId : new Types.ObjectId().toHexString()}`,
        hash: sha256(token),
        ...(userId !== undefined && { userId: new Types.ObjectId(userId) }),
        data,
        expiresAt: new Date(Date.now() + lifetime * 1000),
      };
      await tokens.replaceOne({ _id: document._id }, document, { upsert: true });
      return token;
    },
    async find(purpose, token) {
      return contentOf(await tokens.findOne(good(purpose, token)).lean());
    },
    async redeem(purpose, token) {
      return contentOf(await tokens.findOneAndDelete(good(purpose, token)).lean());
    },
    async useOnce(purpose, token, lifetime) {
      const hash = sha256(token);
      try {
        await tokens.create({ _id: `${purpose}:${hash}`, hash, data: {}, expiresAt: new Date(Date.now() + lifetime * 1000) });
        return true;
      } catch (error) {
        if (error instanceof mongo.MongoServerError && error.code === duplicateKey) return false;
        throw error;
      }
    },
    async removeAll(userId, purposes, after) {
      await tokens.deleteMany({
        userId: new Types.ObjectId(userId),
        ...(purposes && { _id: { $regex: `^(?:${purposes.join('|')}):` } }),
        ...(after && { 'data.since': { $gt: after.toISOString() } }),
      });
    },
  };
}

const contentOf = (document: TokenDocument | null): TokenContent | undefined =>
  document ? { data: document.data, ...(document.userId && { userId: document.userId.toHexString() }) } : undefined;
