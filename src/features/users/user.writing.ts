/** One change of a stored person. */
import type { AnyKeys } from 'mongoose';
import type { UserDocument, UserModel } from './user.model.ts';
import { findTaken } from './user.names.ts';

interface Update {
  $set: AnyKeys<UserDocument>;
  $unset: Record<string, ''>;
  $push?: Record<string, unknown>;
}

/** Sets each field to its value; null takes it away. */
export const toUpdate = (fields: object): Update => {
  const entries = Object.entries(fields) as [string, unknown][];
  return {
    $set: Object.fromEntries(entries.filter(([, value]) => value !== null)),
    $unset: Object.fromEntries(entries.filter(([, value]) => value === null).map(([field]) => [field, ''])),
  };
};

/**
 * The person as they are then; null if the filter fits nobody.
 * @throws EMAIL_TAKEN, USERNAME_TAKEN, GOOGLE_TAKEN
 */
export async function writeUser(users: UserModel, filter: Record<string, unknown>, update: Update): Promise<UserDocument | null> {
  try {
    return await users.findOneAndUpdate(filter, update, { returnDocument: 'after' }).lean();
  } catch (error) {
    throw findTaken(error) ?? error;
  }
}
