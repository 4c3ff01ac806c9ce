/** People: who they are, how they are found, and how an account comes to be. */
import { randomInt } from 'node:crypto';
import { mongo, Types } from 'mongoose';
import type { Service } from '../../core/contract.ts';
import { AppError, duplicateKey } from '../../core/errors.ts';
import type { Id } from '../../core/schemas.ts';
import { escapeRegExp, fold, wordsOf } from '../../core/text.ts';
import { searchWordsOf, toMe, toUser, type UserDocument, type UserModel } from './user.model.ts';
import type { Me, User, usersContract } from './users.contract.ts';

export interface NewUser {
  email: string;
  username?: string;
  firstName: string;
  lastName?: string;
  passwordHash: string;
}

export interface UsersService extends Service<typeof usersContract> {
  /** Makes an account; a free username is found when none is given. @throws EMAIL_TAKEN, USERNAME_TAKEN */
  create(user: NewUser): Promise<Me>;
  /** Who signs in with this e-mail or username, and the hash of their password. */
  findCredentials(login: { email?: string; username?: string }): Promise<{ user: Me; passwordHash: string } | undefined>;
  /** The people with these ids, by id; those that do not exist are missing. */
  findUsers(ids: readonly Id[]): Promise<Map<Id, User>>;
}

export function createUsersService(users: UserModel): UsersService {
  return {
    me: async (caller) => toMe(await requireUser(users, caller.userId)),
    get: async (_caller, { id }) => toUser(await requireUser(users, id)),
    search: async (_caller, input) => search(users, input),
    create: async (user) => create(users, user),

    async findCredentials({ email, username }) {
      const document = await users.findOne(email === undefined ? { username: username?.toLowerCase() ?? '' } : { email: email.toLowerCase() }).lean();
      return document?.passwordHash === undefined ? undefined : { user: toMe(document), passwordHash: document.passwordHash };
    },

    async findUsers(ids) {
      const documents = await users.find({ _id: { $in: ids.map((id) => new Types.ObjectId(id)) } }).lean();
      return new Map(documents.map((document) => [document._id.toHexString(), toUser(document)]));
    },
  };
}

async function requireUser(users: UserModel, id: Id): Promise<UserDocument> {
  const document = await users.findById(id).lean();
  if (!document) throw new AppError('USER_NOT_FOUND');
  return document;
}

async function search(users: UserModel, { search, limit }: { search: string; limit: number }) {
  const words = wordsOf(search);
  if (words.length === 0) return { items: [], more: false };
  const found = await users
    .find({ $and: words.map((word) => ({ words: { $regex: `^${escapeRegExp(word)}` } })) })
    .sort({ username: 1 })
    .limit(limit + 1)
    .lean();
  return { items: found.slice(0, limit).map(toUser), more: found.length > limit };
}

async function create(users: UserModel, { email, username, ...rest }: NewUser): Promise<Me> {
  for (let attempt = 0; ; attempt++) {
    const name = (username ?? proposeUsername(rest.firstName, attempt)).toLowerCase();
    const document: UserDocument = {
      _id: new Types.ObjectId(),
      email: email.toLowerCase(),
      username: name,
      ...rest,
      words: searchWordsOf({ ...rest, username: name }),
      createdAt: new Date(),
    };
    try {
      await users.collection.insertOne(document);
      return toMe(document);
    } catch (error) {
      const taken = takenField(error);
      if (taken === 'email') throw new AppError('EMAIL_TAKEN');
      if (taken !== 'username') throw error;
      if (username !== undefined) throw new AppError('USERNAME_TAKEN');
    }
  }
}

function takenField(error: unknown): string | undefined {
  if (!(error instanceof mongo.MongoServerError) || error.code !== duplicateKey) return undefined;
  return Object.keys((error['keyPattern'] as Record<string, unknown> | undefined) ?? {})[0];
}

/** A username from the first name, never from the e-mail, which is nobody's business; with digits once the plain form proved taken. */
function proposeUsername(firstName: string, attempt: number): string {
  const name = fold(firstName).replace(/[^a-z0-9_.-]/g, '').slice(0, 24);
  const stem = name.length >= 3 ? name : 'user';
  return attempt === 0 && stem !== 'user' ? stem : `${stem}${randomInt(10 ** Math.min(8, 3 + attempt))}`;
}
