/** The way to Google and back as a browser goes it, address by address. */
import assert from 'node:assert/strict';
import type { TestContext } from 'node:test';
import type { Mongoose } from 'mongoose';
import { connect } from '../helpers/app.ts';
import { buildGoogleApp, type GoogleApp } from '../helpers/google.ts';
import type { IssuerAccount } from '../helpers/issuer.ts';
import { ask } from './ask.ts';

export const publicUrl = 'https://chat.example.org';
export const appUrl = 'https://app.example.org';
const callbackUrl = `${publicUrl}/auth/google/callback`;

export interface Visit {
  status: number;
  headers: Headers;
  /** Where it leads; empty if nowhere. */
  location: string;
  /** The lines of Set-Cookie. */
  setCookies: string[];
  text: string;
}

/** Keeps cookies, and follows nothing by itself. */
export interface Browser {
  cookies: Map<string, string>;
  visit: (path: string) => Promise<Visit>;
  /** Whose session the refresh cookie is: their address, if it is anybody's. */
  whoAmI: () => Promise<string | undefined>;
  /** Sets out for Google: the address to which it is sent. */
  setOut: (returnTo?: string) => Promise<string>;
}

export function createBrowser(url: string): Browser {
  const cookies = new Map<string, string>();
  const header = (): string => [...cookies].map(([name, value]) => `${name}=${value}`).join('; ');
  const keep = (line: string): void => {
    const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(line) ?? [];
    if (value === '') cookies.delete(name);
    else cookies.set(name, value);
  };
  const visit = async (path: string): Promise<Visit> => {
    const response = await fetch(url + path, { headers: { cookie: header() }, redirect: 'manual' });
    const setCookies = response.headers.getSetCookie();
    setCookies.forEach(keep);
    return { status: response.status, headers: response.headers, location: response.headers.get('location') ?? '', setCookies, text: await response.text() };
  };
  return {
    cookies,
    visit,
    async whoAmI() {
      const refreshed = await ask(url, '/auth/refresh', { method: 'POST', headers: { cookie: header() } });
      if (refreshed.status !== 200) return undefined;
      refreshed.cookies.forEach(keep);
      const { accessToken: token } = refreshed.body as { accessToken: string };
      return ((await ask(url, '/user/me', { token })).body as { email: string }).email;
    },
    async setOut(returnTo) {
      const { status, location, text } = await visit(`/auth/google${returnTo === undefined ? '' : `?returnTo=${encodeURIComponent(returnTo)}`}`);
      assert.equal(status, 303, text);
      return location;
    },
  };
}

export interface Way extends GoogleApp {
  browser: () => Browser;
  /** Signs in at Google: the path, with code and state, by which that comes back. */
  through: (authorizationUrl: string, account?: IssuerAccount) => Promise<string>;
  /** What the store keeps of the ways under way. */
  tokens: () => Promise<ReturnType<Awaited<ReturnType<Mongoose['createConnection']>>['collection']>>;
}

/** A server behind TLS at one address, its app at another. */
export async function buildWay(t: TestContext, env: Record<string, string> = {}): Promise<Way> {
  const app = await buildGoogleApp(t, { env: { PUBLIC_URL: publicUrl, APP_URL: appUrl, RETURN_PATHS: '/chats, /settings', ...env } });
  const { issuer, url, mongodbUri } = app;
  issuer.allow(callbackUrl);
  return {
    ...app,
    browser: () => createBrowser(url),
    through: async (authorizationUrl, account = issuer.account()) => pathOf(await issuer.signIn(authorizationUrl, account)),
    tokens: async () => (await connect(t, mongodbUri)).collection('tokens'),
  };
}

/** The path and query of an address at which Google leaves the browser. */
export function pathOf(back: URL): string {
  assert.equal(back.origin + back.pathname, callbackUrl);
  return back.pathname + back.search;
}

/** The browser was sent on to the app, at this path, with nothing but this in the fragment. */
export function requireSentOn({ status, location, headers, text }: Visit, path: string, told: Record<string, string> = {}): void {
  assert.equal(status, 303, text);
  const [base, fragment = ''] = location.split('#');
  assert.equal(base, appUrl + path);
  assert.deepEqual(Object.fromEntries(new URLSearchParams(fragment)), told);
  assert.equal(headers.get('cache-control'), 'no-store');
  assert.equal(text, '');
}

/** The browser has no session, and got no cookie that could become one. */
export async function requireNobody({ setCookies }: Visit, browser: Browser): Promise<void> {
  assert.deepEqual(setCookies.filter((line) => line.startsWith('refreshToken=')), []);
  assert.equal(await browser.whoAmI(), undefined);
}
