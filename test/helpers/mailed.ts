/** A server whose mails go to a real mail server, and the links in them as people follow them. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import type { TestContext } from 'node:test';
import type { Connection } from 'mongoose';
import { Secret, TOTP } from 'otpauth';
import type { Guest } from '../../src/core/contract.ts';
import { buildTestApp, connect, type TestApp, type TestAppOptions } from './app.ts';
import { mailbox, type Mailbox, type ReceivedMail } from './mailbox.ts';
import { guest, type Output, type Person } from './people.ts';
import { openSocket, type TestSocket } from './socket.ts';
import { countWaitingMails, mentions } from './store.ts';
import { until } from './until.ts';

export interface MailedApp extends TestApp {
  box: Mailbox;
  /** Its database, to look into and to move times in. */
  store: Connection;
  /** Calls an operation as somebody who has not signed in. */
  ask: (name: string, input: object, as?: Partial<Guest>) => Promise<unknown>;
  /** Signs in with a password. */
  login: (email: string, password: string) => Promise<Output<'auth.login'>>;
  /** Signs up somebody new and follows the link in the first mail. */
  verified: (firstName: string) => Promise<Person>;
  /** Signs up somebody new who has read the first mail and done nothing. */
  unverified: (firstName: string) => Promise<Person>;
  /** The token of the link in the next unread mail to this address; fails if that mail has another link, or the store holds the token. */
  readToken: (to: string, path: LinkPath) => Promise<string>;
  /** A websocket of whoever has this access token. */
  socketOf: (accessToken: string) => Promise<TestSocket>;
  /** From now on this person needs a code as well. */
  turnOnSecondFactor: (person: Person) => Promise<void>;
  /** Every mail received, once no more is to be sent. */
  settled: () => Promise<readonly ReceivedMail[]>;
}

export type LinkPath = '/verify-email' | '/reset-password' | '/confirm-email' | '/undo';

/** Where links to its own pages lead: a server that chooses its own port cannot know it before. */
export const publicUrl = 'https://chat.example.org';

export async function buildMailedApp(t: TestContext, { env = {}, ...options }: TestAppOptions = {}): Promise<MailedApp> {
  const box = await mailbox(t);
  const app = await buildTestApp(t, { mailMilliseconds: 100, ...options, env: { SMTP_URL: box.smtpUrl, PUBLIC_URL: publicUrl, ...env } });
  const store = await connect(t, app.mongodbUri);
  const ask: MailedApp['ask'] = (name, input, as = {}) => app.dispatch.call(name, { ...guest, ...as }, input);
  const readToken: MailedApp['readToken'] = async (to, path) => {
    const mail = await box.next(to);
    const { pathname, searchParams } = new URL(mail.link ?? assert.fail(`${mail.subject} has no link`));
    assert.equal(pathname, path);
    const token = searchParams.get('token') ?? '';
    assert.equal(await mentions(store, token), false, 'no token lies in the store in clear');
    return token;
  };
  const unverified = async (firstName: string): Promise<Person> => {
    const person = await app.person(firstName);
    await readToken(person.email, '/verify-email');
    return person;
  };
  return {
    ...app,
    box,
    store,
    ask,
    readToken,
    unverified,
    login: async (email, password) => (await ask('auth.login', { email, password })) as Output<'auth.login'>,
    async verified(firstName) {
      const person = await app.person(firstName);
      await ask('account.verifyEmail', { token: await readToken(person.email, '/verify-email') });
      return person;
    },
    socketOf: (accessToken) => openSocket(t, app.url, accessToken),
    async turnOnSecondFactor({ call }) {
      const { secret } = await call('totp.enrol');
      await call('totp.confirm', { code: new TOTP({ secret: Secret.fromBase32(secret) }).generate() });
    },
    async settled() {
      await until('every mail is sent', async () => (await countWaitingMails(store)) === 0);
      return box.received;
    },
  };
}

/** What the store has of a token. */
export const hashOf = (token: string): string => createHash('sha256').update(token).digest('base64url');

/** Twenty of the same at once: how many came through, and with what the others were refused. */
export async function twentyAtOnce(attempt: (index: number) => Promise<unknown>): Promise<{ succeeded: number[]; codes: string[] }> {
  const outcomes = await Promise.allSettled(Array.from({ length: 20 }, (_, index) => attempt(index)));
  return {
    succeeded: outcomes.flatMap((outcome, index) => (outcome.status === 'fulfilled' ? [index] : [])),
    codes: [...new Set(outcomes.flatMap((outcome) => (outcome.status === 'rejected' ? [(outcome.reason as { code: string }).code] : [])))],
  };
}

/** Lets the proof of every session have been so many minutes ago. */
export async function age(store: Connection, minutes: number): Promise<void> {
  await store.collection('sessions').updateMany({}, { $set: { provenAt: new Date(Date.now() - minutes * 60_000) } });
}

/** Lets every mail that was counted, and every link that was made, have been so many minutes earlier. */
export async function passMinutes(store: Connection, minutes: number): Promise<void> {
  const milliseconds = minutes * 60_000;
  const earlier = { $map: { input: '$attempts', in: { $mergeObjects: ['$$this', { at: { $subtract: ['$$this.at', milliseconds] } }] } } };
  await store.collection('counters').updateMany({}, [{ $set: { attempts: earlier } }]);
  await store.collection('tokens').updateMany({}, [{ $set: { expiresAt: { $subtract: ['$expiresAt', milliseconds] } } }]);
}

/** The token of the next link of this kind to this address; the mails before it are passed over. */
export async function nextToken({ box }: MailedApp, to: string, path: LinkPath = '/reset-password'): Promise<string> {
  for (;;) {
    const { link } = await box.next(to);
    if (link?.includes(path)) return new URL(link).searchParams.get('token') ?? '';
  }
}

/** Waits until a mail was offered to a server that refuses it, and lets it wait for ten minutes more. */
export async function putOff({ store }: MailedApp): Promise<void> {
  await until('the mail was offered and waits', async () => {
    const waiting = { attempts: { $gt: 0 }, nextAttemptAt: { $lt: new Date(Date.now() + 30_000) } };
    return (await store.collection('mails').updateOne(waiting, { $set: { nextAttemptAt: new Date(Date.now() + 600_000) } })).modifiedCount === 1;
  });
}

/** All mails that wait are due. */
export async function comeUp({ store }: MailedApp): Promise<void> {
  await store.collection('mails').updateMany({ nextAttemptAt: { $exists: true } }, { $set: { nextAttemptAt: new Date() } });
}
