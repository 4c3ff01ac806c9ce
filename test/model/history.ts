/** One history: several people on several devices do random things, in two processes, and devices drop, miss and sync. */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import type { Message } from '../../src/core/message.ts';
import { firstSettings } from '../../src/features/chats/group.roles.ts';
import type { TestApp } from '../helpers/app.ts';
import type { Output } from '../helpers/people.ts';
import { emojis, type Action } from './actions.ts';
import { fetchState } from './fetched.ts';
import { Messenger } from './messenger.ts';
import { mayMiss, Online, type Setting } from './online.ts';
import type { SignedIn } from './people.ts';
import { requireRefusal } from './refusal.ts';
import { inShort, messageInShort, withoutOriginal } from './shortened.ts';

const dependingOnBlocks = new Set(['block', 'unblock', 'private', 'open', 'send', 'reply', 'edit', 'react']);

/** Whether the server did it, and whether the model, given the answer, allows it. */
type Try = (name: string, input: object, effect: (answer: unknown) => boolean) => Promise<{ done: boolean; allowed: boolean }>;

export class History {
  readonly model = new Messenger();
  readonly #setting: Setting;
  readonly #devices: Online[];
  /** By chat, the ids of its messages by seq. */
  readonly #ids = new Map<string, string[]>();
  /** By person, what they have sent last. */
  readonly #sent = new Map<string, { id: string; chatId: string; text: string }>();

  constructor(setting: Setting) {
    this.#setting = setting;
    const { people, apps } = setting;
    // The first has two devices, one at each app; the others have one each.
    const where = [[0, 0], [0, 1], [1, 1], [2, 0]] as const;
    this.#devices = where.map(([who, app], number) => new Online(setting, { number, person: people[who] as SignedIn, app: apps[app] }));
  }

  /** A group of all but the last, and a private chat. Half of the devices are connected, one of those of the first and that of the second. */
  async begin(): Promise<void> {
    const [ann, bob] = this.#setting.people as [SignedIn, SignedIn];
    for (const { id, firstName } of this.#setting.people) this.model.rename(id, firstName);
    const { id } = await ann.call('groups.create', { title: 'Group', userIds: [bob.id] });
    this.model.createGroup(id, ann.id, 'Group', firstSettings, [bob.id]);
    this.#sendTo(ann, bob, 'hello', await ann.call('messages.send', { to: bob.id, text: 'hello' }));
    await Promise.all(this.#devices.filter((_, index) => index % 2 === 0).map((online) => online.connect()));
  }

  /** Does one thing in the server and in the model. */
  async act(action: Action): Promise<void> {
    const { people, apps } = this.#setting;
    const [person, other] = [people[action.by] as SignedIn, people[action.other] as SignedIn];
    // Another process learns of a block within half a second: until then what depends on it is as it was there.
    const app = apps[dependingOnBlocks.has(action.kind) ? action.by % 2 : action.app] as TestApp;
    if (['drop', 'connect', 'sync', 'look'].includes(action.kind)) return this.#device(action);
    const outcome = await this.#perform(action, { person, other, call: (name, input) => app.dispatch.call(name, person.caller, input) });
    if (outcome) assert.equal(outcome.done, outcome.allowed, `${action.kind}: the server ${outcome.done ? 'did' : 'refused'} what the model ${outcome.allowed ? 'did' : 'refused'}`);
  }

  async #device({ kind, by, a }: Action): Promise<void> {
    const online = this.#devices[(by * 2 + (a % 2)) % this.#devices.length] as Online;
    if (kind === 'drop') online.drop();
    else if (kind === 'connect') await online.connect();
    else {
      await online.look();
      if (kind === 'sync') await online.sync();
    }
  }

  /** Whether the server did it, and whether the model allows it; undefined where there is nothing to do it to. */
  async #perform({ kind, a, b }: Action, { person, other, call }: { person: SignedIn; other: SignedIn; call: (name: string, input: object) => Promise<unknown> }) {
    const { model } = this;
    const tried: Try = async (name, input, effect) => {
      try {
        const answer = await call(name, input);
        return { done: true, allowed: effect(answer) };
      } catch (error) {
        requireRefusal(error);
        return { done: false, allowed: effect(undefined) };
      }
    };
    if (kind === 'private') return tried('messages.send', { to: other.id, text: `hello ${b}` }, (answer) => this.#sendTo(person, other, `hello ${b}`, answer as Message | undefined));
    if (kind === 'group') return this.#createGroup(tried, { person, other, a });
    if (kind === 'block') return tried('blocks.create', { userId: other.id }, () => model.block(person.id, other.id));
    if (kind === 'unblock') return tried('blocks.remove', { userId: other.id }, () => model.unblock(person.id, other.id));
    if (kind === 'rename') return tried('users.update', { id: 'me', firstName: `Name ${b % 3}` }, () => model.rename(person.id, `Name ${b % 3}`));
    if (kind === 'open') return tried('chats.open', { userId: other.id }, (answer) => model.open((answer as { id: string } | undefined)?.id ?? this.#between(person, other), person.id, other.id));
    if (kind === 'again') return this.#sendAgain(tried, person);
    if (kind === 'tell') return tried('users.update', { id: 'me', privacy: { readReceipts: b % 2 === 0 } }, () => model.tell(person.id, b % 2 === 0));
    const chatId = [...model.chats.keys()][a % model.chats.size] as string;
    const head = model.chats.get(chatId)?.log.length ?? 0;
    const seq = head === 0 ? 0 : (b % head) + 1;
    const id = this.#ids.get(chatId)?.[seq];
    const emoji = emojis[a % emojis.length] as string;
    const note = { chatId, person, tried };
    switch (kind as string) {
      case 'send':
        return this.#send(tried, person, { id: randomUUID(), chatId, text: `text ${b}` });
      case 'reply':
        return id === undefined ? undefined : tried('messages.send', { chatId, text: `reply ${b}`, replyTo: id }, (answer) => this.#stored(chatId, answer, model.send(chatId, person.id, `reply ${b}`, seq)));
      case 'edit':
        return id === undefined ? undefined : tried('messages.edit', { id, text: `edited ${a % 3}` }, () => model.edit(chatId, seq, person.id, `edited ${a % 3}`));
      case 'remove':
        return id === undefined ? undefined : tried('messages.remove', { id }, () => model.remove(chatId, seq, person.id));
      case 'react':
        return id === undefined ? undefined : tried('messages.react', { id, emoji }, () => model.react(chatId, seq, person.id, emoji));
      case 'unreact':
        return id === undefined ? undefined : tried('messages.unreact', { id, emoji }, () => model.unreact(chatId, seq, person.id, emoji));
      case 'hide':
        return id === undefined ? undefined : tried('messages.hide', { id }, () => model.hide(chatId, seq, person.id));
      case 'clear':
        return tried('chats.clear', { id: chatId }, () => model.clear(chatId, person.id));
      case 'arrange':
        return tried('chats.arrange', { id: chatId, archived: a % 2 === 0, pinned: b % 2 === 0, markedUnread: b % 3 === 0 }, () => model.arrange(chatId, person.id, { archived: a % 2 === 0, pinned: b % 2 === 0, markedUnread: b % 3 === 0 }));
      case 'read':
        return tried('chats.read', { id: chatId, seq: b % (head + 2) }, () => model.read(chatId, person.id, b % (head + 2)));
      case 'receive':
        return tried('chats.receive', { chats: { [chatId]: b % (head + 2) } }, () => model.receive(chatId, person.id, b % (head + 2)));
      default:
        return this.#changeGroup(kind, { ...note, other, a, b });
    }
  }

  #changeGroup(kind: string, { chatId, person, other, a, b, tried }: { chatId: string; person: SignedIn; other: SignedIn; a: number; b: number; tried: Try }) {
    const { model } = this;
    if (model.chats.get(chatId)?.kind !== 'group') return undefined;
    const target = { id: chatId, userId: other.id };
    switch (kind) {
      case 'add':
        return tried('groups.add', { id: chatId, userIds: [other.id] }, () => model.add(chatId, person.id, [other.id]));
      case 'expel':
        return tried('groups.expel', target, () => model.expel(chatId, person.id, other.id));
      case 'ban':
        return tried('groups.ban', target, () => model.ban(chatId, person.id, other.id));
      case 'unban':
        return tried('groups.unban', target, () => model.unban(chatId, person.id, other.id));
      case 'appoint': {
        const role = (['owner', 'admin', 'member'] as const)[a % 3] ?? 'member';
        return tried('groups.appoint', { ...target, role }, () => model.appoint(chatId, person.id, other.id, role));
      }
      case 'leave':
        return tried('groups.leave', { id: chatId }, () => model.leave(chatId, person.id));
      case 'end':
        return tried('groups.remove', { id: chatId }, () => model.end(chatId, person.id));
      default: {
        const by = (number: number) => (number % 2 === 0 ? ('everyone' as const) : ('admins' as const));
        const settings = { send: by(b), add: by(Math.trunc(b / 2)), change: by(Math.trunc(b / 4)), history: b % 3 === 0 ? ('everyone' as const) : ('joined' as const) };
        const wish = a % 2 === 0 ? { title: `Title ${b % 3}` } : { settings };
        return tried('groups.update', { id: chatId, ...wish }, () => model.update(chatId, person.id, wish));
      }
    }
  }

  #send(tried: Try, person: SignedIn, input: { id: string; chatId: string; text: string }) {
    this.#sent.set(person.id, input);
    return tried('messages.send', input, (answer) => this.#stored(input.chatId, answer, this.model.send(input.chatId, person.id, input.text)));
  }

  /** The last that they have sent once more, as by a client that has not heard of it: stored it is once. */
  #sendAgain(tried: Try, person: SignedIn) {
    const input = this.#sent.get(person.id);
    if (!input) return undefined;
    if (!this.#ids.get(input.chatId)?.includes(input.id)) return this.#send(tried, person, input);
    return tried('messages.send', input, (answer) => this.model.chatsOf(person.id).includes(input.chatId) && (answer === undefined || (answer as { deduplicated?: true }).deduplicated === true));
  }

  /** The private chat of two, if there is one. */
  #between = (one: SignedIn, other: SignedIn): string | undefined =>
    [...this.model.chats].find(([, { kind, members }]) => kind === 'private' && members.has(one.id) && members.has(other.id) && members.size === new Set([one.id, other.id]).size)?.[0];

  #sendTo(person: SignedIn, other: SignedIn, text: string, message: Message | undefined): boolean {
    const chatId = message?.chatId ?? '';
    return this.#stored(chatId, message, this.model.sendTo(chatId, person.id, other.id, text));
  }

  async #createGroup(tried: Try, { person, other, a }: { person: SignedIn; other: SignedIn; a: number }) {
    const settings = { ...firstSettings, ...(a % 3 === 0 && { history: 'joined' as const }) };
    return tried('groups.create', { key: randomUUID(), title: 'Group', settings, userIds: [other.id] }, (answer) => {
      const { id } = answer as Output<'groups.create'>;
      return this.model.createGroup(id, person.id, 'Group', settings, [other.id]);
    });
  }

  #stored(chatId: string, answer: unknown, allowed: boolean): boolean {
    const { id, seq } = (answer ?? {}) as Partial<Message>;
    const ids = this.#ids.get(chatId) ?? [];
    if (id !== undefined && seq !== undefined) ids[seq] = id;
    this.#ids.set(chatId, ids);
    return allowed;
  }

  /** Every device, a fresh fetch through either app, and the model: all the same. */
  async requireSame(): Promise<void> {
    const { apps, people } = this.#setting;
    for (const { dispatch } of apps) await dispatch.call('chats.receive', (people[0] as SignedIn).caller, { chats: {} });
    const needsSync = mayMiss(this.#setting);
    for (const online of this.#devices) {
      // Whoever comes only now has synced with that.
      const hasStayed = online.isConnected;
      await online.connect();
      await online.look();
      if (!needsSync) assert.equal(online.device.gaps, 0, 'where nothing is lost there is no gap');
      this.#requireNoGapUnseen(online);
      if (needsSync && hasStayed) await online.sync();
    }
    for (const { device, person } of this.#devices) {
      const ids = this.model.chatsOf(person.id);
      assert.deepEqual(Object.keys(device.state()).sort(), [...ids].sort(), 'the chats of a device are those of the model');
    }
    for (const [index, person] of this.#setting.people.entries()) {
      const { dispatch } = this.#setting.apps[index % 2] as TestApp;
      const ask = (async (name: string, input: object = {}) => dispatch.call(name, person.caller, input)) as SignedIn['call'];
      const ids = this.model.chatsOf(person.id);
      const { states: fetched, listed } = await fetchState(ask, person.id, ids);
      const blocked = (await ask('blocks.list')).items.map(({ id }) => id);
      const me = await ask('users.me');
      assert.deepEqual(blocked, this.model.blockedBy(person.id));
      for (const { device } of this.#devices.filter((online) => online.person === person)) assert.deepEqual([...device.blocked].sort(), blocked, 'a device knows whom its person blocks');
      for (const { device } of this.#devices.filter((online) => online.person === person)) assert.deepEqual(device.me, me, 'a device knows the account of its person');
      for (const { device } of this.#devices.filter((online) => online.person === person)) assert.deepEqual(device.state(), fetched, 'what a device holds is what a fetch gives');
      assert.deepEqual(Object.fromEntries(Object.entries(fetched).map(([id, state]) => [id, inShort(state)])), Object.fromEntries(ids.map((id) => [id, this.model.view(id, person.id)])), 'what a fetch gives is what the model says');
      assert.deepEqual(listed, this.model.listOf(person.id), 'the list is in the order of the model');
      assert.deepEqual((await ask('chats.unread')).messages, ids.reduce((sum, id) => sum + this.model.view(id, person.id).unread, 0));
    }
  }

  /** Gaps that devices have seen. */
  gaps = (): number => this.#devices.reduce((sum, { device }) => sum + device.gaps, 0);

  /** Whoever has come to the end of a chat, by its numbers, holds all of it. */
  #requireNoGapUnseen({ device, person }: Online): void {
    for (const chatId of this.model.chatsOf(person.id)) {
      const [held, chat] = [device.chats.get(chatId), this.model.chats.get(chatId)];
      if (held?.place.seq !== chat?.log.length || held?.place.rev !== chat?.rev) continue;
      const messages = new Map([...(held?.messages.values() ?? [])].map((message) => [message.seq, withoutOriginal(messageInShort(message))]));
      for (const message of this.model.view(chatId, person.id)['messages'] as { seq: number }[]) assert.deepEqual(messages.get(message.seq), withoutOriginal(message), 'a gap was seen');
    }
  }

  close(): void {
    for (const online of this.#devices) online.drop();
  }
}
