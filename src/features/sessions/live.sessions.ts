/** Which sessions are alive, asked at every request: remembered for a moment, and forgotten when one ends. */
import { LRUCache } from 'lru-cache';
import { atMost } from '../../core/cache.ts';
import { storePatience, withDeadline } from '../../core/deadline.ts';
import type { Id } from '../../core/schemas.ts';
import type { SessionStore } from './session.store.ts';

export interface LiveSessions {
  /** Whose session this is; undefined once it has ended. */
  ownerOf(sessionId: Id): Promise<Id | undefined>;
  forget(sessionId: Id): void;
}

/** Milliseconds for which a process may believe in a session that was ended elsewhere. */
const rememberedFor = 1000;

export function createLiveSessions(store: Pick<SessionStore, 'find'>): LiveSessions {
  // A look-up that is under way while its session ends gives what it finds; it must not fail, and it is not kept.
  const alive = new LRUCache<Id, { owner: Id | undefined }>({
    ...atMost(50_000),
    ttl: rememberedFor,
    ignoreFetchAbort: true,
    fetchMethod: async (sessionId) => ({ owner: (await withDeadline(store.find(sessionId), storePatience))?.userId.toHexString() }),
  });
  return {
    ownerOf: async (sessionId) => (await alive.fetch(sessionId))?.owner,
    forget: (sessionId) => void alive.delete(sessionId),
  };
}
