/** How messages are stored, and the only door from storage to the wire. */
import { Schema, Types, mongo, type Connection } from 'mongoose';
import type { FileInfo } from '../../core/file.ts';
import { namedReactors, toReplyTo, type Message, type Reaction, type ReplyTo } from '../../core/message.ts';
import type { Notice } from '../../core/notice.ts';
import type { Id, MessageId } from '../../core/schemas.ts';
import { uuidBytes, uuidText } from '../../core/uuid.ts';

/** In the order in which they reacted. */
export interface StoredReaction {
  emoji: string;
  userIds: Types.ObjectId[];
}

/** A file as it was when it was sent along: nothing of it ever changes. */
export type StoredFile = Omit<FileInfo, 'id'> & { id: Types.ObjectId };

export interface MessageDocument {
  /** The UUID that its sender gave it: what makes a repeated send harmless. */
  _id: mongo.Binary;
  chatId: Types.ObjectId;
  seq: number;
  /** The number of its last change; absent while it was never changed. */
  rev?: number;
  senderId: Types.ObjectId;
  kind: Message['kind'];
  text?: string;
  notice?: Notice;
  files?: StoredFile[];
  replyTo?: { id: mongo.Binary; seq: number };
  reactions?: StoredReaction[];
  /** SHA-256 of the text first sent, once it was edited: a late repeat of the send is still recognised. */
  sentHash?: string;
  createdAt: Date;
  editedAt?: Date;
  removedAt?: Date;
}

const schema = new Schema<MessageDocument>(
  {
    _id: { type: Schema.Types.UUID, required: true },
    chatId: { type: Schema.Types.ObjectId, required: true },
    seq: { type: Number, required: true },
    rev: Number,
    senderId: { type: Schema.Types.ObjectId, required: true },
    kind: { type: String, required: true },
    text: String,
    notice: { type: Schema.Types.Mixed },
    files: { type: Schema.Types.Mixed },
    replyTo: { type: Schema.Types.Mixed },
    reactions: { type: Schema.Types.Mixed },
    sentHash: String,
    createdAt: { type: Date, required: true },
    editedAt: Date,
    removedAt: Date,
  },
  { collection: 'messages', versionKey: false },
);
schema.index({ chatId: 1, seq: 1 }, { unique: true });
export const byChange = { chatId: 1, rev: 1 } as const;
schema.index(byChange, { unique: true, partialFilterExpression: { rev: { $exists: true } } });

/** Where a file is. Of messages without files, which nearly all are, the index knows nothing. */
export const byFile = { 'files.id': 1, chatId: 1, seq: 1 } as const;
schema.index(byFile, { partialFilterExpression: { 'files.id': { $exists: true } } });

/** Messages are read and written through the driver: this is the hot path. The connection must be open. */
export type MessageCollection = mongo.Collection<MessageDocument>;

export function messageCollection(connection: Connection, options: mongo.CollectionOptions = {}): MessageCollection {
  const model = connection.models['Message'] ?? connection.model('Message', schema);
  return connection.getClient().db(connection.name).collection(model.collection.collectionName, options);
}

export const toUuid = (id: MessageId): mongo.Binary => new mongo.Binary(uuidBytes(id), mongo.Binary.SUBTYPE_UUID);

export const fromUuid = (id: mongo.Binary): MessageId => uuidText(id.toString('hex'));

/** A message as it is given to the log: what a person has written, or what the server notes. */
export interface Draft {
  id: MessageId;
  chatId: Id;
  senderId: Id;
  content: { kind: 'text'; text?: string; files?: FileInfo[]; replyTo?: ReplyTo } | { kind: 'notice'; notice: Notice };
}

/** A new message as it is stored, still without its number. */
export function toDocument({ id, chatId, senderId, content }: Draft): MessageDocument {
  const document: MessageDocument = {
    _id: toUuid(id),
    chatId: new Types.ObjectId(chatId),
    seq: 0,
    senderId: new Types.ObjectId(senderId),
    kind: content.kind,
    createdAt: new Date(),
  };
  if (content.kind === 'notice') document.notice = content.notice;
  else {
    if (content.text !== undefined) document.text = content.text;
    if (content.files) document.files = content.files.map((file) => ({ ...file, id: new Types.ObjectId(file.id) }));
    if (content.replyTo) document.replyTo = { id: toUuid(content.replyTo.id), seq: content.replyTo.seq };
  }
  return document;
}

/**
 * @param original what it replies to, as it is now; absent if whoever asks may not see it
 * @param viewer who is named first where they would not be
 */
export function toMessage(document: MessageDocument, original?: MessageDocument, viewer?: Id): Message {
  const message: Message = {
    id: fromUuid(document._id),
    chatId: document.chatId.toHexString(),
    seq: document.seq,
    senderId: document.senderId.toHexString(),
    kind: document.kind,
    createdAt: document.createdAt.toISOString(),
  };
  if (document.rev !== undefined) message.rev = document.rev;
  if (document.text !== undefined) message.text = document.text;
  if (document.files) message.files = document.files.map((file) => ({ ...file, id: file.id.toHexString() }));
  if (document.notice) message.notice = document.notice;
  if (document.replyTo) message.replyTo = original ? toReplyTo(toMessage(original)) : { id: fromUuid(document.replyTo.id), seq: document.replyTo.seq };
  if (document.reactions) message.reactions = document.reactions.map((reaction) => toReaction(reaction, viewer));
  if (document.editedAt) message.editedAt = document.editedAt.toISOString();
  if (document.removedAt) message.removedAt = document.removedAt.toISOString();
  return message;
}

function toReaction({ emoji, userIds }: StoredReaction, viewer: Id | undefined): Reaction {
  const isBehind = viewer !== undefined && userIds.length > namedReactors && userIds.slice(namedReactors).some((id) => id.toHexString() === viewer);
  const named = userIds.slice(0, isBehind ? namedReactors - 1 : namedReactors).map((id) => id.toHexString());
  return { emoji, count: userIds.length, userIds: isBehind ? [viewer, ...named] : named };
}
