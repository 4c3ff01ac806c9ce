/** Who is here, and who is typing: what passes, and is kept nowhere but in when somebody was last seen. */
import { Type, type Static } from 'typebox';
import { event, operation } from '../../core/contract.ts';
import type { Rate } from '../../core/rate.ts';
import { Id, Nothing, strictObject, Timestamp } from '../../core/schemas.ts';
import { partnersAtMost } from '../chats/chats.contract.ts';

export const Presence = strictObject(
  {
    userId: Id,
    online: Type.Boolean(),
    lastSeenAt: Type.Optional(Timestamp),
  },
  {
    title: 'Presence',
    description: 'Whether somebody is here, and otherwise when they were last. Only if both of you let the other see it (`privacy.lastSeen`): else they look like somebody who never was here.',
  },
);
export type Presence = Static<typeof Presence>;

/** Most people that one connection watches, by itself or because it names them. */
const watchedAtMost = partnersAtMost;

const UserIds = Type.Array(Id, { maxItems: watchedAtMost, uniqueItems: true });

const asking: Rate = { per: 'caller', count: 2, seconds: 1, burst: 30 };

export const presenceContract = {
  operations: {
    'presence.get': operation({
      summary: 'Who of these people is here, in their order.',
      access: 'user',
      rate: asking,
      input: strictObject({ userIds: UserIds }),
      output: strictObject({ people: Type.Array(Presence) }),
      errors: [],
    }),
    'presence.watch': operation({
      summary: 'From now on this connection hears of these people, and of nobody else; and who of them is here. Without userIds: those with whom I have private chats, as from the beginning.',
      access: 'user',
      rate: asking,
      wire: 'websocket',
      input: strictObject({ userIds: Type.Optional(UserIds) }),
      output: strictObject({ people: Type.Array(Presence) }),
      errors: [],
    }),
    'presence.type': operation({
      summary: 'I am typing in this chat, or have stopped. Say so every 3 seconds; it is over after 6, and when I send.',
      access: 'user',
      rate: { per: 'caller', count: 5, seconds: 1, burst: 20 },
      input: strictObject({ chatId: Id, active: Type.Boolean({ default: true }) }),
      output: Nothing,
      errors: ['CHAT_NOT_FOUND', 'NOT_ALLOWED', 'BLOCKED'],
    }),
  },
  events: {
    'presence.changed': event({ summary: 'Somebody I watch has come, has gone, or is to be seen no more.', payload: Presence, shed: 'presence' }),
    'typing.changed': event({
      summary: 'Somebody is typing in a chat of mine, or has stopped.',
      payload: strictObject({
        chatId: Id,
        userId: Id,
        expiresIn: Type.Integer({ minimum: 0, maximum: 6, description: 'Seconds after which they are not typing any more, if nothing else is said; 0: they have stopped. A message of theirs says so, too.' }),
      }),
      shed: 'typing',
    }),
  },
};
