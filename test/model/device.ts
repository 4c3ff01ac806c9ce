/** A client as the protocol describes it: it keeps its state by events, and syncs when it has missed one. */
import type { Message, Place } from '../../src/core/message.ts';
import { countVisible, isVisible, type View } from '../../src/core/view.ts';
import type { ChatInfo, ChatSummary, Member, Mine } from '../../src/features/chats/chats.contract.ts';
import type { Me } from '../../src/features/users/users.contract.ts';
import { toReplyTo } from '../../src/core/message.ts';
import type { Output } from '../helpers/people.ts';
import type { Notification, TestSocket } from '../helpers/socket.ts';

interface HeldChat {
  chat: ChatInfo;
  mine: Mine;
  members: Map<string, Member>;
  place: Place;
  messages: Map<string, Message>;
}

interface Noticed {
  message: Message;
  chat: ChatInfo;
  members?: (Omit<Member, 'deliveredSeq'> & Partial<Member>)[];
  former: string[];
}

interface Updated {
  chatId: string;
  user: Member['user'];
  deliveredSeq?: number;
}

interface Marks {
  chatId: string;
  marks: { userId: string; seq: number }[];
}

export class Device {
  readonly chats = new Map<string, HeldChat>();
  blocked = new Set<string>();
  me: Me | undefined;
  readonly userId: string;
  readonly limit: number;
  /** Gaps in the numbers of a chat that it had come to know. */
  gaps = 0;
  /** Whether it may have missed what nothing shows: events are lost, or others speak with another process. */
  readonly #mayMiss: boolean;
  #cursor: string | undefined;
  #firstCursor: string | undefined;
  #kept: Notification[] = [];

  constructor({ userId, limit, mayMiss }: { userId: string; limit: number; mayMiss: boolean }) {
    this.userId = userId;
    this.limit = limit;
    this.#mayMiss = mayMiss;
  }

  /**
   * Takes what the socket has heard since. What it has heard before a sync in between may be older than what that brought,
   * and what came later be lost, or told by another process: the next sync begins where this one did.
   */
  async catchUp(socket: TestSocket, isLost: (method: string) => boolean): Promise<void> {
    // Its answer comes after every event that was sent before.
    await socket.call('users.me');
    for (const event of socket.events.splice(0)) if (!isLost(event.method)) this.#kept.push(event);
    const cursor = this.#cursor;
    while (this.#kept.length > 0) {
      const event = this.#kept.shift() as Notification;
      if (this.#apply(event)) continue;
      await this.sync(socket);
      if (this.#mayMiss && this.#kept.length > 0) this.#cursor = cursor;
    }
  }

  async sync(socket: TestSocket): Promise<void> {
    let cursor = this.#cursor;
    for (let more = true; more; ) {
      const places = Object.fromEntries([...this.chats].map(([id, { place }]) => [id, place]));
      const answer = (await socket.call('messages.sync', { chats: places, limit: this.limit, ...(cursor !== undefined && { cursor }) })) as Output<'messages.sync'>;
      this.me = answer.me ?? this.me;
      if (answer.blocked) this.blocked = new Set(answer.blocked);
      for (const id of answer.gone) this.chats.delete(id);
      for (const { chat, mine, members, former, place, messages } of answer.chats) {
        const held = this.chats.get(chat.id) ?? { mine, members: new Map<string, Member>(), messages: new Map<string, Message>() };
        // They had left and come again: these are all its members.
        if (mine.joinedSeq !== held.mine.joinedSeq) held.members.clear();
        for (const member of members) held.members.set(member.user.id, member);
        for (const id of former) held.members.delete(id);
        const now = { ...held, chat, mine, place };
        for (const message of messages) this.#store(now, message);
        this.chats.set(chat.id, now);
      }
      ({ cursor, more } = answer);
    }
    this.#cursor = cursor;
    this.#firstCursor ??= cursor;
  }

  /** The same from before anything that it may have missed: its first sync. */
  async syncFromFirst(socket: TestSocket): Promise<void> {
    this.#cursor = this.#firstCursor;
    await this.sync(socket);
  }

  /** False on a jump, after which only a sync helps. */
  #apply({ method, params }: Notification): boolean {
    if (method === 'block.created') return Boolean(this.blocked.add((params as { userId: string }).userId));
    if (method === 'block.removed') return this.blocked.delete((params as { userId: string }).userId) || true;
    if (method === 'chat.created') return this.#enter(params as unknown as ChatSummary);
    if (method === 'chat.left') return this.chats.delete((params as { chatId: string }).chatId) || true;
    if (method === 'user.updated') return this.#isAsTold(params as Me);
    const { chatId } = (method === 'notice.created' ? params['message'] : params) as { chatId?: string };
    const held = this.chats.get(chatId ?? '');
    if (!held) return chatId === undefined;
    if (method === 'chat.arranged') return this.#arrange(held, params['mine'] as Mine);
    if (method === 'chat.read' || method === 'chat.received') return this.#mark(held, params as unknown as Marks, method === 'chat.read' ? 'readSeq' : 'deliveredSeq');
    if (method === 'member.updated') return this.#update(held, params as unknown as Updated);
    if (method === 'message.withheld') return this.#pass(held, params as unknown as { seq: number; senderId: string });
    if (method === 'message.passed') return this.#follow(held, 'rev', params['rev'] as number);
    if (method === 'notice.created') return this.#note(held, params as unknown as Noticed);
    return this.#take(held, params as unknown as Message, method === 'message.created' ? 'seq' : 'rev');
  }

  #enter({ members, head: _head, lastMessage: _last, unread: _unread, mine, ...chat }: ChatSummary): boolean {
    if (!this.chats.has(chat.id)) this.chats.set(chat.id, { chat, mine, members: new Map(members.map((member) => [member.user.id, member])), place: { seq: 0, rev: 0 }, messages: new Map() });
    // Of a group it says who I am there, and nothing of the others.
    return chat.kind === 'private';
  }

  #arrange(held: HeldChat, mine: Mine): boolean {
    if (mine.joinedSeq !== held.mine.joinedSeq) return false;
    if (mine.version > held.mine.version) held.mine = mine;
    return true;
  }

  #mark(held: HeldChat, { marks }: Marks, which: 'readSeq' | 'deliveredSeq'): boolean {
    for (const { userId, seq } of marks) raise(held.members.get(userId), which, seq);
    return true;
  }

  /** What is told of others has changed if I have begun or ceased to tell. */
  #isAsTold(me: Me): boolean {
    const isSame = me.privacy.readReceipts === this.me?.privacy.readReceipts;
    this.me = me;
    return isSame;
  }

  #update(held: HeldChat, { user, deliveredSeq }: Updated): boolean {
    const member = held.members.get(user.id);
    if (member && deliveredSeq !== undefined) delete member.readSeq;
    // They tell: what is told next goes on from there.
    else if (member && this.me?.privacy.readReceipts) member.readSeq ??= member.joinedSeq;
    if (member) Object.assign(member, { user, ...(deliveredSeq !== undefined && { deliveredSeq }) });
    return true;
  }

  /** True if this number is the next, or known. */
  #follow(held: HeldChat, which: 'seq' | 'rev', number: number): boolean {
    if (number > held.place[which] + 1) return this.#miss(held);
    held.place[which] = Math.max(number, held.place[which]);
    return true;
  }

  /** Something older may have been applied since it came: it says again how far its sender has read. */
  #know(held: HeldChat, { senderId, seq }: Message): true {
    raise(held.members.get(senderId), 'readSeq', seq);
    return true;
  }

  /** Whoever has just come into a chat has nothing of it yet. */
  #miss({ place }: HeldChat): false {
    if (place.seq > 0) this.gaps += 1;
    return false;
  }

  #pass(held: HeldChat, { seq, senderId }: { seq: number; senderId: string }): boolean {
    if (!this.#follow(held, 'seq', seq)) return false;
    raise(held.members.get(senderId), 'readSeq', seq);
    return true;
  }

  #note(held: HeldChat, { message, chat, members, former }: Noticed): boolean {
    if (message.seq <= held.place.seq) return this.#know(held, message);
    if (!members || !this.#follow(held, 'seq', message.seq)) return false;
    held.chat = chat;
    for (const member of members) held.members.set(member.user.id, { deliveredSeq: 0, ...held.members.get(member.user.id), ...member });
    for (const id of former) held.members.delete(id);
    this.#store(held, message);
    return true;
  }

  #take(held: HeldChat, message: Message, which: 'seq' | 'rev'): boolean {
    const number = message[which] ?? 0;
    if (number <= held.place[which]) return this.#know(held, message);
    // A change of a message that has not come yet is a jump, too.
    if (which === 'rev' && message.seq > held.place.seq) return this.#miss(held);
    if (!this.#follow(held, which, number)) return false;
    this.#store(held, message);
    return true;
  }

  #store(held: HeldChat, message: Message): void {
    held.messages.set(message.id, message);
    raise(held.members.get(message.senderId), 'readSeq', message.seq);
  }

  /** What its person would see. */
  state(): Record<string, unknown> {
    return Object.fromEntries([...this.chats].map(([id, held]) => [id, stateOf(this.userId, held)]));
  }
}

/** Having read is having received. Whoever does not tell how far they have read has no such mark. */
function raise(member: Member | undefined, which: 'readSeq' | 'deliveredSeq', seq: number): void {
  if (member?.[which] === undefined) return;
  member[which] = Math.max(seq, member[which]);
  member.deliveredSeq = Math.max(member.deliveredSeq, member.readSeq ?? 0);
}

/** A chat as one of its members sees it, in a form that can be compared. */
export function stateOf(userId: string, { chat, mine, members, messages, place }: HeldChat): unknown {
  const view: View = { fromSeq: Math.max(mine.fromSeq, mine.clearedSeq), hidden: mine.hidden };
  const seen = [...messages.values()].filter(({ seq }) => isVisible(view, seq)).sort((a, b) => a.seq - b.seq);
  const shown = seen.map((message) => {
    const original = message.replyTo && isVisible(view, message.replyTo.seq) ? messages.get(message.replyTo.id) : undefined;
    if (!message.replyTo) return message;
    return { ...message, replyTo: original ? toReplyTo(original) : { id: message.replyTo.id, seq: message.replyTo.seq } };
  });
  const readSeq = Math.max(mine.joinedSeq, members.get(userId)?.readSeq ?? 0);
  return { chat, mine, members: Object.fromEntries([...members].sort()), messages: shown, unread: countVisible(view, readSeq, place.seq) };
}
