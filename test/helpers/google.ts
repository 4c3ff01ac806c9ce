/** A server for which the issuer is Google, the people who sign in there, and the mails they get. */
import type { TestContext } from 'node:test';
import type { Caller } from '../../src/core/contract.ts';
import { buildTestApp, type TestApp, type TestAppOptions } from './app.ts';
import { startIssuer, type Issuer, type IssuerAccount } from './issuer.ts';
import { mailbox, type Mailbox } from './mailbox.ts';
import { guest, type Output, type Person } from './people.ts';

/** Somebody signed in, however they did it. */
export interface Member {
  id: string;
  caller: Caller;
  signedIn: Output<'auth.login'>;
  call: Person['call'];
}

export interface GoogleApp extends TestApp {
  issuer: Issuer;
  mails: Mailbox;
  /** Signs in with a new ID token, as the button gives it. */
  signIn: (account: IssuerAccount, claims?: Record<string, unknown>) => Promise<Output<'auth.loginWithGoogle'>>;
  /** The same, to go on as whoever that is. */
  enter: (account: IssuerAccount) => Promise<Member>;
  /** Signs up with a password, at this address, which may be verified by the link in the mail. */
  signUp: (email: string, options?: { verified?: boolean }) => Promise<Member & { password: string }>;
}

export async function buildGoogleApp(t: TestContext, { env, ...options }: TestAppOptions = {}): Promise<GoogleApp> {
  const [issuer, mails] = await Promise.all([startIssuer(t), mailbox(t)]);
  const app = await buildTestApp(t, { ...options, env: { ...issuer.env, SMTP_URL: mails.smtpUrl, ...env } });
  const { dispatch } = app;
  const signIn: GoogleApp['signIn'] = async (account, claims) =>
    (await dispatch.call('auth.loginWithGoogle', guest, { credential: issuer.credential(account, claims) })) as Output<'auth.loginWithGoogle'>;
  return {
    ...app,
    issuer,
    mails,
    signIn,
    enter: async (account) => toMember(app, await signIn(account)),
    async signUp(email, { verified = false } = {}) {
      const password = 'correct horse battery';
      const signedIn = (await dispatch.call('auth.register', guest, { email, password, firstName: 'Ann' })) as Output<'auth.register'>;
      const { link = '' } = await mails.next(email.toLowerCase());
      if (verified) await dispatch.call('account.verifyEmail', guest, { token: tokenOf(link) });
      return { ...(await toMember(app, signedIn)), password };
    },
  };
}

/** Goes on as whoever has signed in. */
export async function toMember({ services, dispatch }: Pick<TestApp, 'services' | 'dispatch'>, signedIn: Output<'auth.login'>): Promise<Member> {
  const caller = await services.sessions.authenticate(signedIn.accessToken, guest);
  return { id: signedIn.user.id, caller, signedIn, call: async (name, input = {}) => (await dispatch.call(name, caller, input)) as never };
}

/** The token in the link of a mail. */
export const tokenOf = (link: string): string => new URL(link).searchParams.get('token') ?? '';
