/** The ids of messages as the store has them. */
import { mongo } from 'mongoose';
import type { MessageId } from '../../core/schemas.ts';

/** From its 32 hexadecimal digits, with hyphens or without. */
export const toUuid = (id: string): mongo.Binary => new mongo.Binary(Buffer.from(id.replaceAll('-', ''), 'hex'), mongo.Binary.SUBTYPE_UUID);

export function fromUuid(id: mongo.Binary): MessageId {
  const hex = id.toString('hex');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
}
