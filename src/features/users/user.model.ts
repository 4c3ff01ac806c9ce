/** How people are stored, and the only doors from storage to the wire. */
import { Schema, type Connection, type Types } from 'mongoose';
import type { Language } from '../../core/contract.ts';
import { toPhoto, type PhotoAddress, type StoredPhoto } from '../../core/photo.ts';
import { wordsOf } from '../../core/text.ts';
import type { Me, Privacy, User } from './users.contract.ts';

/** The second factor of an account: codes by time (RFC 6238), or one of the recovery codes. */
export interface SecondFactor {
  /** In base32. */
  secret: string;
  /** Absent until the first code has proven that the secret has arrived. */
  confirmedAt?: Date;
  /** The last step of time whose code was used: a code works once. */
  lastStep: number;
  /** Hashes of the recovery codes that are left. */
  recoveryHashes: string[];
}

/** The end of sessions that a change of credentials has brought about, as long as it may not be complete. */
export interface Ending {
  /** But this one, in which it was changed. */
  but?: string;
}

/** The removal of an account, as long as something of it is left to do. */
export interface Removal {
  messages: 'keep' | 'remove';
  startedAt: Date;
  /** Who is still to be told that it has happened. */
  farewell?: { to: string; name: string; language: Language };
}

export interface UserDocument {
  _id: Types.ObjectId;
  /** Folded to small letters, as is the username. */
  email?: string;
  emailVerifiedAt?: Date;
  username: string;
  firstName: string;
  lastName?: string;
  about?: string;
  photo?: StoredPhoto;
  language: Language;
  privacy: Privacy;
  passwordHash?: string;
  googleId?: string;
  /** Absent where the account was made with Google. */
  googleLinkedAt?: Date;
  /** The Google account that its owner has unlinked last: from then on none is linked but by their own hand. */
  unlinkedGoogleId?: string;
  secondFactor?: SecondFactor;
  /** The folded words of names and username, for search by prefix. */
  words: string[];
  createdAt: Date;
  /** When they had a connection last; of those who have one, within minutes. Only ever raised. */
  lastSeenAt?: Date;
  removedAt?: Date;
  removal?: Removal;
  ending?: Ending;
  /** Another with each such note, also once it is taken away. */
  generation?: string;
  /** The link by which changes were undone last. */
  undoneBy?: string;
  /** By which the last changes of what signs in are told of: the ids of the mails. */
  notices?: string[];
}

export const openPrivacy: Privacy = { search: 'everyone', lastSeen: 'everyone', groups: 'everyone', readReceipts: true };
/** Of somebody who is gone: what they did not tell must not come out by their going. */
export const closedPrivacy: Privacy = { search: 'nobody', lastSeen: 'nobody', groups: 'nobody', readReceipts: false };

const schema = new Schema<UserDocument>(
  {
    email: String,
    emailVerifiedAt: Date,
    username: { type: String, required: true },
    firstName: { type: String, required: true },
    lastName: String,
    about: String,
    photo: { type: Schema.Types.Mixed },
    language: { type: String, required: true },
    privacy: { type: Schema.Types.Mixed, required: true },
    passwordHash: String,
    googleId: String,
    googleLinkedAt: Date,
    unlinkedGoogleId: String,
    secondFactor: { type: Schema.Types.Mixed },
    words: { type: [String], required: true },
    createdAt: { type: Date, required: true },
    lastSeenAt: Date,
    removedAt: Date,
    removal: { type: Schema.Types.Mixed },
    ending: { type: Schema.Types.Mixed },
    generation: String,
    undoneBy: String,
    notices: { type: [String], default: undefined },
  },
  { collection: 'users', versionKey: false },
);
schema.index({ email: 1 }, { unique: true, partialFilterExpression: { email: { $exists: true } } });
schema.index({ googleId: 1 }, { unique: true, partialFilterExpression: { googleId: { $exists: true } } });
schema.index({ username: 1 }, { unique: true });
schema.index({ words: 1 });
schema.index({ ending: 1 }, { partialFilterExpression: { ending: { $exists: true } } });
schema.index({ 'removal.startedAt': 1 }, { partialFilterExpression: { 'removal.startedAt': { $exists: true } } });

export const userModel = (connection: Connection) => connection.model('User', schema);
export type UserModel = ReturnType<typeof userModel>;

/** Gives those who signed up before there were such settings the ones that everybody has at first. */
export async function completeUsers(users: UserModel): Promise<void> {
  await users.updateMany({ privacy: { $exists: false } }, { $set: { privacy: openPrivacy, language: 'en' } });
  await users.updateMany({ 'privacy.groups': { $exists: false } }, { $set: { 'privacy.groups': openPrivacy.groups } });
}

/** Gives those whose names were folded in another way the words they are found by now. Who takes another name meanwhile has them. */
export async function foldNamesAnew(users: UserModel): Promise<void> {
  for await (const { _id, words, username, firstName, lastName } of users.find({ removedAt: { $exists: false } }, { words: 1, username: 1, firstName: 1, lastName: 1 }).lean()) {
    const now = searchWordsOf({ username, firstName, lastName });
    if (words.join() === now.join()) continue;
    await users.updateOne({ _id, username, firstName, lastName: lastName ?? null }, { $set: { words: now } });
  }
}

/** The words a person is found by. */
export const searchWordsOf = (user: { username: string; firstName: string; lastName?: string | null | undefined }): string[] => [
  ...new Set([user.username, ...wordsOf(`${user.username} ${user.firstName} ${user.lastName ?? ''}`)]),
];

/** @param addressOf where photos are */
export const createUserPresenting = (addressOf: PhotoAddress) => ({
  toUser: (document: UserDocument): User => toUser(document, addressOf),
  toMe: (document: UserDocument): Me => toMe(document, addressOf),
});

function toUser(document: UserDocument, addressOf: PhotoAddress): User {
  const { lastName, about, photo, removedAt } = document;
  return {
    id: document._id.toHexString(),
    username: document.username,
    firstName: document.firstName,
    ...(lastName !== undefined && { lastName }),
    ...(about !== undefined && { about }),
    ...(photo !== undefined && { photo: toPhoto(photo, addressOf) }),
    ...(removedAt !== undefined && { removedAt: removedAt.toISOString() }),
  };
}

function toMe(document: UserDocument, addressOf: PhotoAddress): Me {
  return {
    ...toUser(document, addressOf),
    ...(document.email !== undefined && { email: document.email }),
    emailVerified: document.emailVerifiedAt !== undefined,
    language: document.language,
    privacy: document.privacy,
    signIn: {
      password: document.passwordHash !== undefined,
      google: document.googleId !== undefined,
      secondFactor: document.secondFactor?.confirmedAt !== undefined,
    },
    createdAt: document.createdAt.toISOString(),
  };
}
