/** What signs a person in: e-mail, password, Google account, second factor. For the features that sign in and up, never for a wire. */
import { Types } from 'mongoose';
import type { Bus } from '../../core/bus.ts';
import type { EventOf, Language } from '../../core/contract.ts';
import { AppError } from '../../core/errors.ts';
import { sha256 } from '../../core/hash.ts';
import type { PhotoAddress } from '../../core/photo.ts';
import type { Id } from '../../core/schemas.ts';
import { closedPrivacy, createUserPresenting, openPrivacy, searchWordsOf, type Ending, type Removal, type SecondFactor, type UserDocument, type UserModel } from './user.model.ts';
import { findTaken, proposeUsername } from './user.names.ts';
import { toUpdate, writeUser } from './user.writing.ts';
import type { Me, usersContract } from './users.contract.ts';

export type { Removal } from './user.model.ts';

/** That sessions are to end, those that were opened with another stamp than the account has now. */
export interface NotedEnding extends Ending {
  id: Id;
  stamp: string;
  generation: string;
}

export interface NewAccount {
  email: string;
  emailVerified?: boolean;
  username?: string | undefined;
  firstName: string;
  lastName?: string | undefined;
  photo?: { url: string } | undefined;
  language: Language;
  passwordHash?: string;
  googleId?: string;
}

/** An account with its secrets; only `me` may leave the server, and to its owner. */
export interface Account {
  id: Id;
  me: Me;
  email: string | undefined;
  passwordHash: string | undefined;
  googleId: string | undefined;
  /** Absent where the account was made with Google. */
  googleLinkedAt: Date | undefined;
  /** The one that its owner has taken away last. */
  unlinkedGoogleId: string | undefined;
  secondFactor: SecondFactor | undefined;
  /** Is another once anything has changed that signs in. */
  stamp: string;
  /** Is another once sessions had to end. What somebody was let in for before must not be done after: changes name it. */
  generation: string | null;
  /** The link by which changes were undone last. */
  undoneBy: string | undefined;
  /** By which the last changes of what signs in are told of. */
  notices: readonly Id[];
}

/** What a change may set, or take away with null. */
export interface CredentialChange {
  email?: string | null;
  emailVerifiedAt?: Date | null;
  passwordHash?: string | null;
  googleId?: string | null;
  googleLinkedAt?: Date | null;
  /** Once there is one, none is linked but by the owner's own hand. */
  unlinkedGoogleId?: string | null;
  secondFactor?: SecondFactor | null;
  'secondFactor.recoveryHashes'?: string[];
  /** Ends the sessions there are, even if the server dies in this instant. */
  ending?: Ending;
  undoneBy?: string;
  /** By which this change is told of. */
  notice?: Id;
}

/** What a field must be, or, with null, that it must be absent; in MongoDB's own terms. */
export type Condition = Partial<Record<'email' | 'emailVerifiedAt' | 'passwordHash' | 'googleId' | 'unlinkedGoogleId' | 'secondFactor.secret' | 'secondFactor.confirmedAt' | 'generation', unknown>>;

export interface CredentialsService {
  /** Makes an account; a free username is found when none is given. @throws EMAIL_TAKEN, USERNAME_TAKEN, GOOGLE_TAKEN */
  create(account: NewAccount): Promise<Account>;
  find(by: { id: Id } | { email: string } | { username: string } | { googleId: string }): Promise<Account | undefined>;
  /** The account of a caller. @throws UNAUTHENTICATED if it is gone */
  require(id: Id): Promise<Account>;
  /**
   * Changes an account if `only` holds of it in the same instant; undefined if it does not.
   * @throws EMAIL_TAKEN, GOOGLE_TAKEN
   */
  change(id: Id, change: CredentialChange, only?: Condition): Promise<Account | undefined>;
  /** Uses up a step of time, or a recovery code; false if it was used before. */
  useStep(id: Id, step: number): Promise<boolean>;
  useRecoveryHash(id: Id, hash: string): Promise<boolean>;
  /** Erases everything personal in one write, and notes what is left to do; undefined if somebody else was faster, or all sessions had to end since the account was read. */
  erase(account: Account, messages: Removal['messages']): Promise<Removal | undefined>;
  /** Ends of sessions that may not be complete: those of one person, or all. */
  findEndings(id?: Id): Promise<NotedEnding[]>;
  completeEnding(ending: NotedEnding): Promise<void>;
  /** Removals that are not complete. */
  findRemovals(): Promise<(Removal & { id: Id })[]>;
  /** Who was to be told of a removal has been. */
  endFarewell(id: Id): Promise<void>;
  completeRemoval(id: Id): Promise<void>;
}

export interface CredentialsParts {
  users: UserModel;
  bus: Bus<EventOf<typeof usersContract>>;
  photoAddress: PhotoAddress;
}

/** More than are made while a mail waits for a change whose outcome is open. */
const keptNotices = 50;

const present = { removedAt: { $exists: false } };

export function createCredentialsService({ users, bus, photoAddress }: CredentialsParts): CredentialsService {
  const { toMe } = createUserPresenting(photoAddress);
  const toAccount = (document: UserDocument): Account => ({ ...toSecrets(document), me: toMe(document) });
  const find: CredentialsService['find'] = async (by) => {
    const document = await users.findOne({ ...toFilter(by), ...present }).lean();
    return document ? toAccount(document) : undefined;
  };
  return {
    find,
    create: async (account) => toAccount(await create(users, account)),

    async require(id) {
      const account = await find({ id });
      if (!account) throw new AppError('UNAUTHENTICATED');
      return account;
    },

    async change(id, { email, notice, ...rest }, only = {}) {
      const change = {
        ...rest,
        ...(email !== undefined && { email: email?.toLowerCase() ?? null }),
        ...(rest.ending && { generation: new Types.ObjectId().toHexString() }),
      };
      const document = await writeUser(users, { _id: id, ...only, ...present }, { ...toUpdate(change), ...(notice !== undefined && { $push: { notices: { $each: [notice], $slice: -keptNotices } } }) });
      if (!document) return undefined;
      bus.publish(`user:${id}`, { name: 'user.updated', payload: toMe(document) });
      return toAccount(document);
    },

    async useStep(id, step) {
      const { modifiedCount } = await users.updateOne({ _id: id, 'secondFactor.lastStep': { $lt: step } }, { $set: { 'secondFactor.lastStep': step } });
      return modifiedCount === 1;
    },
    async useRecoveryHash(id, hash) {
      const { modifiedCount } = await users.updateOne({ _id: id, 'secondFactor.recoveryHashes': hash }, { $pull: { 'secondFactor.recoveryHashes': hash } });
      return modifiedCount === 1;
    },
    ...createEndings(users),
    ...createRemovals(users),
  };
}

function createEndings(users: UserModel): Pick<CredentialsService, 'findEndings' | 'completeEnding'> {
  return {
    async findEndings(id) {
      const documents = await users.find({ ...(id !== undefined && { _id: id }), ending: { $exists: true } }).lean();
      return documents.map((document) => ({ id: document._id.toHexString(), stamp: stampOf(document), generation: document.generation ?? '', ...document.ending }));
    },
    async completeEnding({ id, generation }) {
      await users.updateOne({ _id: id, generation }, { $unset: { ending: '' } });
    },
  };
}

const erased = ['email', 'emailVerifiedAt', 'lastName', 'about', 'photo', 'passwordHash', 'googleId', 'googleLinkedAt', 'unlinkedGoogleId', 'secondFactor', 'ending', 'generation', 'undoneBy', 'notices', 'lastSeenAt'];

function createRemovals(users: UserModel): Pick<CredentialsService, 'erase' | 'findRemovals' | 'endFarewell' | 'completeRemoval'> {
  return {
    async erase({ id, me, email, generation }, messages) {
      const startedAt = new Date();
      const removal: Removal = { messages, startedAt, ...(email !== undefined && { farewell: { to: email, name: me.firstName, language: me.language } }) };
      // A username that nobody can have taken: those are in small letters.
      const kept = { username: `Removed.${id}`, firstName: 'Deleted account', words: [], language: 'en', privacy: closedPrivacy, removedAt: startedAt, removal };
      const { modifiedCount } = await users.updateOne({ _id: id, generation, ...present }, { $set: kept, $unset: Object.fromEntries(erased.map((field) => [field, ''])) });
      return modifiedCount === 1 ? removal : undefined;
    },
    async findRemovals() {
      const documents = await users.find({ 'removal.startedAt': { $exists: true } }, { removal: 1 }).lean();
      return documents.flatMap(({ _id, removal }) => (removal ? [{ id: _id.toHexString(), ...removal }] : []));
    },
    async endFarewell(id) {
      await users.updateOne({ _id: id }, { $unset: { 'removal.farewell': '' } });
    },
    async completeRemoval(id) {
      await users.updateOne({ _id: id }, { $unset: { removal: '' } });
    },
  };
}

function toFilter(by: Parameters<CredentialsService['find']>[0]): Record<string, string> {
  if ('id' in by) return { _id: by.id };
  if ('email' in by) return { email: by.email.toLowerCase() };
  if ('username' in by) return { username: by.username.toLowerCase() };
  return { googleId: by.googleId };
}

async function create(users: UserModel, { email, emailVerified, username, ...rest }: NewAccount): Promise<UserDocument> {
  for (let attempt = 0; ; attempt++) {
    const name = (username ?? proposeUsername(rest.firstName, attempt)).toLowerCase();
    const now = new Date();
    const document: UserDocument = {
      _id: new Types.ObjectId(),
      email: email.toLowerCase(),
      ...(emailVerified && { emailVerifiedAt: now }),
      username: name,
      ...withoutAbsent(rest),
      privacy: openPrivacy,
      words: searchWordsOf({ firstName: rest.firstName, lastName: rest.lastName, username: name }),
      createdAt: now,
    };
    try {
      await users.collection.insertOne(document);
      return document;
    } catch (error) {
      const taken = findTaken(error);
      if (taken?.code !== 'USERNAME_TAKEN' || username !== undefined) throw taken ?? error;
    }
  }
}

const withoutAbsent = <T extends object>(fields: T) => Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as { [K in keyof T]: Exclude<T[K], undefined> };

const toSecrets = (document: UserDocument): Omit<Account, 'me'> => ({
  id: document._id.toHexString(),
  email: document.email,
  passwordHash: document.passwordHash,
  googleId: document.googleId,
  googleLinkedAt: document.googleLinkedAt,
  unlinkedGoogleId: document.unlinkedGoogleId,
  secondFactor: document.secondFactor,
  stamp: stampOf(document),
  generation: document.generation ?? null,
  undoneBy: document.undoneBy,
  notices: document.notices ?? [],
});

const stampOf = ({ passwordHash, googleId, secondFactor, generation }: UserDocument): string => sha256(JSON.stringify([passwordHash, googleId, secondFactor?.confirmedAt, generation]));
