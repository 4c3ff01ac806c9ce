/** How a page of a list is cut: one row more than it may have is read, which says whether there is another. */

/** How many rows are read for a page of so many. */
export const rowsFor = (limit: number): number => limit + 1;

/** The rows of the page, in their order, and whether more were found. */
export const cutPage = <T>(found: readonly T[], limit: number): { rows: T[]; more: boolean } => ({ rows: found.slice(0, limit), more: found.length > limit });
