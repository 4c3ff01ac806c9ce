/** The size of the caches made with lru-cache. */

/** So many entries, for which room is taken as they come: by its own `max` a cache takes the room for all of them when it is made. */
export const atMost = (entries: number): { maxSize: number; sizeCalculation: () => number } => ({ maxSize: entries, sizeCalculation: () => 1 });
