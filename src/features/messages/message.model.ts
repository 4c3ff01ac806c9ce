/** How messages are stored, and the only door from storage to the wire. */
import { Schema, mongo, type Connection, type Types } from 'mongoose';
import type { Message, MessageId } from '../../core/schemas.ts';

export interface MessageDocument {
  /** The UUID that its sender gave it: what makes a repeated send harmless. */
  _id: mongo.UUID;
  chatId: Types.ObjectId;
  seq: number;
  /** The number of its last change; absent while it was never changed. */
  rev?: number;
  senderId: Types.ObjectId;
  kind: 'text';
  text?: string;
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
    sentHash: String,
    createdAt: { type: Date, required: true },
    editedAt: Date,
    removedAt: Date,
  },
  { collection: 'messages', versionKey: false },
);
schema.index({ chatId: 1, seq: 1 }, { unique: true });
schema.index({ chatId: 1, rev: 1 }, { unique: true, partialFilterExpression: { rev: { $exists: true } } });

/** Messages are read and written through the driver: this is the hot path. The connection must be open. */
export type MessageCollection = mongo.Collection<MessageDocument>;

export function messageCollection(connection: Connection): MessageCollection {
  const model = connection.model('Message', schema);
  return connection.getClient().db(connection.name).collection(model.collection.collectionName);
}

export const toUuid = (id: MessageId): mongo.UUID => new mongo.UUID(id);

export function toMessage(document: MessageDocument): Message {
  const message: Message = {
    id: uuidText(document._id),
    chatId: document.chatId.toHexString(),
    seq: document.seq,
    senderId: document.senderId.toHexString(),
    kind: document.kind,
    createdAt: document.createdAt.toISOString(),
  };
  if (document.rev !== undefined) message.rev = document.rev;
  if (document.text !== undefined) message.text = document.text;
  if (document.editedAt) message.editedAt = document.editedAt.toISOString();
  if (document.removedAt) message.removedAt = document.removedAt.toISOString();
  return message;
}

/** The driver gives a stored UUID back as plain Binary. */
const uuidText = (id: mongo.Binary): MessageId => (id instanceof mongo.UUID ? id : id.toUUID()).toHexString();
