/** How often something may be done: a bucket of requests that refills evenly. */

export interface Rate {
  /** Counted for each signed-in person (for guests: each address), or for each address whoever is behind it. */
  per: 'caller' | 'address';
  /** Requests that come back within this many seconds. */
  count: number;
  seconds: number;
  /** Requests at once after a rest, not fewer than `count`; as many as that unless given. */
  burst?: number;
}

/** For whatever needs no rule of its own: more than any app asks for, less than a loop. */
export const ordinary: Rate = { per: 'caller', count: 50, seconds: 1, burst: 500 };
