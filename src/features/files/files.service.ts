/** Files: what people send along, who may have it, and when it goes. */
import { Types, type mongo } from 'mongoose';
import type { Caller, Guest, Service } from '../../core/contract.ts';
import { AppError } from '../../core/errors.ts';
import type { FileInfo } from '../../core/file.ts';
import type { MediaStore, Outgoing, Pieces } from '../../core/media.ts';
import type { Id } from '../../core/schemas.ts';
import type { MessagesService } from '../messages/messages.service.ts';
import { addressLifetime, type FileAddresses, type Variant } from './file.addresses.ts';
import { keyOf } from './file.keys.ts';
import { toFileInfo, type FileCollection, type FileDocument } from './file.model.ts';
import { usedBy } from './file.quota.ts';
import { unusedFor, type FileLimits } from './file.holding.ts';
import type { Receive } from './file.receiving.ts';
import { claim, remove } from './file.sweeping.ts';
import type { filesContract } from './files.contract.ts';

export interface FilesService extends Service<typeof filesContract> {
  /**
   * Gives these files to a message that somebody is about to send, in their order.
   * @throws FILE_NOT_FOUND unless each is theirs, or in a message that they see
   */
  attach(senderId: Id, ids: readonly Id[]): Promise<FileInfo[]>;
  /** A message that has these is about to be removed. */
  release(ids: readonly Id[]): Promise<void>;
  /** What somebody has sent in and no message has goes at once. */
  removeUnused(ownerId: Id): Promise<void>;
}

export interface FilesParts {
  files: FileCollection;
  store: MediaStore;
  pieces: Pieces;
  messages: Pick<MessagesService, 'seesFile' | 'hasFile'>;
  receive: Receive;
  /** What is of files that programs send themselves. */
  direct: Pick<FilesService, 'create' | 'progress' | 'append' | 'complete'>;
  addresses: FileAddresses;
  limits: FileLimits;
  /** Milliseconds after which it is clear that a message is removed. */
  releaseTime: number;
}

/** Of all images that are made here. */
const webp = 'image/webp';

export function createFilesService(parts: FilesParts): FilesService {
  const { files, receive, direct, addresses, limits } = parts;
  const require = createAccess(parts);

  return {
    ...createUses(parts),
    ...direct,
    upload: (caller, { file }) => receive(caller.userId, file),
    content: async (caller, { id, ...given }) => toOutgoing(parts, await require(caller, id, 'content', given), 'content'),
    thumbnail: async (caller, { id, ...given }) => toOutgoing(parts, await require(caller, id, 'thumbnail', given), 'thumbnail'),

    photo: async (_caller, { key }) => ({ name: `${key}.webp`, kind: 'image', mime: webp, isPublic: true, tag: key, read: readerOf(parts, key) }),

    async get(caller, { id }) {
      const file = toFileInfo(await require(caller, id, 'content', {}));
      const expiresAt = new Date(Math.floor((Date.now() + addressLifetime) / 1000) * 1000);
      return {
        ...file,
        url: addresses.of(id, 'content', expiresAt),
        ...(file.thumbhash !== undefined && { thumbnailUrl: addresses.of(id, 'thumbnail', expiresAt) }),
        expiresAt: expiresAt.toISOString(),
      };
    },

    quota: async ({ userId }) => ({ used: await usedBy(files, new Types.ObjectId(userId)), maximum: limits.person, fileMaximum: limits.file }),
  };
}

/** Of a file that people have sent in, and that is whole. */
const isThere = { state: 'whole', photo: { $exists: false } } as const;

type Given = { expires?: number; signature?: string };

/** @throws UNAUTHENTICATED, ADDRESS_EXPIRED, FILE_NOT_FOUND */
const createAccess =
  ({ files, messages, addresses }: FilesParts) =>
  async (caller: Guest | Caller, id: Id, variant: Variant, { expires, signature }: Given): Promise<FileDocument> => {
    const isSigned = expires !== undefined && signature !== undefined;
    if (isSigned) addresses.require(id, variant, { expires, signature });
    else if (!('userId' in caller)) throw new AppError('UNAUTHENTICATED');
    const file = await files.findOne({ _id: new Types.ObjectId(id), ...isThere });
    const mayHave = file && (isSigned || ('userId' in caller && (isOwner(file, caller.userId) || (await messages.seesFile(caller.userId, id)))));
    if (!mayHave || (variant === 'thumbnail' && file.thumbhash === undefined)) throw new AppError('FILE_NOT_FOUND');
    return file;
  };

const readerOf =
  ({ store }: FilesParts, key: string): Outgoing['read'] =>
  async (range) => {
    const content = await store.read(key, range);
    if (!content) throw new AppError('FILE_NOT_FOUND');
    return content;
  };

function toOutgoing(parts: FilesParts, document: FileDocument, variant: Variant): Outgoing {
  const { id, name, kind, mime, size } = toFileInfo(document);
  const read = readerOf(parts, keyOf(id, variant));
  return variant === 'content' ? { name, kind, mime, size, tag: id, read } : { name: `${name}.webp`, kind, mime: webp, tag: `${id}-${variant}`, read };
}

const createUses = ({ files, messages, store, pieces, releaseTime }: FilesParts): Pick<FilesService, 'attach' | 'release' | 'remove' | 'removeUnused'> => {
  const idsOf = (ids: readonly Id[]) => ({ _id: { $in: ids.map((id) => new Types.ObjectId(id)) }, ...isThere });
  /** A message that it was given to has been stored by now, if it ever will be. */
  const isClear = () => ({ $or: [{ givenAt: { $exists: false } }, { givenAt: { $lt: new Date(Date.now() - releaseTime) } }] });

  return {
    async attach(senderId, ids) {
      const found = new Map((await files.find(idsOf(ids)).toArray()).map((file) => [file._id.toHexString(), file]));
      const given = await Promise.all(
        ids.map(async (id) => {
          const file = found.get(id);
          if (!file || (!isOwner(file, senderId) && !(await messages.seesFile(senderId, id)))) throw new AppError('FILE_NOT_FOUND', { id });
          return toFileInfo(file);
        }),
      );
      const now = Date.now();
      const { matchedCount } = await files.updateMany(idsOf(ids), { $set: { givenAt: new Date(now), checkAt: new Date(now + unusedFor) } });
      // One of them has just begun to go.
      if (matchedCount < ids.length) throw new AppError('FILE_NOT_FOUND');
      return given;
    },

    async release(ids) {
      await files.updateMany(idsOf(ids), { $set: { checkAt: new Date(Date.now() + releaseTime) } });
    },

    async remove({ userId }, { id }) {
      const own = { _id: new Types.ObjectId(id), ownerId: new Types.ObjectId(userId), $or: [isThere, { state: 'coming', isDirect: true }] } satisfies mongo.Filter<FileDocument>;
      if (!(await files.findOne(own))) throw new AppError('FILE_NOT_FOUND');
      const isUsed = await messages.hasFile(id);
      const file = isUsed ? null : await claim(files, { $and: [own, isClear()] });
      if (!file) throw new AppError('FILE_IN_USE');
      await remove({ files, store, pieces }, file);
      return null;
    },

    async removeUnused(ownerId) {
      await files.updateMany({ ownerId: new Types.ObjectId(ownerId), checkAt: { $exists: true }, ...isClear() }, { $set: { checkAt: new Date() } });
    },
  };
};

const isOwner = ({ ownerId }: FileDocument, userId: Id): boolean => ownerId.toHexString() === userId;
