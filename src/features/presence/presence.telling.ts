/** How those who watch somebody hear that they have come or gone, and those who may see it no more that they do not. */
import type { Bus } from '../../core/bus.ts';
import type { EventOf } from '../../core/contract.ts';
import { storePatience, withDeadline } from '../../core/deadline.ts';
import type { Id } from '../../core/schemas.ts';
import type { presenceContract } from './presence.contract.ts';
import type { People } from './presence.people.ts';
import type { Sight } from './presence.sight.ts';

export interface TellingParts {
  people: Pick<People<unknown>, 'isHere' | 'leftAt' | 'shownTo' | 'review' | 'forgetGone'>;
  sight: Pick<Sight, 'viewersOf'>;
  bus: Bus<EventOf<typeof presenceContract>>;
  onError: (error: unknown) => void;
}

/** Tells of all these people together: what has to be looked up for it is looked up once. */
export function createTelling({ people, sight, bus, onError }: TellingParts): (ids: readonly Id[]) => Promise<void> {
  const publish = (userId: Id, to: ReadonlySet<Id>, state: { online: boolean; lastSeenAt?: string }): void => {
    if (to.size > 0) bus.publish(`presence:${userId}`, { name: 'presence.changed', payload: { userId, ...state } }, { only: (watcher) => to.has(watcher) });
  };
  const tell = (userId: Id, watchers: ReadonlySet<Id>, viewers: ReadonlySet<Id>): void => {
    const shown = people.shownTo(userId);
    const outside = new Set([...watchers].filter((watcher) => shown.has(watcher) && !viewers.has(watcher)));
    publish(userId, outside, { online: false });
    for (const watcher of outside) shown.delete(watcher);
    if (people.isHere(userId)) {
      const unaware = new Set([...viewers].filter((viewer) => !shown.has(viewer)));
      publish(userId, unaware, { online: true });
      for (const viewer of unaware) shown.add(viewer);
    } else {
      const leftAt = people.leftAt(userId);
      publish(userId, viewers, { online: false, ...(leftAt && { lastSeenAt: leftAt.toISOString() }) });
      shown.clear();
      people.forgetGone(userId);
    }
  };

  return async (ids) => {
    const watchers = new Map(ids.map((id) => [id, bus.listenersOf(`presence:${id}`)] as const));
    for (const [id, those] of watchers) {
      if (those.size > 0) continue;
      people.shownTo(id).clear();
      people.forgetGone(id);
      watchers.delete(id);
    }
    if (watchers.size === 0) return;
    try {
      const viewers = await withDeadline(sight.viewersOf(watchers), storePatience);
      for (const [id, those] of watchers) tell(id, those, viewers.get(id) ?? new Set());
    } catch (error) {
      onError(error);
      for (const id of watchers.keys()) people.review(id);
    }
  };
}
