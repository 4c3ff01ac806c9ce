/** Under which keys the bytes of a file are kept. */
import type { Id } from '../../core/schemas.ts';
import { photoKey, photoSides } from '../../core/photo.ts';
import type { Variant } from './file.addresses.ts';
import type { FileDocument } from './file.model.ts';

export const keyOf = (id: Id, variant: Variant): string => (variant === 'content' ? id : `${id}-${variant}`);

/** All of a file, or of a photo. */
export function keysOf({ _id, photo }: Pick<FileDocument, '_id' | 'photo'>): string[] {
  if (photo) return photoSides.map((side) => photoKey(photo.key, side));
  const id = _id.toHexString();
  return [keyOf(id, 'content'), keyOf(id, 'thumbnail')];
}
