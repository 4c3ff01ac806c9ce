/** What people do at the same time has no order that a model could know; but in the end a device holds what a fetch gives. */
import assert from 'node:assert/strict';
import * as fc from 'fast-check';
import type { Message } from '../../src/core/message.ts';
import type { TestApp } from '../helpers/app.ts';
import type { Output } from '../helpers/people.ts';
import { emojis } from './actions.ts';
import { fetchState } from './fetched.ts';
import { mayMiss, Online, type Setting } from './online.ts';
import type { SignedIn } from './people.ts';
import { requireRefusal } from './refusal.ts';

interface Circumstances {
  other: SignedIn;
  chatId: string;
  /** Of that chat, if there is one. */
  message: Message | undefined;
  b: number;
}

type Call = [operation: string, input: object] | undefined;

const eitherOf = <T>(b: number, one: T, other: T): T => (b % 2 === 0 ? one : other);

const deeds: Record<string, (circumstances: Circumstances) => Call> = {
  send: ({ chatId, b }) => ['messages.send', { chatId, text: `text ${b}` }],
  write: ({ other, b }) => ['messages.send', { to: other.id, text: `hello ${b}` }],
  reply: ({ message, chatId, b }) => message && ['messages.send', { chatId, text: `reply ${b}`, replyTo: message.id }],
  edit: ({ message, b }) => message && ['messages.edit', { id: message.id, text: `edited ${b}` }],
  remove: ({ message }) => message && ['messages.remove', { id: message.id }],
  react: ({ message, b }) => message && ['messages.react', { id: message.id, emoji: emojis[b % emojis.length] }],
  unreact: ({ message, b }) => message && ['messages.unreact', { id: message.id, emoji: emojis[b % emojis.length] }],
  hide: ({ message }) => message && ['messages.hide', { id: message.id }],
  clear: ({ chatId, message }) => message && ['chats.clear', { id: chatId, seq: message.seq }],
  read: ({ chatId, message }) => message && ['chats.read', { id: chatId, seq: message.seq }],
  receive: ({ chatId, message }) => message && ['chats.receive', { chats: { [chatId]: message.seq } }],
  arrange: ({ chatId, b }) => ['chats.arrange', { id: chatId, pinned: b % 2 === 0, markedUnread: b % 3 === 0 }],
  block: ({ other }) => ['blocks.create', { userId: other.id }],
  unblock: ({ other }) => ['blocks.remove', { userId: other.id }],
  tell: ({ b }) => ['users.update', { id: 'me', privacy: { readReceipts: b % 3 > 0 } }],
  rename: ({ b }) => ['users.update', { id: 'me', firstName: `Name ${b % 3}` }],
  add: ({ chatId, other }) => ['groups.add', { id: chatId, userIds: [other.id] }],
  expel: ({ chatId, other }) => ['groups.expel', { id: chatId, userId: other.id }],
  ban: ({ chatId, other }) => ['groups.ban', { id: chatId, userId: other.id }],
  unban: ({ chatId, other }) => ['groups.unban', { id: chatId, userId: other.id }],
  leave: ({ chatId }) => ['groups.leave', { id: chatId }],
  appoint: ({ chatId, other, b }) => ['groups.appoint', { id: chatId, userId: other.id, role: eitherOf(b, 'admin', 'member') }],
  update: ({ chatId, b }) => ['groups.update', { id: chatId, settings: { history: eitherOf(b, 'everyone', 'joined') } }],
};

const often = ['send', 'send', 'send', 'write', 'reply', 'edit', 'react', 'read', 'leave', 'leave', 'expel', 'add', 'add', 'add', 'add', 'add', 'add'];
const deed = fc.record({ kind: fc.constantFrom(...Object.keys(deeds), ...often), other: fc.nat(3), app: fc.nat(1), a: fc.nat(1000), b: fc.nat(1000) });
const moves = {
  drop: async (online: Online) => online.drop(),
  connect: async (online: Online) => online.connect(),
  look: async (online: Online) => online.look(),
  sync: async (online: Online) => {
    await online.connect();
    await online.look();
    await online.sync();
  },
};
const move = fc.constantFrom('drop', 'connect', 'look', 'look', 'sync', 'sync');

/** What each person does, one thing after the other, and what becomes of each device meanwhile. */
const plans = fc.record({
  doing: fc.array(fc.array(deed, { minLength: 6, maxLength: 15, size: 'max' }), { minLength: 4, maxLength: 4 }),
  moving: fc.array(fc.array(move, { minLength: 5, maxLength: 12, size: 'max' }), { minLength: 6, maxLength: 6 }),
});
type Deed = typeof deed extends fc.Arbitrary<infer A> ? A : never;

export async function liveAtOnce(setting: Setting, seed: number): Promise<void> {
  const [plan = assert.fail()] = fc.sample(fc.noBias(plans), { seed, numRuns: 1 });
  const { apps, people } = setting;
  const [ann, bob, cem] = people as [SignedIn, SignedIn, SignedIn];
  const { id: groupId } = await ann.call('groups.create', { title: 'Group', userIds: [bob.id, cem.id] });
  const sent = [await ann.call('messages.send', { chatId: groupId, text: 'hello' }), await ann.call('messages.send', { to: bob.id, text: 'hello' })];

  const act = async (person: SignedIn, { kind, other, app, a, b }: Deed): Promise<void> => {
    const { chatId } = sent[a % sent.length] as Message;
    const ofChat = sent.filter((message) => message.chatId === chatId);
    const call = deeds[kind]?.({ other: people[other] as SignedIn, chatId, message: ofChat[b % ofChat.length], b });
    if (!call) return;
    try {
      const answer = await (apps[app] as TestApp).dispatch.call(call[0], person.caller, call[1]);
      if (call[0] === 'messages.send') sent.push(answer as Message);
    } catch (error) {
      requireRefusal(error);
    }
  };

  const devices = plan.moving.map((_, number) => new Online(setting, { number, person: people[number % people.length] as SignedIn, app: apps[number % 2] as TestApp }));
  try {
    await Promise.all([
      ...plan.doing.map(async (some, index) => {
        for (const one of some) await act(people[index] as SignedIn, one);
      }),
      ...plan.moving.map(async (some, index) => {
        for (const one of some) await moves[one](devices[index] as Online);
      }),
    ]);
    // What marks are gathered is told with these.
    for (const { dispatch } of apps) await dispatch.call('chats.receive', ann.caller, { chats: {} });
    for (const online of devices) {
      await online.connect();
      await online.look();
      if (mayMiss(setting)) await online.syncFromFirst();
    }
    for (const online of devices) await requireAsFetched(online);
  } finally {
    for (const online of devices) online.drop();
  }
}

async function requireAsFetched({ device, person }: Online): Promise<void> {
  const held = device.state();
  const { states, listed } = await fetchState(person.call, person.id, Object.keys(held));
  assert.deepEqual(held, states, 'what a device holds is what a fetch gives');
  assert.deepEqual(listed.filter((id) => !(id in held)), [], 'and no chat is missing');
  assert.deepEqual(device.me, await person.call('users.me'));
  const { items }: Output<'blocks.list'> = await person.call('blocks.list');
  assert.deepEqual([...device.blocked].sort(), items.map(({ id }) => id).sort());
}
