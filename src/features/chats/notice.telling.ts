/** What those who are in a group hear of a change of it, so that they know it and its members without asking. */
import { isDeepStrictEqual } from 'node:util';
import type { Bus } from '../../core/bus.ts';
import type { EventOf } from '../../core/contract.ts';
import type { Message } from '../../core/message.ts';
import type { Id } from '../../core/schemas.ts';
import type { KnownUser, UsersService } from '../users/users.service.ts';
import type { ChatDocument, GroupChange } from './chat.model.ts';
import type { Views } from './chat.views.ts';
import { tellingMembers, type chatsContract, type Member } from './chats.contract.ts';
import type { groupsContract } from './groups.contract.ts';
import type { MembershipModel } from './membership.model.ts';

export interface NoticeTellingParts {
  memberships: MembershipModel;
  users: UsersService;
  views: Pick<Views, 'toChatInfo'>;
  bus: Bus<EventOf<typeof chatsContract> | EventOf<typeof groupsContract>>;
}

export interface ToldNotice {
  chat: ChatDocument;
  change: GroupChange;
  message: Message;
  /** Who is in the group now. */
  memberIds: readonly Id[];
  /** Who is not any more. */
  former: Id[];
}

type ChangedMember = Omit<Member, 'deliveredSeq'> & Partial<Member>;

/** Whoever comes in has read what was there: that is part of the notice for those who may know it. */
export async function tellNotice(parts: NoticeTellingParts, { chat, change, message, memberIds, former }: ToldNotice): Promise<void> {
  const { users, views, bus } = parts;
  const topic = `chat:${chat._id.toHexString()}` as const;
  const told = memberIds.length <= tellingMembers ? memberIds : [];
  const people = await users.findUsers([...new Set([...told, ...change.members.map(({ userId }) => userId.toHexString())])]);
  const tells = new Set(told.filter((id) => people.get(id)?.readReceipts === true));
  const members = await toChanged(parts, { chat, change, message }, people);
  const payload = { message, chat: views.toChatInfo(chat), members, former };
  const marked = members.map((member) => (isNew(member) && tells.has(member.user.id) ? { ...member, readSeq: member.joinedSeq } : member));
  bus.publish(topic, { name: 'notice.created', payload: { ...payload, members: marked } }, { only: (userId) => tells.has(userId) });
  bus.publish(topic, { name: 'notice.created', payload }, { only: (userId) => !tells.has(userId) });
  await tellOfSince(parts, { topic, newcomers: members.filter(isNew), people, tells });
}

const isNew = ({ deliveredSeq }: ChangedMember): boolean => deliveredSeq !== undefined;

async function toChanged({ memberships }: NoticeTellingParts, { chat, change, message }: Pick<ToldNotice, 'chat' | 'change' | 'message'>, people: ReadonlyMap<Id, KnownUser>): Promise<ChangedMember[]> {
  const changed = change.members.filter(({ role }) => role !== null);
  const rows = await memberships.find({ chatId: chat._id, userId: { $in: changed.map(({ userId }) => userId) } }, { userId: 1, joinedSeq: 1 }).lean();
  const joinedAt = new Map(rows.map(({ userId, joinedSeq }) => [userId.toHexString(), joinedSeq]));
  return changed.flatMap(({ userId, role, joins }) => {
    const known = people.get(userId.toHexString());
    if (!known || !role) return [];
    const joinedSeq = joins ? message.seq : (joinedAt.get(userId.toHexString()) ?? 0);
    return [{ user: known.user, role, joinedSeq, ...(joins && { deliveredSeq: joinedSeq }) }];
  });
}

interface Told {
  topic: `chat:${Id}`;
  newcomers: readonly ChangedMember[];
  people: ReadonlyMap<Id, KnownUser>;
  tells: ReadonlySet<Id>;
}

/** What a newcomer has changed of themselves while the notice was put together was told to people who did not know them yet. */
async function tellOfSince({ users, bus }: NoticeTellingParts, { topic, newcomers, people, tells }: Told): Promise<void> {
  const now = await users.findUsers(newcomers.map(({ user }) => user.id));
  const chatId = topic.slice('chat:'.length);
  for (const { user: { id }, joinedSeq } of newcomers) {
    const [before, after] = [people.get(id), now.get(id)];
    if (!after || isDeepStrictEqual(before, after)) continue;
    const withdrawn = before?.readReceipts === true && !after.readReceipts;
    bus.publish(topic, { name: 'member.updated', payload: { chatId, user: after.user, ...(withdrawn && { deliveredSeq: joinedSeq }) } }, { only: (userId) => userId !== id });
    if (after.readReceipts && !tells.has(id)) bus.publish(topic, { name: 'chat.read', payload: { chatId, marks: [{ userId: id, seq: joinedSeq }] } }, { only: (userId) => tells.has(userId) });
  }
}
