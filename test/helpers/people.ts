/** People for tests, made through the public operations. */
import { randomUUID } from 'node:crypto';
import type { Static } from 'typebox';
import type { contracts, Feature, OperationName } from '../../src/contracts.ts';
import type { Caller, Guest } from '../../src/core/contract.ts';
import type { Services } from '../../src/services.ts';
import type { Dispatch } from '../../src/transports/dispatch.ts';
import type { Ending } from './ending.ts';
import { openSocket, type TestSocket } from './socket.ts';

type Operations = { [F in Feature]: (typeof contracts)[F]['operations'] }[Feature];
type DeclarationOf<N extends OperationName> = Extract<Operations, Record<N, unknown>>[N];
/** What an operation answers. */
export type Output<N extends OperationName> = DeclarationOf<N> extends { output: infer O extends object } ? Static<O> : never;

export interface Person {
  id: string;
  email: string;
  password: string;
  accessToken: string;
  refreshToken: string;
  caller: Caller;
  /** Calls an operation as this person, through dispatch: access, validation and all. */
  call: <N extends OperationName>(name: N, input?: object) => Promise<Output<N>>;
  /** A websocket of this person, greeted; closed when the test ends. */
  socket: () => Promise<TestSocket>;
}

export const guest: Guest = { ip: '127.0.0.1', userAgent: 'test', language: 'en' };

export interface Joining {
  url: string;
  dispatch: Dispatch;
  services: Services;
  t: Ending;
}

export async function joinAs({ url, dispatch, services, t }: Joining, firstName: string): Promise<Person> {
  const email = `${firstName.toLowerCase().replace(/[^a-z]/g, '')}-${randomUUID()}@example.org`;
  const password = 'correct horse battery';
  const signedIn = (await dispatch.call('auth.register', guest, { email, password, firstName })) as Output<'auth.register'>;
  const caller = await services.sessions.authenticate(signedIn.accessToken, guest);
  return {
    id: signedIn.user.id,
    email,
    password,
    accessToken: signedIn.accessToken,
    refreshToken: signedIn.refreshToken ?? '',
    caller,
    call: async <N extends OperationName>(name: N, input: object = {}) => (await dispatch.call(name, caller, input)) as Output<N>,
    socket: () => openSocket(t, url, signedIn.accessToken),
  };
}
