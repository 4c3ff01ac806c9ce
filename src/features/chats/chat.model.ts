/** How chats are stored. */
import { Schema, type Connection, type mongo, type Types } from 'mongoose';
import type { GroupSettings, Notice } from '../../core/notice.ts';
import type { StoredPhoto } from '../../core/photo.ts';
import type { Id } from '../../core/schemas.ts';
import type { Role } from './chats.contract.ts';

/** What a change of a group does to one of its people. */
export interface MembershipChange {
  userId: Types.ObjectId;
  /** Their role from now on; null for none. */
  role: Role | null;
  banned?: boolean;
  /** They were not in the group before, or were until now. */
  joins?: boolean;
  leaves?: boolean;
  /** The number of the notice since which they have served in the role; that of this change unless given. */
  roleSeq?: number;
}

export interface ChatFields {
  title?: string;
  description?: string | null;
  photo?: StoredPhoto | null;
  settings?: GroupSettings;
  ownerId?: Types.ObjectId;
  removedAt?: Date;
}

/**
 * The last change of a group, whole. It is claimed here first, which orders all changes of a group. It has happened once its
 * notice is in the log, and is complete once members and fields say what it says.
 */
export interface GroupChange {
  version: number;
  noticeId: mongo.UUID;
  notice: Notice;
  members: MembershipChange[];
  fields: ChatFields;
  at: Date;
  /** Absent once it is complete. */
  pending?: true;
}

export interface ChatDocument {
  _id: Types.ObjectId;
  kind: 'private' | 'group';
  /** Who a private chat is between; unique, so that two people have one. */
  pairKey?: string;
  /** The id that a client has given to the group it makes, with its own: what makes a repeat harmless. */
  makerKey?: string;
  /** What was asked for with it, so that a repeat is told from something else: the group may have been changed since. */
  wishHash?: string;
  title?: string;
  description?: string;
  photo?: StoredPhoto;
  settings?: GroupSettings;
  ownerId?: Types.ObjectId;
  memberCount?: number;
  createdAt: Date;
  /** A group that has ended: nobody is in it. */
  removedAt?: Date;
  /** The last message, as a cache for lists: it may lag by a moment; the messages' own index is the truth. */
  head: { seq: number; at: Date };
  change?: GroupChange;
  /** By MongoDB's clock: when a change was completed last. */
  changedAt?: Date;
}

const schema = new Schema<ChatDocument>(
  {
    kind: { type: String, required: true },
    pairKey: String,
    makerKey: String,
    wishHash: String,
    title: String,
    description: String,
    photo: { type: Schema.Types.Mixed },
    settings: { type: Schema.Types.Mixed },
    ownerId: Schema.Types.ObjectId,
    memberCount: Number,
    createdAt: { type: Date, required: true },
    removedAt: Date,
    head: { seq: { type: Number, required: true }, at: { type: Date, required: true } },
    change: { type: Schema.Types.Mixed },
    changedAt: Date,
  },
  { collection: 'chats', versionKey: false },
);
schema.index({ pairKey: 1 }, { unique: true, partialFilterExpression: { pairKey: { $exists: true } } });
schema.index({ makerKey: 1 }, { unique: true, partialFilterExpression: { makerKey: { $exists: true } } });
schema.index({ changedAt: 1 }, { partialFilterExpression: { changedAt: { $exists: true } } });
schema.index({ 'change.at': 1 }, { partialFilterExpression: { 'change.pending': true } });

export const chatModel = (connection: Connection) => connection.model('Chat', schema);
export type ChatModel = ReturnType<typeof chatModel>;

/** The same for both, whoever opens the chat. */
export const pairKeyOf = (a: Id, b: Id): string => (a < b ? `${a}:${b}` : `${b}:${a}`);

/** The last change of a group that its members and fields say for certain; 0 of a private chat. */
export const versionOf = (change: Pick<GroupChange, 'version' | 'pending'> | undefined): number => (change === undefined ? 0 : change.pending ? change.version - 1 : change.version);
