/** How the ends of sessions are told to other processes: one short-lived document for each, dated by MongoDB's own clock. */
import { Schema, type Connection, type Types } from 'mongoose';

export interface RevocationDocument {
  /** The session that has ended. */
  _id: Types.ObjectId;
  at: Date;
}

/** Seconds; a process that could not look for so long has lost its MongoDB, and its requests with it. */
const keptFor = 15 * 60;

const schema = new Schema<RevocationDocument>({ at: Date }, { collection: 'revocations', versionKey: false });
schema.index({ at: 1 }, { expireAfterSeconds: keptFor });

export const revocationModel = (connection: Connection) => connection.model('Revocation', schema);
export type RevocationModel = ReturnType<typeof revocationModel>;
