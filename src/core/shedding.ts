/** What is left out first when somebody reads too slowly, or the server has too much to do. Whatever is of no kind never is. */

/** In the order in which they go. */
export const sheddable = ['presence', 'typing', 'marks'] as const;
export type Sheddable = (typeof sheddable)[number];
