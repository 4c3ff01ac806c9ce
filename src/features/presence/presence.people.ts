/**
 * Who is here: the connections of this process merged to people. It knows neither a
 * store nor who may see what, and times come from outside.
 */
import type { Id } from '../../core/schemas.ts';
import { createDue } from './presence.due.ts';

export interface PresencePace {
  /** Milliseconds for which somebody still counts as here once their last connection has closed. */
  grace: number;
  /** Milliseconds in which watchers are told of the same person at most twice. */
  window: number;
}

export const presencePace: PresencePace = { grace: 20_000, window: 10_000 };

export interface People<C> {
  opened(userId: Id, connection: C): void;
  closed(userId: Id, connection: C, now: number): void;
  connectionsOf(userId: Id): readonly C[];
  isHere(userId: Id): boolean;
  here(): Id[];
  /** Those who are here, or have gone and are not forgotten. */
  known(): Id[];
  /** When somebody who is going, or has gone and is not forgotten, closed their last connection. */
  leftAt(userId: Id): Date | undefined;
  /** Watchers of this person are to be told how things are, if anybody knows anything. */
  review(userId: Id): void;
  /** Those of whom watchers are to be told now. */
  takeDue(now: number): Id[];
  /** Watchers have been told: of those who have gone nothing is kept. */
  forgetGone(userId: Id): void;
}

interface Person<C> {
  connections: C[];
  leftAt?: Date;
}

export function createPeople<C>({ grace, window }: PresencePace = presencePace): People<C> {
  const people = new Map<Id, Person<C>>();
  /** When their grace is over, in the order of these times. */
  const leaving = new Map<Id, number>();
  const due = createDue(window);
  const isHere = (id: Id): boolean => leaving.has(id) || (people.get(id)?.connections.length ?? 0) > 0;

  return {
    opened(userId, connection) {
      if (!isHere(userId)) due.add(userId);
      leaving.delete(userId);
      const person: Person<C> = people.get(userId) ?? { connections: [] };
      person.connections.push(connection);
      delete person.leftAt;
      people.set(userId, person);
    },
    closed(userId, connection, now) {
      const person = people.get(userId);
      if (!person?.connections.includes(connection)) return;
      person.connections = person.connections.filter((other) => other !== connection);
      if (person.connections.length > 0) return;
      person.leftAt = new Date();
      leaving.set(userId, now + grace);
    },
    connectionsOf: (userId) => people.get(userId)?.connections ?? [],
    isHere,
    here: () => [...people.keys()].filter(isHere),
    known: () => [...people.keys()],
    leftAt: (userId) => people.get(userId)?.leftAt,
    review(userId) {
      if (people.has(userId)) due.add(userId);
    },
    takeDue(now) {
      for (const id of takeUntil(leaving, now)) due.add(id);
      return due.take(now);
    },
    forgetGone(userId) {
      if (!isHere(userId)) people.delete(userId);
    },
  };
}

/** Takes out those whose time has come. */
function takeUntil(times: Map<Id, number>, now: number): Id[] {
  const taken: Id[] = [];
  for (const [id, time] of times) {
    if (time > now) break;
    times.delete(id);
    taken.push(id);
  }
  return taken;
}
