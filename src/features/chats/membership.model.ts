/** How it is stored who is in which chat, as what, and how far they have come. */
import { Schema, Types, type Connection, type mongo } from 'mongoose';
import type { Id } from '../../core/schemas.ts';
import { endless, joined, type SeqRange, type View } from '../../core/view.ts';
import { Role, type Mine } from './chats.contract.ts';

export interface MembershipDocument {
  _id: Types.ObjectId;
  chatId: Types.ObjectId;
  userId: Types.ObjectId;
  /** Absent of those who are not in the chat any more. */
  role?: Role;
  /** When they ceased to be in the chat; absent while they are. */
  leftAt?: Date;
  /** Whoever is banned cannot be added again. */
  bannedAt?: Date;
  /** The number of the notice by which they came in; 0 in a private chat. */
  joinedSeq: number;
  /** The number of the notice that gave them the role they have. */
  roleSeq: number;
  /** Messages up to here were before their time, and are not theirs to see. */
  fromSeq: number;
  /** Only ever raised, like all that they have come to. */
  readSeq: number;
  deliveredSeq: number;
  /** They have cleared the chat up to here. */
  clearedSeq?: number;
  /** What they have removed for themselves; none touches the next. */
  hidden?: SeqRange[];
  /** The same of what was not meant for them. */
  withheld?: SeqRange[];
  /** While they block the other one of a private chat: messages from here on are not theirs to see. 0 where the chat itself is not, for it came to be meanwhile. */
  blockedFrom?: number;
  /** They have written there, or opened the private chat themselves: that makes the other one a contact of theirs. */
  engaged?: true;
  mutedUntil?: Date;
  archived?: true;
  pinned?: true;
  markedUnread?: true;
  /** How often what is theirs alone has changed. */
  ownVersion: number;
  /** The last change of the group that has reached this document. */
  version?: number;
  /** By MongoDB's clock: when anything of it has changed last that the others have to know. Whatever else changes is no concern of theirs, not even that it does. */
  changedAt: Date;
  /** The same of whether they tell how far they read: it changes what they see of everybody. */
  receiptsAt?: Date;
  /** The same of what their own devices alone have to know. */
  ownAt?: Date;
}

const schema = new Schema<MembershipDocument>(
  {
    chatId: { type: Schema.Types.ObjectId, required: true },
    userId: { type: Schema.Types.ObjectId, required: true },
    role: String,
    leftAt: Date,
    bannedAt: Date,
    joinedSeq: { type: Number, required: true },
    roleSeq: { type: Number, required: true },
    fromSeq: { type: Number, required: true },
    readSeq: { type: Number, required: true },
    deliveredSeq: { type: Number, required: true },
    clearedSeq: Number,
    hidden: { type: Schema.Types.Mixed },
    withheld: { type: Schema.Types.Mixed },
    blockedFrom: Number,
    engaged: Boolean,
    mutedUntil: Date,
    archived: Boolean,
    pinned: Boolean,
    markedUnread: Boolean,
    ownVersion: { type: Number, required: true },
    version: Number,
    changedAt: { type: Date, required: true },
    receiptsAt: Date,
    ownAt: Date,
  },
  { collection: 'memberships', versionKey: false },
);
schema.index({ chatId: 1, userId: 1 }, { unique: true });
schema.index({ chatId: 1, changedAt: 1, _id: 1 });
/** Of those who are in the chat, however many have left: MongoDB has to be told to go by it. */
export const byMember = { chatId: 1, userId: 1, role: 1 } as const;
schema.index(byMember, { partialFilterExpression: { role: { $exists: true } } });
schema.index({ chatId: 1, role: 1, roleSeq: 1, userId: 1 }, { partialFilterExpression: { role: { $exists: true } } });
/** The same of those who are banned. */
export const byBan = { chatId: 1, userId: 1, bannedAt: 1 } as const;
schema.index(byBan, { partialFilterExpression: { bannedAt: { $exists: true } } });
schema.index({ chatId: 1, blockedFrom: 1 }, { partialFilterExpression: { blockedFrom: { $exists: true } } });
schema.index({ userId: 1 }, { name: 'userId_1_left', partialFilterExpression: { leftAt: { $exists: true } } });
/** The chats of a person, said by the index alone. */
schema.index({ userId: 1, chatId: 1, role: 1 }, { partialFilterExpression: { role: { $exists: true } } });

export const membershipModel = (connection: Connection) => connection.model('Membership', schema);
export type MembershipModel = ReturnType<typeof membershipModel>;

/** The ids of the chats that a person is in. With the roles named, the index says it alone. */
export const chatIdsOf = (memberships: MembershipModel, userId: Id): Promise<Types.ObjectId[]> => memberships.distinct('chatId', { userId, role: { $in: Role.enum } }).exec();

/** What of a membership says that somebody is in the chat. */
export const isIn = { role: { $exists: true } } as const;

/** What of a membership says that the chat is theirs to see. */
export const isTheirs = { ...isIn, blockedFrom: { $ne: 0 } } as const;

/** What a new membership of a private chat begins with. */
export const atFirst = { joinedSeq: 0, roleSeq: 0, fromSeq: 0, readSeq: 0, deliveredSeq: 0, ownVersion: 0 } as const;

/** What of a membership says which messages are theirs to see. */
export const viewFields = { fromSeq: 1, clearedSeq: 1, hidden: 1, withheld: 1, blockedFrom: 1, ownVersion: 1 } as const;

export type Viewed = Pick<MembershipDocument, 'fromSeq' | 'clearedSeq' | 'hidden' | 'withheld' | 'blockedFrom' | 'ownVersion'>;

/** Which messages of the chat are theirs to see. */
export const toView = (membership: Viewed): View => ({ fromSeq: Math.max(membership.fromSeq, membership.clearedSeq ?? 0), hidden: hiddenOf(membership), version: membership.ownVersion });

/** What these people may see of these chats, as it is stored now; undefined where the chat is not theirs to see. Through the driver: there may be hundreds. */
export async function findViews(memberships: MembershipModel, userIds: readonly Id[], chatIds: readonly Id[]): Promise<(userId: Id, chatId: Id) => View | undefined> {
  const wanted = { chatId: { $in: chatIds.map((id) => new Types.ObjectId(id)) }, userId: { $in: userIds.map((id) => new Types.ObjectId(id)) }, ...isTheirs };
  const rows = memberships.collection.find<MembershipDocument>(wanted, { projection: { _id: 0, chatId: 1, userId: 1, ...viewFields }, hint: byMember });
  const views = new Map((await rows.toArray()).map((row) => [`${row.chatId.toHexString()}:${row.userId.toHexString()}`, { ...toView(row), viewer: row.userId.toHexString() }]));
  return (userId, chatId) => views.get(`${chatId}:${userId}`);
}

/** While they block the other one, whatever comes is hidden. */
function hiddenOf({ hidden = [], withheld = [], blockedFrom }: Viewed): SeqRange[] {
  const all = withheld.length === 0 ? hidden : joined([...hidden, ...withheld]);
  return blockedFrom === undefined ? all : [...all, { from: Math.max(blockedFrom, 1), to: endless }];
}

/** What is theirs alone, as they see it on each of their devices. */
export function toMine(membership: MembershipDocument): Mine {
  const { ownVersion, joinedSeq, fromSeq, clearedSeq = 0, mutedUntil, archived, pinned, markedUnread } = membership;
  const flags = { archived: archived === true, pinned: pinned === true, markedUnread: markedUnread === true };
  return { version: ownVersion, joinedSeq, fromSeq, clearedSeq, hidden: hiddenOf(membership), ...(mutedUntil && { mutedUntil: mutedUntil.toISOString() }), ...flags };
}

/** Gives those who were in a chat before there were groups what a member has. */
export async function completeMemberships(memberships: MembershipModel): Promise<void> {
  const { readSeq: _known, ...missing } = atFirst;
  await memberships.collection.updateMany({ changedAt: { $exists: false } }, { $set: { role: 'member', ...missing }, $currentDate: { changedAt: true } });
}

/** Drops the indexes that others have come to do the work of. */
export async function dropOldIndexes(memberships: MembershipModel): Promise<void> {
  const indexes = await memberships.collection.indexes();
  for (const { name } of indexes) if (name !== undefined && oldIndexes.has(name)) await memberships.collection.dropIndex(name);
}

const oldIndexes = new Set(['userId_1', 'userId_1_in']);

/** Notes who has written where, from before that was noted. Who has opened a chat and written nothing nobody knows any more. */
export async function engageSenders(memberships: MembershipModel, messages: Pick<mongo.Collection, 'aggregate'>): Promise<void> {
  const into = { into: memberships.collection.collectionName, on: ['chatId', 'userId'], whenMatched: 'merge', whenNotMatched: 'discard' };
  const senders = { _id: { chatId: '$chatId', userId: '$senderId' } };
  const engaged = { _id: 0, chatId: '$_id.chatId', userId: '$_id.userId', engaged: { $literal: true } };
  await messages.aggregate([{ $match: { kind: 'text' } }, { $group: senders }, { $project: engaged }, { $merge: into }], { allowDiskUse: true }).toArray();
}
