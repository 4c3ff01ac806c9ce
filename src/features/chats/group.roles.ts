/** Who may do what in a group: one table. */
import { AppError } from '../../core/errors.ts';
import type { GroupSettings } from '../../core/notice.ts';
import type { Role } from './chats.contract.ts';

/** The lowest role that may do something. */
type Rule = (settings: GroupSettings) => Role;

const atLeast = (role: Role): Rule => () => role;
const asSet = (setting: 'send' | 'add' | 'change'): Rule => (settings) => (settings[setting] === 'everyone' ? 'member' : 'admin');

const powers = {
  send: asSet('send'),
  add: asSet('add'),
  change: asSet('change'),
  changeSettings: atLeast('admin'),
  expel: atLeast('admin'),
  ban: atLeast('admin'),
  unban: atLeast('admin'),
  listBanned: atLeast('admin'),
  removeMessages: atLeast('admin'),
  appoint: atLeast('owner'),
  end: atLeast('owner'),
} as const satisfies Record<string, Rule>;

export type Power = keyof typeof powers;

const rank: Record<Role, number> = { member: 1, admin: 2, owner: 3 };

/** What a group begins with. */
export const firstSettings: GroupSettings = { send: 'everyone', add: 'everyone', change: 'admins', history: 'everyone' };

/** True if somebody of this role may do it in a group with these settings. */
export const mayDo = (power: Power, role: Role, settings: GroupSettings): boolean => rank[role] >= rank[powers[power](settings)];

/** True if somebody of this role may remove messages of others. In private chats everybody is a member. */
export const mayRemoveAny = (role: Role): boolean => mayDo('removeMessages', role, firstSettings);

/** @throws NOT_ALLOWED */
export function requirePower(power: Power, role: Role, settings: GroupSettings): void {
  if (!mayDo(power, role, settings)) throw new AppError('NOT_ALLOWED');
}

/** Nobody does anything to somebody of the same role, or of a higher one. @throws NOT_ALLOWED */
export function requireAbove(role: Role, other: Role): void {
  if (rank[role] <= rank[other]) throw new AppError('NOT_ALLOWED');
}
