/** How people are stored, and the only doors from storage to the wire. */
import { Schema, type Connection, type Types } from 'mongoose';
import { wordsOf } from '../../core/text.ts';
import type { Me, User } from './users.contract.ts';

export interface UserDocument {
  _id: Types.ObjectId;
  /** Folded to small letters, as is the username. */
  email?: string;
  username: string;
  firstName: string;
  lastName?: string;
  passwordHash?: string;
  /** The folded words of names and username, for search by prefix. */
  words: string[];
  createdAt: Date;
}

const schema = new Schema<UserDocument>(
  {
    email: String,
    username: { type: String, required: true },
    firstName: { type: String, required: true },
    lastName: String,
    passwordHash: String,
    words: { type: [String], required: true },
    createdAt: { type: Date, required: true },
  },
  { collection: 'users', versionKey: false },
);
schema.index({ email: 1 }, { unique: true, partialFilterExpression: { email: { $exists: true } } });
schema.index({ username: 1 }, { unique: true });
schema.index({ words: 1 });

export const userModel = (connection: Connection) => connection.model('User', schema);
export type UserModel = ReturnType<typeof userModel>;

/** The words a person is found by. */
export const searchWordsOf = (user: Pick<UserDocument, 'username' | 'firstName' | 'lastName'>): string[] => [
  ...new Set([user.username, ...wordsOf(`${user.username} ${user.firstName} ${user.lastName ?? ''}`)]),
];

export function toUser(document: UserDocument): User {
  return {
    id: document._id.toHexString(),
    username: document.username,
    firstName: document.firstName,
    ...(document.lastName !== undefined && { lastName: document.lastName }),
  };
}

export function toMe(document: UserDocument): Me {
  return {
    ...toUser(document),
    ...(document.email !== undefined && { email: document.email }),
    createdAt: document.createdAt.toISOString(),
  };
}
