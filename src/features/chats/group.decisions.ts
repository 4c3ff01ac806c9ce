/** What becomes of a group when somebody wants to change it: the rules, each as a notice and what follows from it. */
import { Types } from 'mongoose';
import { AppError } from '../../core/errors.ts';
import type { GroupSettings, Notice, SettingChanges } from '../../core/notice.ts';
import type { StoredPhoto } from '../../core/photo.ts';
import type { Id } from '../../core/schemas.ts';
import type { ChatDocument, ChatFields, MembershipChange } from './chat.model.ts';
import type { Role } from './chats.contract.ts';
import type { Decision } from './group.changes.ts';
import { firstSettings, requireAbove, requirePower } from './group.roles.ts';
import { largestGroup } from './groups.contract.ts';
import type { MembershipDocument } from './membership.model.ts';

type Membership = Pick<MembershipDocument, 'userId' | 'role' | 'bannedAt' | 'joinedSeq'>;

/** A group as whoever changes it finds it. */
export interface Seen {
  group: ChatDocument;
  actorId: Id;
  role: Role;
}

export interface Changes {
  title?: string;
  description?: string | null;
  photo?: StoredPhoto | null;
  settings?: SettingChanges;
}

const settingsOf = ({ settings }: ChatDocument): GroupSettings => ({ ...firstSettings, ...settings });
const objectId = (id: Id): Types.ObjectId => new Types.ObjectId(id);
const newcomer = (userId: Id): MembershipChange => ({ userId: objectId(userId), role: 'member', joins: true });

export function createGroup(ownerId: Id, { title, description, settings }: Changes & { title: string }, userIds: readonly Id[]): Decision {
  return {
    notice: { type: 'group.created', actorId: ownerId, title },
    members: [{ userId: objectId(ownerId), role: 'owner', joins: true }, ...userIds.map(newcomer)],
    fields: { title, ...(typeof description === 'string' && { description }), settings: { ...firstSettings, ...settings }, ownerId: objectId(ownerId) },
  };
}

/** Only what differs is noted; nothing if nothing does. @throws NOT_ALLOWED */
export function updateGroup({ group, actorId, role }: Seen, { title, description, photo, settings = {} }: Changes): Decision | undefined {
  const now = settingsOf(group);
  if (title !== undefined || description !== undefined || photo !== undefined) requirePower('change', role, now);
  if (Object.keys(settings).length > 0) requirePower('changeSettings', role, now);
  const isNewDescription = description !== undefined && description !== (group.description ?? null);
  const changed = Object.fromEntries(Object.entries(settings).filter(([key, value]) => now[key as keyof GroupSettings] !== value)) as SettingChanges;
  const hasChanged = Object.keys(changed).length > 0;
  const told = { ...(title !== undefined && title !== group.title && { title }), ...(isNewDescription && { description }), ...(hasChanged && { settings: changed }) };
  const isNewPhoto = photo !== undefined && (photo ?? group.photo) !== undefined;
  if (Object.keys(told).length === 0 && !isNewPhoto) return undefined;
  return {
    notice: { type: 'group.updated', actorId, ...told, ...(isNewPhoto && { photo: photo ? 'set' : 'removed' }) },
    fields: { ...told, ...(isNewPhoto && { photo }), ...(hasChanged && { settings: { ...now, ...changed } }) } as ChatFields,
  };
}

/** @throws NOT_ALLOWED */
export function endGroup({ group, actorId, role }: Seen): Decision {
  requirePower('end', role, settingsOf(group));
  return { notice: { type: 'group.ended', actorId }, fields: { removedAt: new Date() } };
}

/**
 * @param known the memberships there are of those to be added, also of former members
 * @throws NOT_ALLOWED; GROUP_FULL with the room that is left
 */
export function addMembers({ group, actorId, role }: Seen, userIds: readonly Id[], known: readonly Membership[]): Decision | undefined {
  requirePower('add', role, settingsOf(group));
  const out = new Set(known.filter(({ role: has, bannedAt }) => has !== undefined || bannedAt !== undefined).map(({ userId }) => userId.toHexString()));
  const targetIds = userIds.filter((id) => !out.has(id));
  const room = largestGroup - (group.memberCount ?? 0);
  if (targetIds.length > room) throw new AppError('GROUP_FULL', { room });
  return targetIds.length === 0 ? undefined : { notice: { type: 'member.added', actorId, targetIds }, members: targetIds.map(newcomer) };
}

/** @throws NOT_ALLOWED, MEMBER_NOT_FOUND */
export function expelMember(seen: Seen, target: Membership | null): Decision {
  requirePower('expel', seen.role, settingsOf(seen.group));
  if (!target?.role) throw new AppError('MEMBER_NOT_FOUND');
  requireAbove(seen.role, target.role);
  return about(seen, 'member.removed', { userId: target.userId, role: null, leaves: true });
}

/** Whoever is banned already stays so. @throws NOT_ALLOWED */
export function banMember(seen: Seen, userId: Id, target: Membership | null): Decision | undefined {
  requirePower('ban', seen.role, settingsOf(seen.group));
  if (userId === seen.actorId) throw new AppError('NOT_ALLOWED');
  if (target?.bannedAt) return undefined;
  if (target?.role) requireAbove(seen.role, target.role);
  return about(seen, 'member.banned', { userId: objectId(userId), role: null, banned: true, ...(target?.role && { leaves: true }) });
}

/** @throws NOT_ALLOWED */
export function unbanMember(seen: Seen, target: Membership | null): Decision | undefined {
  requirePower('unban', seen.role, settingsOf(seen.group));
  return target?.bannedAt && about(seen, 'member.unbanned', { userId: target.userId, role: null, banned: false });
}

/** @throws NOT_ALLOWED, MEMBER_NOT_FOUND */
export function appointMember(seen: Seen, target: Membership | null, role: Role): Decision | undefined {
  requirePower('appoint', seen.role, settingsOf(seen.group));
  if (!target?.role) throw new AppError('MEMBER_NOT_FOUND');
  if (target.role === role) return undefined;
  // An owner who goes down gives the group to somebody.
  requireAbove(seen.role, target.role);
  const { userId } = target;
  if (role === 'admin') return about(seen, 'member.promoted', { userId, role });
  if (role === 'member') return about(seen, 'member.demoted', { userId, role, roleSeq: target.joinedSeq });
  const given = about(seen, 'owner.changed', { userId, role });
  return { ...given, members: [{ userId, role }, { userId: objectId(seen.actorId), role: 'admin' }], fields: { ownerId: userId } };
}

/** @param heir who owns the group from then on, if an owner leaves; nobody if there is nobody left */
export function leaveGroup({ actorId, role }: Seen, heir: Membership | null): Decision {
  const leaver: MembershipChange = { userId: objectId(actorId), role: null, leaves: true };
  const notice = { type: 'member.left', actorId } as const;
  if (role !== 'owner') return { notice, members: [leaver] };
  if (!heir) return { notice, members: [leaver], fields: { removedAt: new Date() } };
  const { userId } = heir;
  return { notice: { ...notice, ownerId: userId.toHexString() }, members: [leaver, { userId, role: 'owner' }], fields: { ownerId: userId } };
}

/** A change that concerns one person. */
const about = ({ actorId }: Seen, type: Notice['type'], member: MembershipChange): Decision => ({ notice: { type, actorId, targetIds: [member.userId.toHexString()] }, members: [member] });
