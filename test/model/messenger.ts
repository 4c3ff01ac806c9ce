/** A messenger in plain maps: what the real one has to come to, whatever is done to it, one thing after another. */
import { mayDo, mayRemoveAny } from '../../src/features/chats/group.roles.ts';
import type { Role } from '../../src/features/chats/chats.contract.ts';
import type { GroupSettings, Notice } from '../../src/core/notice.ts';

export interface ModelMessage {
  seq: number;
  rev?: number;
  senderId: string;
  text?: string;
  notice?: Notice;
  replyTo?: number;
  reactions: [emoji: string, userId: string][];
  edited: boolean;
  removed: boolean;
}

export interface ModelMember {
  role?: Role;
  banned: boolean;
  joinedSeq: number;
  roleSeq: number;
  fromSeq: number;
  readSeq: number;
  deliveredSeq: number;
  clearedSeq: number;
  hidden: Set<number>;
  archived: boolean;
  pinned: boolean;
  markedUnread: boolean;
}

export interface ModelChat {
  kind: 'private' | 'group';
  title?: string;
  settings?: GroupSettings;
  rev: number;
  log: ModelMessage[];
  members: Map<string, ModelMember>;
}

const newMember = (role: Role, seq: number, fromSeq = 0): ModelMember => ({ role, banned: false, joinedSeq: seq, roleSeq: seq, fromSeq, readSeq: 0, deliveredSeq: 0, clearedSeq: 0, hidden: new Set(), archived: false, pinned: false, markedUnread: false });
const rank = { member: 1, admin: 2, owner: 3 };

/** Every action gives true if it is allowed; a forbidden one changes nothing. */
export class Messenger {
  readonly chats = new Map<string, ModelChat>();

  member(chatId: string, userId: string): (ModelMember & { role: Role }) | undefined {
    const member = this.chats.get(chatId)?.members.get(userId);
    return member?.role ? (member as ModelMember & { role: Role }) : undefined;
  }

  chatsOf = (userId: string): string[] => [...this.chats.keys()].filter((id) => this.member(id, userId));
  sees = (member: ModelMember, seq: number): boolean => seq > Math.max(member.fromSeq, member.clearedSeq) && !member.hidden.has(seq);

  /** The message, if this person sees it. */
  message(chatId: string, seq: number, userId: string): ModelMessage | undefined {
    const member = this.member(chatId, userId);
    return member && this.sees(member, seq) ? this.chats.get(chatId)?.log[seq - 1] : undefined;
  }

  unread(chatId: string, userId: string): number {
    const [chat, member] = [this.chats.get(chatId), this.member(chatId, userId)];
    if (!chat || !member) return 0;
    return chat.log.filter(({ seq }) => seq > Math.max(member.readSeq, member.joinedSeq) && this.sees(member, seq)).length;
  }

  openPrivate(chatId: string, people: string[]): void {
    if (!this.chats.has(chatId)) this.chats.set(chatId, { kind: 'private', rev: 0, log: [], members: new Map(people.map((id) => [id, newMember('member', 0)])) });
  }

  createGroup(chatId: string, ownerId: string, title: string, settings: GroupSettings, userIds: string[]): void {
    const members = new Map([ownerId, ...userIds].map((id) => [id, newMember(id === ownerId ? 'owner' : 'member', 1)]));
    this.chats.set(chatId, { kind: 'group', title, settings, rev: 0, log: [], members });
    this.note(chatId, { type: 'group.created', actorId: ownerId, title });
    if (settings.history === 'joined') for (const member of members.values()) member.fromSeq = 0;
  }

  send(chatId: string, senderId: string, text: string, replyTo?: number): boolean {
    const [chat, member] = [this.chats.get(chatId), this.member(chatId, senderId)];
    if (!chat || !member || (chat.settings && !mayDo('send', member.role, chat.settings))) return false;
    const original = replyTo === undefined ? undefined : this.message(chatId, replyTo, senderId);
    if (replyTo !== undefined && (!original || original.removed)) return false;
    this.append(chat, { senderId, text, ...(replyTo !== undefined && { replyTo }) });
    return true;
  }

  edit = (chatId: string, seq: number, userId: string, text: string): boolean =>
    this.change(chatId, seq, userId, (message) => {
      if (message.senderId !== userId || message.removed) return undefined;
      return message.text === text ? false : Object.assign(message, { text, edited: true });
    });

  remove = (chatId: string, seq: number, userId: string): boolean =>
    this.change(chatId, seq, userId, (message, { role }) => {
      if (message.senderId !== userId && !mayRemoveAny(role)) return undefined;
      if (message.removed) return false;
      delete message.text;
      delete message.replyTo;
      return Object.assign(message, { removed: true, edited: false, reactions: [] });
    });

  react = (chatId: string, seq: number, userId: string, emoji: string): boolean =>
    this.change(chatId, seq, userId, (message) => {
      const own = message.reactions.filter(([, id]) => id === userId);
      if (message.removed) return undefined;
      if (own.some(([known]) => known === emoji)) return false;
      return own.length >= 3 ? undefined : message.reactions.push([emoji, userId]);
    });

  unreact = (chatId: string, seq: number, userId: string, emoji: string): boolean =>
    this.change(chatId, seq, userId, (message) => {
      if (message.removed) return undefined;
      const left = message.reactions.filter(([known, id]) => known !== emoji || id !== userId);
      return left.length === message.reactions.length ? false : (message.reactions = left);
    });

  /** Adds those who can be; none is a failure only where nobody may add at all. */
  add(chatId: string, actorId: string, userIds: string[]): boolean {
    const chat = this.group(chatId, actorId, 'add');
    if (!chat) return false;
    const targetIds = userIds.filter((id) => !chat.members.get(id)?.role && !chat.members.get(id)?.banned);
    if (targetIds.length === 0) return true;
    const seq = chat.log.length + 1;
    for (const id of targetIds) {
      const fromSeq = chat.settings?.history === 'joined' ? seq - 1 : 0;
      chat.members.set(id, { ...(chat.members.get(id) ?? newMember('member', seq)), role: 'member', joinedSeq: seq, roleSeq: seq, fromSeq });
    }
    this.note(chatId, { type: 'member.added', actorId, targetIds });
    return true;
  }

  expel(chatId: string, actorId: string, userId: string): boolean {
    const [chat, actor, target] = [this.group(chatId, actorId, 'expel'), this.member(chatId, actorId), this.member(chatId, userId)];
    if (!chat || !actor || !target || rank[actor.role] <= rank[target.role]) return false;
    delete (target as ModelMember).role;
    return this.note(chatId, { type: 'member.removed', actorId, targetIds: [userId] });
  }

  ban(chatId: string, actorId: string, userId: string): boolean {
    const [chat, actor] = [this.group(chatId, actorId, 'ban'), this.member(chatId, actorId)];
    const known = chat?.members.get(userId);
    if (!chat || !actor || userId === actorId) return false;
    if (known?.banned) return true;
    if (known?.role && rank[actor.role] <= rank[known.role]) return false;
    const member = known ?? newMember('member', chat.log.length + 1);
    delete member.role;
    chat.members.set(userId, Object.assign(member, { banned: true }));
    return this.note(chatId, { type: 'member.banned', actorId, targetIds: [userId] });
  }

  unban(chatId: string, actorId: string, userId: string): boolean {
    const chat = this.group(chatId, actorId, 'unban');
    const target = chat?.members.get(userId);
    if (!chat) return false;
    if (!target?.banned) return true;
    target.banned = false;
    return this.note(chatId, { type: 'member.unbanned', actorId, targetIds: [userId] });
  }

  appoint(chatId: string, actorId: string, userId: string, role: Role): boolean {
    const [chat, actor, target] = [this.group(chatId, actorId, 'appoint'), this.member(chatId, actorId), this.member(chatId, userId)];
    if (!chat || !actor || !target) return false;
    if (target.role === role) return true;
    if (target === actor) return false;
    const seq = chat.log.length + 1;
    Object.assign(target, { role, roleSeq: role === 'member' ? target.joinedSeq : seq });
    if (role === 'owner') Object.assign(actor, { role: 'admin', roleSeq: seq });
    return this.note(chatId, { type: role === 'owner' ? 'owner.changed' : role === 'admin' ? 'member.promoted' : 'member.demoted', actorId, targetIds: [userId] });
  }

  leave(chatId: string, userId: string): boolean {
    const [chat, member] = [this.chats.get(chatId), this.member(chatId, userId)];
    if (chat?.kind !== 'group' || !member) return false;
    const wasOwner = member.role === 'owner';
    delete (member as ModelMember).role;
    const others = [...chat.members].filter(([, { role }]) => role).sort(([a, one], [b, other]) => one.roleSeq - other.roleSeq || (a < b ? -1 : 1));
    const heir = others.find(([, { role }]) => role === 'admin') ?? others[0];
    if (wasOwner && heir) Object.assign(heir[1], { role: 'owner', roleSeq: chat.log.length + 1 });
    return this.note(chatId, { type: 'member.left', actorId: userId, ...(wasOwner && heir && { ownerId: heir[0] }) });
  }

  update(chatId: string, actorId: string, { title, settings = {} }: { title?: string; settings?: Partial<GroupSettings> }): boolean {
    const [chat, member] = [this.chats.get(chatId), this.member(chatId, actorId)];
    if (!chat?.settings || !member) return false;
    if ((title !== undefined && !mayDo('change', member.role, chat.settings)) || (Object.keys(settings).length > 0 && !mayDo('changeSettings', member.role, chat.settings))) return false;
    const changed = Object.fromEntries(Object.entries(settings).filter(([key, value]) => chat.settings?.[key as keyof GroupSettings] !== value));
    const noted = { ...(title !== undefined && title !== chat.title && { title }), ...(Object.keys(changed).length > 0 && { settings: changed }) };
    if (Object.keys(noted).length === 0) return true;
    Object.assign(chat, { title: noted.title ?? chat.title, settings: { ...chat.settings, ...changed } });
    return this.note(chatId, { type: 'group.updated', actorId, ...noted });
  }

  hide(chatId: string, seq: number, userId: string): boolean {
    if (!this.message(chatId, seq, userId)) return false;
    this.member(chatId, userId)?.hidden.add(seq);
    return true;
  }

  clear = (chatId: string, userId: string): boolean => this.own(chatId, userId, (member, { log }) => (member.clearedSeq = log.length));
  arrange = (chatId: string, userId: string, flags: Pick<ModelMember, 'archived' | 'pinned' | 'markedUnread'>): boolean => this.own(chatId, userId, (member) => Object.assign(member, flags));
  read = (chatId: string, userId: string, seq: number): boolean =>
    this.own(chatId, userId, (member, { log }) => Object.assign(member, { readSeq: Math.max(member.readSeq, Math.min(seq, log.length)), markedUnread: false }));

  /** Never a failure: chats one is not in are left out. */
  receive(chatId: string, userId: string, seq: number): boolean {
    this.own(chatId, userId, (member, { log }) => (member.deliveredSeq = Math.max(member.deliveredSeq, Math.min(seq, log.length))));
    return true;
  }

  /** A chat as one of its members sees it. */
  view(chatId: string, userId: string): unknown {
    const [chat, own] = [this.chats.get(chatId), this.member(chatId, userId)];
    if (!chat || !own) return undefined;
    const members = [...chat.members].filter(([, { role }]) => role).map(([id, { role, joinedSeq, readSeq, deliveredSeq }]) => [id, [role, Math.max(readSeq, joinedSeq), Math.max(deliveredSeq, readSeq, joinedSeq)]]);
    const messages = chat.log.filter(({ seq }) => this.sees(own, seq)).map(({ seq, rev, senderId, text, notice, replyTo, reactions, edited, removed }) => {
      const original = replyTo === undefined ? undefined : this.message(chatId, replyTo, userId);
      const shown: unknown = replyTo === undefined ? undefined : [replyTo, original?.senderId, original?.text, original?.removed === true];
      const kinds = [...new Set(reactions.map(([emoji]) => emoji))].map((emoji) => [emoji, reactions.filter(([known]) => known === emoji).map(([, id]) => id)]);
      return { seq, rev, senderId, text, notice, replyTo: shown, reactions: kinds, edited, removed };
    });
    const { archived, pinned, markedUnread } = own;
    return { kind: chat.kind, title: chat.title, settings: chat.settings, members: Object.fromEntries(members) as Record<string, unknown>, messages, unread: this.unread(chatId, userId), own: [archived, pinned, markedUnread] };
  }

  private own(chatId: string, userId: string, act: (member: ModelMember, chat: ModelChat) => unknown): boolean {
    const [chat, member] = [this.chats.get(chatId), this.member(chatId, userId)];
    if (chat && member) act(member, chat);
    return member !== undefined;
  }

  private group(chatId: string, actorId: string, power: 'add' | 'expel' | 'ban' | 'unban' | 'appoint'): ModelChat | undefined {
    const [chat, member] = [this.chats.get(chatId), this.member(chatId, actorId)];
    return chat?.settings && member && mayDo(power, member.role, chat.settings) ? chat : undefined;
  }

  private note(chatId: string, notice: Notice): true {
    const chat = this.chats.get(chatId);
    if (chat) this.append(chat, { senderId: notice.actorId, notice });
    return true;
  }

  private append(chat: ModelChat, message: Pick<ModelMessage, 'senderId' | 'text' | 'notice' | 'replyTo'>): void {
    chat.log.push({ ...message, seq: chat.log.length + 1, reactions: [], edited: false, removed: false });
    const sender = chat.members.get(message.senderId);
    if (sender) sender.readSeq = chat.log.length;
  }

  /** `act` gives undefined for what is forbidden and false for what changes nothing. */
  private change(chatId: string, seq: number, userId: string, act: (message: ModelMessage, member: { role: Role }) => unknown): boolean {
    const [chat, member, message] = [this.chats.get(chatId), this.member(chatId, userId), this.message(chatId, seq, userId)];
    const outcome = chat && member && message && !message.notice ? act(message, member) : undefined;
    if (chat && message && outcome !== undefined && outcome !== false) message.rev = chat.rev += 1;
    return outcome !== undefined;
  }
}
