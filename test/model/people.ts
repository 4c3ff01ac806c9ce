/** Those who live through histories. Signing up is no part of these, so their accounts are put straight into the store. */
import { randomUUID } from 'node:crypto';
import { Types, type Connection } from 'mongoose';
import { openPrivacy } from '../../src/features/users/user.model.ts';
import type { TestApp } from '../helpers/app.ts';
import { guest, type Output, type Person } from '../helpers/people.ts';

export type SignedIn = Pick<Person, 'id' | 'accessToken' | 'caller' | 'call'> & { firstName: string };

export async function signIn({ services, dispatch }: TestApp, store: Connection, firstNames: readonly string[]): Promise<SignedIn[]> {
  const accounts = firstNames.map((firstName) => ({ _id: new Types.ObjectId(), username: randomUUID().slice(0, 32), firstName, language: 'en', privacy: openPrivacy, words: [], createdAt: new Date() }));
  await store.collection('users').insertMany(accounts);
  return Promise.all(
    accounts.map(async ({ _id, firstName }) => {
      const { accessToken } = await services.sessions.open({ id: _id.toHexString(), stamp: '' }, guest, 'password');
      const caller = await services.sessions.authenticate(accessToken, guest);
      return { id: caller.userId, firstName, accessToken, caller, call: async (name, input = {}) => (await dispatch.call(name, caller, input)) as Output<typeof name> };
    }),
  );
}
