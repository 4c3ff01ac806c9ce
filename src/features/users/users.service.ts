/** People: who they are, how they are found, and what they say of themselves. */
import { Types } from 'mongoose';
import type { Bus } from '../../core/bus.ts';
import type { EventOf, Service } from '../../core/contract.ts';
import { AppError } from '../../core/errors.ts';
import { cutPage, rowsFor } from '../../core/page.ts';
import type { PhotoAddress, StoredPhoto } from '../../core/photo.ts';
import type { Id } from '../../core/schemas.ts';
import { escapeRegExp, wordsOf } from '../../core/text.ts';
import { createTurns } from '../../core/turns.ts';
import type { SecurityService } from '../security/security.service.ts';
import { createUserPresenting, searchWordsOf, type UserDocument, type UserModel } from './user.model.ts';
import { createSeen, type LastSeen, type Seen } from './user.seen.ts';
import { toUpdate, writeUser } from './user.writing.ts';
import type { Privacy, User, usersContract } from './users.contract.ts';

export type { LastSeen };

/** A person, and what they set of what others may do. */
export interface KnownUser extends Pick<Privacy, 'groups' | 'readReceipts'> {
  user: User;
}

/** What somebody wishes to change of themselves, though it may be so already: a change whose answer was lost comes again. */
export interface UserWish {
  /** What everybody may see. */
  profile: boolean;
  /** Whether they tell how far they read. */
  receipts: boolean;
  /** They cease to tell it, if they do. */
  ceases: boolean;
  /** To whom they tell whether they are here. */
  lastSeen: boolean;
}

/** Lets those who share a chat with somebody know what has changed. */
export type TellOfUser = (userId: Id, change: Pick<UserWish, 'profile' | 'receipts'>) => Promise<void>;

/** Has a sync find that somebody changes, and what was told of how far they read stay told as received. */
export type NoteUser = (userId: Id, wish: Omit<UserWish, 'lastSeen'>) => Promise<void>;

export interface UsersService extends Service<typeof usersContract>, Seen {
  /** The people with these ids, by id; those that do not exist are missing. */
  findUsers(ids: readonly Id[]): Promise<Map<Id, KnownUser>>;
  /** Whether somebody shows the photo with this key. */
  showsPhoto(userId: Id, key: string): Promise<boolean>;
}

/** What makes photos, and removes them. */
export interface Photos {
  /** @throws what is wrong with the file, and what writing throws */
  replace<T>(holder: { kind: 'user' | 'chat'; id: Id }, made: { by: Id; of: Id | null }, write: (photo: StoredPhoto | null) => Promise<T>): Promise<T>;
}

export interface UsersParts {
  users: UserModel;
  security: SecurityService;
  bus: Bus<EventOf<typeof usersContract>>;
  photos: Photos;
  photoAddress: PhotoAddress;
  /** Awaited before it is written: who dies right behind that has told nobody, and the others have to find it all the same. */
  onChanging: (userId: Id, wish: UserWish) => Promise<void>;
  /** Awaited before whoever has changed something is answered. */
  onChanged: (userId: Id, wish: UserWish) => Promise<void>;
}

export function createUsersService({ users, security, bus, photos, photoAddress, onChanging, onChanged }: UsersParts): UsersService {
  const { toUser, toMe } = createUserPresenting(photoAddress);
  const telling = createTurns();
  return {
    ...createSeen(users),
    me: async (caller) => toMe(await requireCaller(users, caller.userId)),
    get: async (_caller, { id }) => toUser(await requireUser(users, id)),
    search: async (_caller, input) => {
      const { rows, more } = await search(users, input);
      return { items: rows.map(toUser), more };
    },

    async update(caller, { id, ...changes }) {
      if (id !== 'me' && id !== caller.userId) throw new AppError('NOT_YOURSELF');
      const wish = toWish(changes);
      await onChanging(caller.userId, wish);
      const { photo: fileId, ...rest } = changes;
      const write = (photo?: StoredPhoto | null) => change(users, caller.userId, { ...rest, ...(photo !== undefined && { photo }), ...(rest.username !== undefined && { username: rest.username.toLowerCase() }) });
      const { before, after } = fileId === undefined ? await write() : await photos.replace({ kind: 'user', id: caller.userId }, { by: caller.userId, of: fileId }, write);
      if (after.username !== before.username) await security.record(caller.userId, 'username-changed', caller, after.username);
      // One after another, each as it is by then: what is told last is how it is.
      await telling.take(caller.userId, async () => {
        await onChanged(caller.userId, wish);
        bus.publish(`user:${caller.userId}`, { name: 'user.updated', payload: toMe(await requireCaller(users, caller.userId)) });
      });
      return toMe(after);
    },

    showsPhoto: async (userId, key) => (await users.exists({ _id: userId, 'photo.key': key })) !== null,

    async findUsers(ids) {
      const documents = await users.find({ _id: { $in: ids.map((id) => new Types.ObjectId(id)) } }).lean();
      return new Map(documents.map((document) => [document._id.toHexString(), { user: toUser(document), groups: document.privacy.groups, readReceipts: document.privacy.readReceipts }]));
    },
  };
}

async function requireUser(users: UserModel, id: Id): Promise<UserDocument> {
  const document = await users.findById(id).lean();
  if (!document) throw new AppError('USER_NOT_FOUND');
  return document;
}

/** @throws UNAUTHENTICATED if the account is gone */
async function requireCaller(users: UserModel, id: Id): Promise<UserDocument> {
  const document = await users.findById(id).lean();
  if (!document || document.removedAt) throw new AppError('UNAUTHENTICATED');
  return document;
}

/** People looked at in a search: of a beginning that more have in their names the first are found, in the order of the words. */
const atMostSearched = 10_000;

async function search(users: UserModel, { search, limit }: { search: string; limit: number }) {
  // The longest is expected to be the rarest.
  const [first, ...others] = wordsOf(search).sort((a, b) => b.length - a.length).map((word) => ({ words: { $regex: `^${escapeRegExp(word)}` } }));
  if (!first) return { rows: [], more: false };
  const fitting = { $and: [...others, { 'privacy.search': 'everyone' }] };
  const found = await users.aggregate<UserDocument>([{ $match: first }, { $limit: atMostSearched }, { $match: fitting }, { $sort: { username: 1 } }, { $limit: rowsFor(limit) }]).hint({ words: 1 });
  return cutPage(found, limit);
}

type Wished = Omit<Parameters<UsersService['update']>[1], 'id'>;

/** The same, with the photo made. */
type Changes = Omit<Wished, 'photo'> & { photo?: StoredPhoto | null };

const toWish = ({ privacy = {}, language: _ownConcern, ...profile }: Wished): UserWish => ({
  profile: Object.keys(profile).length > 0,
  receipts: privacy.readReceipts !== undefined,
  ceases: privacy.readReceipts === false,
  lastSeen: privacy.lastSeen !== undefined,
});

/**
 * Writes what was given and nothing else: of two changes at once to different fields both stay. The words for search go
 * in the same write as the names they are made of; if somebody else has changed a name meanwhile, it is tried again.
 */
async function change(users: UserModel, id: Id, { privacy = {}, ...profile }: Changes): Promise<{ before: UserDocument; after: UserDocument }> {
  const settings = Object.fromEntries(Object.entries(privacy).map(([key, value]) => [`privacy.${key}`, value]));
  for (;;) {
    const before = await requireCaller(users, id);
    const { username, firstName, lastName = null } = before;
    const words = searchWordsOf({ username, firstName, lastName, ...profile });
    const same = { _id: id, removedAt: { $exists: false }, username, firstName, lastName };
    const after = await writeUser(users, same, toUpdate({ ...profile, ...settings, words }));
    if (after) return { before, after };
  }
}
