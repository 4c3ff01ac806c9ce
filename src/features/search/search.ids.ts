/** The ids of messages as the store has them. */
import { mongo } from 'mongoose';
import type { MessageId } from '../../core/schemas.ts';
import { uuidBytes, uuidText } from '../../core/uuid.ts';

/** From its 32 hexadecimal digits, with hyphens or without. */
export const toUuid = (id: string): mongo.Binary => new mongo.Binary(uuidBytes(id), mongo.Binary.SUBTYPE_UUID);

export const fromUuid = (id: mongo.Binary): MessageId => uuidText(id.toString('hex'));
