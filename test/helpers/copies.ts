/** Many people at once who never sign in, straight into the store. */
import { Types } from 'mongoose';
import { openPrivacy } from '../../src/features/users/user.model.ts';
import { connect } from './app.ts';
import type { Ending } from './ending.ts';

/** Their ids. */
export async function addCopies(t: Ending, mongodbUri: string, count: number): Promise<string[]> {
  const copies = Array.from({ length: count }, (_, index) => ({ _id: new Types.ObjectId(), username: `copy.${index}`, firstName: 'Copy', language: 'en', privacy: openPrivacy, words: [], createdAt: new Date() }));
  await (await connect(t, mongodbUri)).collection('users').insertMany(copies);
  return copies.map(({ _id }) => _id.toHexString());
}
