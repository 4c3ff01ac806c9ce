/** Under which keys the bytes of a file are kept. */
import type { Id } from '../../core/schemas.ts';
import type { Variant } from './file.addresses.ts';

export const keyOf = (id: Id, variant: Variant): string => (variant === 'content' ? id : `${id}-${variant}`);

/** All of a file. */
export const keysOf = (id: Id): string[] => [keyOf(id, 'content'), keyOf(id, 'thumbnail')];
