/** Files that a program sends itself: piece by piece to this server, or to whoever keeps them; and then says that they have come. */
import { Types } from 'mongoose';
import type { Caller } from '../../core/contract.ts';
import { AppError } from '../../core/errors.ts';
import type { FileInfo } from '../../core/file.ts';
import type { MediaStore, Pieces, Spool } from '../../core/media.ts';
import type { Id } from '../../core/schemas.ts';
import { createTurns } from '../../core/turns.ts';
import { unusedFor, type Hold } from './file.holding.ts';
import { keyOf } from './file.keys.ts';
import { toFileInfo, type FileCollection, type FileDocument } from './file.model.ts';
import { letGo, settle, type SettlingParts } from './file.settling.ts';
import type { DirectUpload } from './files.contract.ts';
import type { FilesService } from './files.service.ts';

export interface DirectParts extends SettlingParts {
  pieces: Pieces;
  spool: Spool;
  hold: Hold;
  publicUrl: string;
}

/** What will not be otherwise if it is tried again. */
const final = new Set(['FILE_TOO_LARGE', 'FILE_EMPTY', 'IMAGE_UNFIT']);

export function createDirectUploads(parts: DirectParts): Pick<FilesService, 'create' | 'progress' | 'append' | 'complete'> {
  const { files, store, pieces, hold, publicUrl } = parts;
  const turns = createTurns();

  return {
    async create({ userId }, { name, size }) {
      const { document } = await hold(userId, { name, least: size, most: size, isDirect: true });
      const id = document._id.toHexString();
      try {
        return await invite(store, pieces, document, publicUrl);
      } catch (error) {
        await letGo(parts, document._id).catch(() => undefined);
        throw error instanceof AppError ? error : new AppError('MEDIA_UNAVAILABLE', { id }, { cause: error });
      }
    },

    async progress(caller, { id }) {
      const { size, state } = await requireDirect(files, caller, id);
      const offset = state === 'whole' ? size : await pieces.offset(id);
      if (offset === undefined) throw new AppError('FILE_NOT_FOUND');
      return { offset, size };
    },

    async append(caller, { id, offset, length = 0, content }) {
      const { size, state } = await requireDirect(files, caller, id);
      if (state === 'whole') throw new AppError('OFFSET_WRONG', { offset: size });
      if (offset + length > size) throw new AppError('FILE_TOO_LARGE', { maximum: size });
      return { offset: await pieces.append(id, { offset, size, content }) };
    },

    complete: (caller, { id }) => turns.take(id, () => complete(parts, caller, id)),
  };
}

async function invite(store: MediaStore, pieces: Pieces, { _id, createdAt }: FileDocument, publicUrl: string): Promise<DirectUpload> {
  const id = _id.toHexString();
  if (store.invite) {
    const { url, fields, expiresAt } = store.invite(keyOf(id, 'content'));
    return { id, protocol: 'form', url, fields, expiresAt: expiresAt.toISOString() };
  }
  await pieces.open(id);
  return { id, protocol: 'tus', url: `${publicUrl}/file/${id}/upload`, expiresAt: new Date(createdAt.getTime() + unusedFor).toISOString() };
}

/** @throws FILE_NOT_FOUND unless the caller has begun it, and it is not gone */
async function requireDirect(files: FileCollection, { userId }: Caller, id: Id): Promise<FileDocument> {
  const file = await files.findOne({ _id: new Types.ObjectId(id), ownerId: new Types.ObjectId(userId), isDirect: true, state: { $ne: 'going' } });
  if (!file) throw new AppError('FILE_NOT_FOUND');
  return file;
}

async function complete(parts: DirectParts, caller: Caller, id: Id): Promise<FileInfo> {
  const { files, pieces } = parts;
  const file = await requireDirect(files, caller, id);
  if (file.state === 'whole') return toFileInfo(file);
  try {
    const whole = await takeWhole(parts, file);
    await pieces.drop(id);
    return whole;
  } catch (error) {
    // Another process may have done it meanwhile.
    const whole = await files.findOne({ _id: file._id, state: 'whole' });
    if (whole) return toFileInfo(whole);
    if (error instanceof AppError && final.has(error.code)) await letGo(parts, file._id).catch(() => undefined);
    throw error;
  }
}

async function takeWhole(parts: DirectParts, file: FileDocument): Promise<FileInfo> {
  const { spool, store, pieces } = parts;
  const isKept = store.invite !== undefined;
  const content = await (isKept ? readKept(store, file._id.toHexString()) : readPieces(pieces, file));
  const spooled = await spool.take(content, file.size);
  if (!spooled) throw new AppError('FILE_TOO_LARGE', { maximum: file.size });
  try {
    return await settle(parts, file, spooled, { isKept });
  } finally {
    await spooled.drop();
  }
}

async function readKept(store: MediaStore, id: Id) {
  const content = await store.read(keyOf(id, 'content'));
  if (!content) throw new AppError('UPLOAD_INCOMPLETE');
  return content;
}

/** They are looked at, and kept, as a copy: whoever still writes on them changes nothing. */
async function readPieces(pieces: Pieces, { _id, size }: FileDocument) {
  const id = _id.toHexString();
  const offset = await pieces.offset(id);
  if (offset === undefined) throw new AppError('FILE_NOT_FOUND');
  if (offset < size) throw new AppError('UPLOAD_INCOMPLETE', { offset });
  return pieces.read(id);
}
