/** What each connection has been told of those it watches, by events and by answers: not each person, for their devices do not know of each other. */
import type { Id } from '../../core/schemas.ts';

/** Of those of whom something was said whether they are here. */
export type Told = Map<Id, boolean>;

export interface Known<C extends object> {
  /** From now on the connection watches others, and knows nothing of them. */
  begin(connection: C): Told;
  /** False once the connection has begun anew since then. */
  isCurrent(connection: C, told: Told): boolean;
  of(connection: C): Told;
}

/** Kept no longer than the connection itself. */
export function createKnown<C extends object>(): Known<C> {
  const known = new WeakMap<C, Told>();
  const begin = (connection: C): Told => {
    const told: Told = new Map();
    known.set(connection, told);
    return told;
  };
  return {
    begin,
    isCurrent: (connection, told) => known.get(connection) === told,
    of: (connection) => known.get(connection) ?? begin(connection),
  };
}
