/** A messenger in plain maps: what the real one has to come to, whatever is done to it, one thing after another. */
import type { ChatInfo, Mine, Role } from '../../src/features/chats/chats.contract.ts';
import type { Message } from '../../src/core/message.ts';
import type { GroupSettings, Notice } from '../../src/core/notice.ts';

type ModelMessage = Pick<Message, 'seq' | 'rev' | 'senderId' | 'text' | 'notice'> & { at: number; replyTo?: number; reactions: [emoji: string, userId: string][]; edited: boolean; removed: boolean };
/** `blockedFrom`: while they block the other one, from where on they see nothing; 0 if the chat was made meanwhile. */
type ModelMember = Record<'joinedSeq' | 'roleSeq' | 'fromSeq' | 'readSeq' | 'deliveredSeq' | 'clearedSeq', number> & { role?: Role; banned: boolean; hidden: Set<number>; blockedFrom?: number; flags: Pick<Mine, 'archived' | 'pinned' | 'markedUnread'> };
type Current = ModelMember & { role: Role };
type ModelChat = Pick<ChatInfo, 'kind' | 'title' | 'settings'> & { madeAt: number; rev: number; log: ModelMessage[]; members: Map<string, ModelMember> };

const newMember = (role: Role, seq: number): ModelMember => ({ role, banned: false, joinedSeq: seq, roleSeq: seq, fromSeq: 0, readSeq: 0, deliveredSeq: 0, clearedSeq: 0, hidden: new Set(), flags: { archived: false, pinned: false, markedUnread: false } });
const rank = { member: 1, admin: 2, owner: 3 };
/** What the settings say, some is the owner's alone, and all else the admins'. */
const mayDo = (power: string, { role }: Current, settings?: Partial<Record<string, string>>): boolean => rank[role] >= (settings?.[power] === 'everyone' ? 1 : ['appoint', 'end'].includes(power) ? 3 : 2);
const sees = (member: ModelMember, seq: number): boolean => seq > Math.max(member.fromSeq, member.clearedSeq) && seq < (member.blockedFrom ?? Infinity) && !member.hidden.has(seq);
/** Nobody comes further than to the last message, or to where they stopped to see. */
const raised = (member: ModelMember, which: 'readSeq' | 'deliveredSeq', seq: number, { log }: ModelChat) => ({ [which]: Math.max(member[which], Math.min(seq, log.length, Math.max((member.blockedFrom ?? Infinity) - 1, 0))) });

/** Every action gives true if it is allowed; a forbidden one changes nothing. */
export class Messenger {
  readonly chats = new Map<string, ModelChat>();
  readonly #blocks = new Set<string>();
  readonly #silent = new Set<string>();
  readonly names = new Map<string, string>();
  #clock = 0;
  chatsOf = (userId: string): string[] => [...this.chats].filter(([, { members }]) => members.get(userId)?.role && members.get(userId)?.blockedFrom !== 0).map(([id]) => id);
  blocks = (userId: string, otherId: string): boolean => this.#blocks.has(`${userId} ${otherId}`);
  blockedBy = (userId: string): string[] => [...this.#blocks].filter((pair) => pair.startsWith(userId)).map((pair) => pair.slice(userId.length + 1)).sort();
  readonly #areApart = (one: string, other: string): boolean => this.blocks(one, other) || this.blocks(other, one);
  /** What they have read until they cease to tell stays told as received. */
  tell(userId: string, tells: boolean): boolean {
    const own = tells || this.#silent.has(userId) ? [] : [...this.chats.values()].flatMap(({ members }) => members.get(userId) ?? []);
    for (const member of own) member.deliveredSeq = Math.max(member.deliveredSeq, member.readSeq);
    return Boolean(tells ? this.#silent.delete(userId) : this.#silent.add(userId)) || true;
  }
  rename = (userId: string, name: string): boolean => this.names.set(userId, name).has(userId);
  /** One that was there before is open to them also while they block the other one. */
  open(chatId: string | undefined, userId: string, otherId: string): boolean {
    const member = (id: string, other: string) => [id, { ...newMember('member', 0), ...(this.blocks(id, other) && { blockedFrom: 0 }) }] as const;
    if (chatId === undefined || this.chats.has(chatId)) return chatId !== undefined && this.chats.get(chatId)?.members.get(userId)?.blockedFrom !== 0;
    return !this.blocks(userId, otherId) && this.chats.set(chatId, { kind: 'private', madeAt: (this.#clock += 1), rev: 0, log: [], members: new Map([member(userId, otherId), member(otherId, userId)]) }).size > 0;
  }
  sendTo = (chatId: string, senderId: string, otherId: string, text: string): boolean => !this.blocks(senderId, otherId) && this.open(chatId, senderId, otherId) && this.send(chatId, senderId, text);
  block(userId: string, otherId: string): boolean {
    for (const [chat, member] of this.#between(userId, otherId)) member.blockedFrom ??= chat.log.length + 1;
    return userId !== otherId && this.#blocks.add(`${userId} ${otherId}`).size > 0;
  }
  unblock(userId: string, otherId: string): boolean {
    this.#blocks.delete(`${userId} ${otherId}`);
    for (const [{ log }, member] of this.#between(userId, otherId)) {
      for (const { seq } of log.slice(Math.max((member.blockedFrom ?? Infinity) - 1, 0))) member.hidden.add(seq);
      delete member.blockedFrom;
    }
    return true;
  }
  createGroup(chatId: string, ownerId: string, title: string, settings: GroupSettings, userIds: string[]): boolean {
    const people = [ownerId, ...userIds.filter((id) => id !== ownerId && !this.#areApart(id, ownerId))];
    this.chats.set(chatId, { kind: 'group', title, settings, madeAt: (this.#clock += 1), rev: 0, log: [], members: new Map(people.map((id) => [id, newMember(id === ownerId ? 'owner' : 'member', 1)])) });
    return this.#note(chatId, { type: 'group.created', actorId: ownerId, title });
  }
  send = (chatId: string, senderId: string, text: string, replyTo?: number): boolean =>
    this.#as(chatId, senderId, (chat, member) => {
      if (member.blockedFrom !== undefined || (chat.settings && !mayDo('send', member, chat.settings))) return false;
      const original = replyTo === undefined ? undefined : chat.log[replyTo - 1];
      if (replyTo !== undefined && (!original || original.removed || !sees(member, replyTo))) return false;
      return this.#append(chat, { senderId, text, ...(replyTo !== undefined && { replyTo }) });
    });
  edit = (chatId: string, seq: number, userId: string, text: string): boolean =>
    this.#change(chatId, seq, userId, (message, member, { members, settings }) => {
      if (member.blockedFrom !== undefined || (settings && !mayDo('send', member, settings)) || message.senderId !== userId || message.removed) return undefined;
      if (message.text === text) return false;
      for (const other of members.values()) if (seq < (other.blockedFrom ?? 0)) other.hidden.add(seq);
      return Object.assign(message, { text, edited: true });
    });
  remove = (chatId: string, seq: number, userId: string): boolean =>
    this.#change(chatId, seq, userId, (message, member) => {
      if (message.senderId !== userId && !mayDo('remove', member)) return undefined;
      if (message.removed) return false;
      delete message.text;
      delete message.replyTo;
      return Object.assign(message, { removed: true, edited: false, reactions: [] });
    });
  react = (chatId: string, seq: number, userId: string, emoji: string): boolean =>
    this.#change(chatId, seq, userId, ({ reactions, removed }, { blockedFrom }) => {
      const own = reactions.flatMap(([known, id]) => (id === userId ? [known] : []));
      return removed || blockedFrom !== undefined || (own.length >= 3 && !own.includes(emoji)) ? undefined : !own.includes(emoji) && reactions.push([emoji, userId]);
    });
  unreact = (chatId: string, seq: number, userId: string, emoji: string): boolean =>
    this.#change(chatId, seq, userId, (message) => {
      const left = message.reactions.filter(([known, id]) => known !== emoji || id !== userId);
      return message.removed ? undefined : left.length === message.reactions.length ? false : (message.reactions = left);
    });
  /** Adds those who can be; none is a failure only where nobody may add at all. */
  add = (chatId: string, actorId: string, userIds: string[]): boolean =>
    this.#govern('add', chatId, actorId, (_actor, { members, log, settings }) => {
      const targetIds = userIds.filter((id) => id !== actorId && !members.get(id)?.role && !members.get(id)?.banned && !this.#areApart(id, actorId));
      const seq = log.length + 1;
      for (const id of targetIds) members.set(id, { ...(members.get(id) ?? newMember('member', seq)), role: 'member', joinedSeq: seq, roleSeq: seq, flags: newMember('member', seq).flags, fromSeq: settings?.history === 'joined' ? seq - 1 : (members.get(id)?.fromSeq ?? 0) });
      return targetIds.length === 0 || this.#note(chatId, { type: 'member.added', actorId, targetIds });
    });
  expel = (chatId: string, actorId: string, userId: string): boolean =>
    this.#govern('expel', chatId, actorId, (actor, { members }) => {
      const target = members.get(userId);
      if (!target?.role || rank[actor.role] <= rank[target.role]) return false;
      delete target.role;
      return this.#note(chatId, { type: 'member.removed', actorId, targetIds: [userId] });
    });
  ban = (chatId: string, actorId: string, userId: string): boolean =>
    this.#govern('ban', chatId, actorId, (actor, { members, log }) => {
      const target = members.get(userId) ?? newMember('member', log.length + 1);
      if (target.banned) return true;
      if (userId === actorId || (members.has(userId) && target.role && rank[actor.role] <= rank[target.role])) return false;
      delete target.role;
      members.set(userId, Object.assign(target, { banned: true }));
      return this.#note(chatId, { type: 'member.banned', actorId, targetIds: [userId] });
    });
  unban = (chatId: string, actorId: string, userId: string): boolean =>
    this.#govern('unban', chatId, actorId, (_actor, { members }) => {
      const target = members.get(userId);
      return !target?.banned || (target.banned = false) || this.#note(chatId, { type: 'member.unbanned', actorId, targetIds: [userId] });
    });
  appoint = (chatId: string, actorId: string, userId: string, role: Role): boolean =>
    this.#govern('appoint', chatId, actorId, (actor, { members, log }) => {
      const target = members.get(userId);
      if (!target?.role || target.role === role || target === actor) return target?.role === role;
      const seq = log.length + 1;
      Object.assign(target, { role, roleSeq: role === 'member' ? target.joinedSeq : seq });
      if (role === 'owner') Object.assign(actor, { role: 'admin', roleSeq: seq });
      return this.#note(chatId, { type: role === 'owner' ? 'owner.changed' : role === 'admin' ? 'member.promoted' : 'member.demoted', actorId, targetIds: [userId] });
    });
  end = (chatId: string, actorId: string): boolean => this.#govern('end', chatId, actorId, (_actor, { members }) => [...members.values()].every((member) => delete member.role));
  leave = (chatId: string, userId: string): boolean =>
    this.#as(chatId, userId, ({ kind, members, log }, member: ModelMember) => {
      if (kind !== 'group') return false;
      const others = [...members].filter(([id, { role }]) => role && id !== userId).sort(([a, one], [b, other]) => one.roleSeq - other.roleSeq || (a < b ? -1 : 1));
      const heir = member.role === 'owner' ? (others.find(([, { role }]) => role === 'admin') ?? others[0]) : undefined;
      delete member.role;
      if (heir) Object.assign(heir[1], { role: 'owner', roleSeq: log.length + 1 });
      return this.#note(chatId, { type: 'member.left', actorId: userId, ...(heir && { ownerId: heir[0] }) });
    });
  update = (chatId: string, actorId: string, { title, settings = {} }: { title?: string; settings?: Partial<GroupSettings> }): boolean =>
    this.#as(chatId, actorId, (chat, actor) => {
      const powers = [...(title === undefined ? [] : ['change' as const]), ...(Object.keys(settings).length === 0 ? [] : ['changeSettings' as const])];
      if (!chat.settings || !powers.every((power) => mayDo(power, actor, chat.settings))) return false;
      const changed = Object.fromEntries(Object.entries(settings).filter(([key, value]) => chat.settings?.[key as keyof GroupSettings] !== value));
      const noted = { ...(title !== undefined && title !== chat.title && { title }), ...(Object.keys(changed).length > 0 && { settings: changed }) };
      Object.assign(chat, { title: noted.title ?? chat.title, settings: { ...chat.settings, ...changed } });
      return Object.keys(noted).length === 0 || this.#note(chatId, { type: 'group.updated', actorId, ...noted });
    });
  hide = (chatId: string, seq: number, userId: string): boolean => this.#as(chatId, userId, (_chat, member) => sees(member, seq) && member.hidden.add(seq).has(seq));
  clear = (chatId: string, userId: string): boolean => this.#as(chatId, userId, ({ log }, member) => Boolean(Object.assign(member, { clearedSeq: log.length, flags: { ...member.flags, markedUnread: false } })));
  arrange = (chatId: string, userId: string, flags: ModelMember['flags']): boolean => this.#as(chatId, userId, (_chat, member) => Boolean(Object.assign(member, { flags })));
  read = (chatId: string, userId: string, seq: number): boolean => this.#as(chatId, userId, (chat, member) => Boolean(Object.assign(member, raised(member, 'readSeq', seq, chat), { flags: { ...member.flags, markedUnread: false } })));
  /** Never a failure: chats one is not in are left out. */
  receive = (chatId: string, userId: string, seq: number): boolean => this.#as(chatId, userId, (chat, member) => Boolean(Object.assign(member, raised(member, 'deliveredSeq', seq, chat)))) || true;
  /** Their list: what is pinned first, then what was active last; without those of which nothing is left to see. */
  listOf = (userId: string): string[] =>
    this.chatsOf(userId).flatMap((id) => {
      const [chat, own] = [this.chats.get(id) as ModelChat, this.chats.get(id)?.members.get(userId) as ModelMember];
      const [last, isNew] = [chat.log.findLast(({ seq }) => sees(own, seq)), chat.log.length === 0 && own.blockedFrom === undefined];
      return last || isNew ? [{ id, pinned: Number(own.flags.pinned), at: last?.at ?? chat.madeAt }] : [];
    }).sort((a, b) => b.pinned - a.pinned || b.at - a.at).map(({ id }) => id);
  view(chatId: string, userId: string): { unread: number } & Record<string, unknown> {
    const [chat, own] = [this.chats.get(chatId) as ModelChat, this.chats.get(chatId)?.members.get(userId) as ModelMember];
    const isTold = (id: string): boolean => id === userId || (!this.#silent.has(id) && !this.#silent.has(userId));
    const marks = (id: string, { readSeq, joinedSeq, deliveredSeq }: ModelMember) => (isTold(id) ? [Math.max(readSeq, joinedSeq), Math.max(deliveredSeq, readSeq, joinedSeq)] : [undefined, Math.max(deliveredSeq, joinedSeq)]);
    const members = Object.fromEntries([...chat.members].filter(([, { role }]) => role).map(([id, member]) => [id, [this.names.get(id), member.role, ...marks(id, member)]]));
    const visible = chat.log.filter(({ seq }) => sees(own, seq));
    const messages = visible.map(({ at: _at, replyTo, reactions, ...message }) => {
      const original = visible.find(({ seq }) => seq === replyTo);
      const kinds = [...new Set(reactions.map(([emoji]) => emoji))].map((emoji) => [emoji, reactions.filter(([known]) => known === emoji).map(([, id]) => id)]);
      return { ...message, ...(replyTo !== undefined && { replyTo: [replyTo, original?.senderId, original?.text, original?.removed === true] }), reactions: kinds };
    });
    return { kind: chat.kind, title: chat.title, settings: chat.settings, members, messages, unread: visible.filter(({ seq }) => seq > Math.max(own.readSeq, own.joinedSeq)).length, own: own.flags };
  }
  *#between(userId: string, otherId: string): Generator<[ModelChat, ModelMember]> {
    for (const chat of this.chats.values()) if (chat.kind === 'private' && userId !== otherId && chat.members.has(otherId) && chat.members.has(userId)) yield [chat, chat.members.get(userId) as ModelMember];
  }
  #as(chatId: string, userId: string, act: (chat: ModelChat, member: Current) => boolean): boolean {
    const [chat, member] = [this.chats.get(chatId), this.chats.get(chatId)?.members.get(userId)];
    return chat !== undefined && member?.role !== undefined && member.blockedFrom !== 0 && act(chat, member as Current);
  }
  readonly #govern = (power: 'add' | 'expel' | 'ban' | 'unban' | 'appoint' | 'end', chatId: string, actorId: string, act: (actor: Current, chat: ModelChat) => boolean): boolean => this.#as(chatId, actorId, (chat, actor) => chat.settings !== undefined && mayDo(power, actor, chat.settings) && act(actor, chat));
  readonly #note = (chatId: string, notice: Notice): boolean => this.#append(this.chats.get(chatId) as ModelChat, { senderId: notice.actorId, notice });
  #append(chat: ModelChat, message: Pick<ModelMessage, 'senderId' | 'text' | 'notice' | 'replyTo'>): boolean {
    chat.log.push({ ...message, at: (this.#clock += 1), seq: chat.log.length + 1, reactions: [], edited: false, removed: false });
    Object.assign(chat.members.get(message.senderId) ?? {}, { readSeq: chat.log.length });
    return true;
  }
  /** `act` gives undefined for what is forbidden and false for what changes nothing. */
  #change(chatId: string, seq: number, userId: string, act: (message: ModelMessage, member: Current, chat: ModelChat) => unknown): boolean {
    return this.#as(chatId, userId, (chat, member) => {
      const message = chat.log[seq - 1];
      const outcome = message && sees(member, seq) && !message.notice ? act(message, member, chat) : undefined;
      if (outcome !== undefined && outcome !== false) Object.assign(message ?? {}, { rev: (chat.rev += 1) });
      return outcome !== undefined;
    });
  }
}
