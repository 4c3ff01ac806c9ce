/** All that a person sees, asked for afresh by the operations that a client without a memory would use. */
import type { Message } from '../../src/core/message.ts';
import type { Member } from '../../src/features/chats/chats.contract.ts';
import type { Output, Person } from '../helpers/people.ts';
import { stateOf } from './device.ts';

type Ask = Person['call'];

async function allMessages(ask: Ask, chatId: string): Promise<Message[]> {
  const items: Message[] = [];
  for (let more = true; more; ) {
    const page: Output<'messages.list'> = await ask('messages.list', { chatId, after: items.at(-1)?.seq ?? 0, limit: 7 });
    items.push(...page.items);
    ({ more } = page);
  }
  return items;
}

async function allMembers(ask: Ask, id: string): Promise<Member[]> {
  const items: Member[] = [];
  for (let more = true; more; ) {
    const page: Output<'groups.members'> = await ask('groups.members', { id, limit: 3, ...(items.length > 0 && { after: items.at(-1)?.user.id }) });
    items.push(...page.items);
    ({ more } = page);
  }
  return items;
}

/**
 * @param chatIds of which chats: those that were cleared are in no list, and have to be asked for
 * @returns the states by the chats' ids, and the list as it is ordered
 */
export async function fetchState(ask: Ask, userId: string, chatIds: readonly string[]): Promise<{ states: Record<string, unknown>; listed: string[] }> {
  const { items } = await ask('chats.list');
  const states = chatIds.map(async (id) => {
    const { members: some, head: place, mine, lastMessage: _last, unread, ...chat } = items.find((one) => one.id === id) ?? (await ask('chats.get', { id }));
    const members = chat.kind === 'group' ? await allMembers(ask, id) : some;
    const messages = await allMessages(ask, id);
    const state = stateOf(userId, { chat, mine, place, members: new Map(members.map((member) => [member.user.id, member])), messages: new Map(messages.map((message) => [message.id, message])) });
    return [id, { ...(state as object), unread }] as const;
  });
  return { states: Object.fromEntries(await Promise.all(states)), listed: items.map(({ id }) => id) };
}
