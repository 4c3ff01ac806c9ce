/** Who is here and who is typing, for those who may know it. */
import type { Clock } from '../../core/buckets.ts';
import type { Bus } from '../../core/bus.ts';
import type { Caller, EventOf, Service } from '../../core/contract.ts';
import type { Id } from '../../core/schemas.ts';
import type { ChatsService } from '../chats/chats.service.ts';
import type { UsersService } from '../users/users.service.ts';
import type { presenceContract } from './presence.contract.ts';
import { createKnown } from './presence.known.ts';
import { createPeople } from './presence.people.ts';
import { createRounds } from './presence.rounds.ts';
import { createSeenWriter } from './presence.seen.ts';
import { createSight, type SightParts } from './presence.sight.ts';
import { createTelling } from './presence.telling.ts';
import { createTyping, type Typing, type TypingNews } from './presence.typing.ts';
import { createWatching } from './presence.watching.ts';

export interface PresenceService extends Service<typeof presenceContract> {
  /** A new connection watches those with whom its person has these private chats. */
  attend(caller: Caller, pairs: readonly Id[]): Promise<void>;
  /** A connection is open from now on, until it is closed. */
  opened(caller: Caller): void;
  closed(caller: Caller): void;
  /** Who may see this person has changed. */
  review(userId: Id): void;
  /** Two people have a private chat: they watch each other. */
  pair(one: Id, other: Id): void;
  /** Somebody has sent a message. */
  sent(chatId: Id, userId: Id): void;
  /** Begins to tell what happens. */
  start(): void;
  stop(): Promise<void>;
}

export interface PresenceParts {
  users: UsersService;
  chats: ChatsService;
  apartFrom: SightParts['apartFrom'];
  bus: Bus<EventOf<typeof presenceContract>>;
  onError: (error: unknown) => void;
  now: Clock;
  /** Milliseconds for which news gather. */
  gathering: number;
}

export function createPresenceService(parts: PresenceParts): PresenceService {
  const { chats, bus, now, gathering } = parts;
  const people = createPeople<Caller>();
  const known = createKnown<Caller>();
  const typing = createTyping();
  const sight = createSight(parts);
  const tellTyping = createTypingTelling(parts, typing);
  const seen = createSeenWriter({ ...parts, people });
  const rounds = createRounds({ people, typing, seen, tell: createTelling({ ...parts, people, known, sight }), tellTyping, bus, now, interval: gathering });

  return {
    ...createWatching({ people, known, sight, chats, bus }),
    async type(caller, { chatId, active }) {
      if (!chats.isKnownSender(caller.userId, chatId)) await chats.requireSender(caller.userId, chatId);
      if (!(await chats.tellsMembers(chatId))) return null;
      const news = typing.type(chatId, caller.userId, active, now());
      if (news) await tellTyping(news);
      return null;
    },

    opened: (caller) => people.opened(caller.userId, caller),
    closed: (caller) => people.closed(caller.userId, caller, now()),
    review: (userId) => people.review(userId),
    sent: (chatId, userId) => typing.sent(chatId, userId),
    start: () => rounds.start(),
    stop: () => rounds.stop(),
  };
}

/** Tells the others in a chat, but those between whom and the one who types there is a block. */
function createTypingTelling({ bus, chats, apartFrom, now, onError }: PresenceParts, typing: Typing) {
  return async (news: TypingNews): Promise<void> => {
    const { chatId, userId, until } = news;
    if (bus.isPressed('typing') || (until > 0 && !chats.isKnownSender(userId, chatId))) return;
    const others = new Set(bus.listenersOf(`chat:${chatId}`).map((listener) => listener.userId));
    others.delete(userId);
    if (others.size === 0) return;
    try {
      const apart = await apartFrom(userId, [...others]);
      // A message may have overtaken it.
      if (!typing.isCurrent(news)) return;
      const expiresIn = Math.max(0, Math.ceil((until - now()) / 1000));
      bus.publish(`chat:${chatId}`, { name: 'typing.changed', payload: { chatId, userId, expiresIn } }, { only: (id) => others.has(id) && !apart.has(id) });
    } catch (error) {
      onError(error);
    }
  };
}
