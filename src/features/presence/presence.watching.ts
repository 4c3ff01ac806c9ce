/** Whom connections watch, and how people look to whoever asks. */
import type { Bus } from '../../core/bus.ts';
import type { Caller } from '../../core/contract.ts';
import type { Id } from '../../core/schemas.ts';
import type { ChatsService } from '../chats/chats.service.ts';
import type { Presence } from './presence.contract.ts';
import type { Known, Told } from './presence.known.ts';
import type { People } from './presence.people.ts';
import type { PresenceService } from './presence.service.ts';
import type { Sight } from './presence.sight.ts';

export interface WatchingParts {
  people: People<Caller>;
  known: Known<Caller>;
  sight: Pick<Sight, 'seenBy'>;
  chats: Pick<ChatsService, 'partnersOf'>;
  bus: Pick<Bus, 'watch' | 'unwatch'>;
}

export function createWatching({ people, known, sight, chats, bus }: WatchingParts): Pick<PresenceService, 'get' | 'watch' | 'attend' | 'pair'> {
  /** Connections that have said themselves whom they watch. */
  const choosers = new WeakSet<Caller>();
  const watchAlso = (userId: Id, partner: Id): void => {
    for (const caller of people.connectionsOf(userId)) if (!choosers.has(caller)) bus.watch(caller, [partner]);
    people.review(partner);
  };
  /** Of who is here is read at the end: an answer says at least as much as every event before it. */
  const look = async (viewer: Id, userIds: readonly Id[]): Promise<Presence[]> => {
    const seen = await sight.seenBy(viewer, userIds);
    return userIds.map((userId) => {
      const lastSeen = seen.get(userId);
      if (!lastSeen) return { userId, online: false };
      if (people.isHere(userId)) return { userId, online: true };
      const at = latest(lastSeen.at, people.leftAt(userId));
      return { userId, online: false, ...(at && { lastSeenAt: at.toISOString() }) };
    });
  };

  return {
    get: async (caller, { userIds }) => ({ people: await look(caller.userId, userIds) }),
    async watch(caller, { userIds }) {
      if (userIds) choosers.add(caller);
      else choosers.delete(caller);
      // At once: a partner who comes while the others are looked up stays.
      bus.unwatch(caller);
      const told = known.begin(caller);
      const watched = userIds ?? (await chats.partnersOf(caller.userId));
      // It may have asked for others by now.
      if (known.isCurrent(caller, told)) bus.watch(caller, watched);
      return { people: (await look(caller.userId, watched)).map((found) => settle(found, told)) };
    },
    async attend(caller, pairs) {
      const partners = await chats.partnersOf(caller.userId, pairs);
      if (!choosers.has(caller)) bus.watch(caller, partners);
    },
    pair(one, other) {
      watchAlso(one, other);
      watchAlso(other, one);
    },
  };
}

/** What the connection has been told while it was looked up is how it is, or will be told anew: what was looked up may be older. */
function settle(found: Presence, told: Told): Presence {
  const { userId } = found;
  const online = told.get(userId) ?? found.online;
  if (online) told.set(userId, online);
  return online === found.online ? found : { userId, online };
}

const latest = (one: Date | undefined, other: Date | undefined): Date | undefined => (one && other ? (one > other ? one : other) : (one ?? other));
