/** Work that takes long lets others have their turn in between. */

/** Resolves once everything that waits for this process has had its turn. */
export const nextTurn = (): Promise<void> => new Promise((resolve) => void setImmediate(resolve));
