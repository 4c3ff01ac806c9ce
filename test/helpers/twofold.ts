/** Ann, whose second factor is on, and what she needs to sign in. */
import assert from 'node:assert/strict';
import type { TestContext } from 'node:test';
import { createAuthenticator, type Authenticator } from './authenticator.ts';
import { buildGoogleApp, type GoogleApp, type Member } from './google.ts';
import { guest } from './people.ts';

export const password = 'correct horse battery';
export const email = 'ann@example.org';

/** A code that nobody was ever given. */
export const wrongCode = 'aaaaa-aaaaa';

const step = 30_000;

export interface Scene extends GoogleApp {
  ann: Member;
  authenticator: Authenticator;
  uri: string;
  recoveryCodes: string[];
  /** A code that was not used before: half a minute passes. */
  newCode: () => string;
  login: () => Promise<Member['signedIn']>;
  /** Her password is right: the token for the second step. */
  challenge: () => Promise<string>;
  verify: (challengeToken: string, code: string) => Promise<Member['signedIn']>;
}

/** What it throws for want of a second step. */
export async function challengeOf(firstStep: Promise<unknown>): Promise<string> {
  const error = (await firstStep.then(() => undefined, (reason: unknown) => reason)) as { code: string; details: { challengeToken: string; expiresIn: number } } | undefined;
  assert.equal(error?.code, 'SECOND_FACTOR_REQUIRED');
  assert.equal(error.details.expiresIn, 300);
  return error.details.challengeToken;
}

/** Ann, whose address is verified and whose second factor is on; the clock stands still. */
export async function buildTwofold(t: TestContext, env: Record<string, string> = {}): Promise<Scene> {
  t.mock.timers.enable({ apis: ['Date'], now: Date.now() });
  const server = await buildGoogleApp(t, { env });
  const ann = await server.signUp(email, { verified: true });
  const { uri } = await ann.call('totp.enrol');
  const authenticator = createAuthenticator(uri);
  const { recoveryCodes } = await ann.call('totp.confirm', { code: authenticator.code() });
  await server.mails.next(email);
  const login = async (): Promise<Member['signedIn']> => (await server.dispatch.call('auth.login', guest, { email, password })) as Member['signedIn'];
  return {
    ...server,
    ann,
    authenticator,
    uri,
    recoveryCodes,
    newCode() {
      t.mock.timers.tick(step);
      return authenticator.code();
    },
    login,
    challenge: () => challengeOf(login()),
    verify: async (challengeToken, code) => (await server.dispatch.call('auth.verifySecondFactor', guest, { challengeToken, code })) as Member['signedIn'],
  };
}
