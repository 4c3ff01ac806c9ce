/** What is known of files, and the only door from storage to the wire. Their bytes are kept elsewhere, by their ids. */
import { Schema, type Connection, type mongo, type Types } from 'mongoose';
import type { FileInfo } from '../../core/file.ts';
import type { FileKind } from '../../core/media.ts';

/** Whose photo a file is. It has no other name than its key, and counts for nobody. */
export interface PhotoOf {
  key: string;
  kind: 'user' | 'chat';
  id: Types.ObjectId;
}

export interface FileDocument {
  _id: Types.ObjectId;
  ownerId: Types.ObjectId;
  /** It is on its way; whole; or going, and to be given to nobody any more. */
  state: 'coming' | 'whole' | 'going';
  /** In bytes; while it is on its way, the room that is held for it. */
  size: number;
  /** Its owner's program sends it piece by piece, or past this server, and says when it has come. */
  isDirect?: true;
  name: string;
  kind?: FileKind;
  mime?: string;
  width?: number;
  height?: number;
  duration?: number;
  thumbhash?: string;
  photo?: PhotoOf;
  createdAt: Date;
  /** When it was last given to a message that was about to be sent. */
  givenAt?: Date;
  /** When to look whether anything has it; absent where something is known to. */
  checkAt?: Date;
}

const schema = new Schema<FileDocument>(
  {
    ownerId: { type: Schema.Types.ObjectId, required: true },
    state: { type: String, required: true },
    size: { type: Number, required: true },
    isDirect: Boolean,
    name: { type: String, required: true },
    kind: String,
    mime: String,
    width: Number,
    height: Number,
    duration: Number,
    thumbhash: String,
    photo: { type: Schema.Types.Mixed },
    createdAt: { type: Date, required: true },
    givenAt: Date,
    checkAt: Date,
  },
  { collection: 'files', versionKey: false },
);
// The sizes of somebody's files are read from it alone.
schema.index({ ownerId: 1, size: 1 });
schema.index({ 'photo.id': 1 }, { partialFilterExpression: { 'photo.id': { $exists: true } } });
schema.index({ checkAt: 1 }, { partialFilterExpression: { checkAt: { $exists: true } } });

export type FileCollection = mongo.Collection<FileDocument>;

/** The connection must be open. */
export function fileCollection(connection: Connection): FileCollection {
  const model = connection.model('File', schema);
  return connection.getClient().db(connection.name).collection(model.collection.collectionName);
}

/** A file that is whole. */
export function toFileInfo({ _id, name, kind = 'file', mime = 'application/octet-stream', size, width, height, duration, thumbhash }: FileDocument): FileInfo {
  return {
    id: _id.toHexString(),
    name,
    kind,
    mime,
    size,
    ...(width !== undefined && { width }),
    ...(height !== undefined && { height }),
    ...(duration !== undefined && { duration }),
    ...(thumbhash !== undefined && { thumbhash }),
  };
}
