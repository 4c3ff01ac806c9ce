/** How those who watch somebody hear that they have come or gone, and those who may see it no more that they do not. */
import type { Bus } from '../../core/bus.ts';
import type { Caller, EventOf } from '../../core/contract.ts';
import { storePatience, withDeadline } from '../../core/deadline.ts';
import type { Id } from '../../core/schemas.ts';
import type { presenceContract } from './presence.contract.ts';
import type { Known } from './presence.known.ts';
import type { People } from './presence.people.ts';
import type { Sight } from './presence.sight.ts';

export interface TellingParts {
  people: Pick<People<unknown>, 'isHere' | 'leftAt' | 'review' | 'forgetGone'>;
  known: Pick<Known<Caller>, 'of'>;
  sight: Pick<Sight, 'viewersOf'>;
  bus: Pick<Bus<EventOf<typeof presenceContract>>, 'publish' | 'listenersOf'>;
  onError: (error: unknown) => void;
}

/** Tells of all these people together: what has to be looked up for it is looked up once. */
export function createTelling({ people, known, sight, bus, onError }: TellingParts): (ids: readonly Id[]) => Promise<void> {
  const publish = (userId: Id, to: readonly Caller[], state: { online: boolean; lastSeenAt?: string }): void => {
    const meant = new Set(to);
    if (meant.size > 0) bus.publish(`presence:${userId}`, { name: 'presence.changed', payload: { userId, ...state } }, { only: (_watcher, caller) => meant.has(caller) });
  };
  const tell = (userId: Id, looked: ReadonlySet<Caller>, viewers: ReadonlySet<Id>): void => {
    // Whoever has begun to watch meanwhile has not been looked up, and is answered with how things are.
    const watchers = bus.listenersOf(`presence:${userId}`).filter((watcher) => looked.has(watcher));
    const believesOnline = (watcher: Caller): boolean => known.of(watcher).get(userId) === true;
    const maySee = ({ userId: viewer }: Caller): boolean => viewers.has(viewer);
    const isHere = people.isHere(userId);
    const leftAt = people.leftAt(userId);
    publish(userId, watchers.filter((watcher) => !maySee(watcher) && believesOnline(watcher)), { online: false });
    if (isHere) publish(userId, watchers.filter((watcher) => maySee(watcher) && !believesOnline(watcher)), { online: true });
    else publish(userId, watchers.filter(maySee), { online: false, ...(leftAt && { lastSeenAt: leftAt.toISOString() }) });
    for (const watcher of watchers) known.of(watcher).set(userId, isHere && maySee(watcher));
    people.forgetGone(userId);
  };

  return async (ids) => {
    const watchers = new Map(ids.map((id) => [id, new Set(bus.listenersOf(`presence:${id}`))] as const));
    for (const [id, those] of watchers) {
      if (those.size > 0) continue;
      people.forgetGone(id);
      watchers.delete(id);
    }
    if (watchers.size === 0) return;
    try {
      const watching = new Map([...watchers].map(([id, those]) => [id, new Set([...those].map(({ userId }) => userId))] as const));
      const viewers = await withDeadline(sight.viewersOf(watching), storePatience);
      for (const [id, those] of watchers) tell(id, those, viewers.get(id) ?? new Set());
    } catch (error) {
      onError(error);
      for (const id of watchers.keys()) people.review(id);
    }
  };
}
