/** A real OpenID provider on this machine that stands in for Google, with accounts made by tests. */
import { generateKeyPairSync, randomInt, randomUUID, sign, type KeyObject } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { TestContext } from 'node:test';
import { signInAt } from './issuer.browser.ts';
import { createPages } from './issuer.pages.ts';

// It tells everybody who loads or starts it that it is not set up for production.
for (const method of ['info', 'warn'] as const) {
  const print = console[method].bind(console);
  console[method] = (...words: unknown[]) => {
    if (!String(words[0]).startsWith('oidc-provider ')) print(...words);
  };
}
const { Provider, interactionPolicy } = await import('oidc-provider');

/** What Google knows about somebody, in its own words. Changes count from the next sign-in on. */
export interface IssuerAccount {
  sub: string;
  email: string;
  email_verified: boolean | string;
  name?: string;
  given_name?: string;
  family_name?: string;
  picture?: string;
  locale?: string;
}

/** A request for a token, and what it was answered. */
export interface TokenRequest {
  parameters: Record<string, string>;
  status: number;
}

/** How a token is signed when it is not as it should be. */
export interface Signing {
  header?: object;
  sign?: (input: string) => Buffer;
}

export interface Issuer {
  /** http://127.0.0.1:<port>, and the `iss` of its tokens. */
  url: string;
  clientId: string;
  clientSecret: string;
  /** The part of the environment by which Parley finds it. */
  env: Record<string, string>;
  /** The public half of the key it signs with. */
  readonly publicKey: KeyObject;
  /** Every request for a token so far. */
  tokenRequests: TokenRequest[];
  /** Somebody new: Ann with a verified address, unless told otherwise. */
  account(claims?: Partial<IssuerAccount>): IssuerAccount;
  /** Registers a place to which browsers may be sent back. */
  allow(redirectUri: string): void;
  /** Signs in through its pages in a fresh browser, and gives the address at which that leaves them, with code and state. */
  signIn(authorizationUrl: string, account: IssuerAccount): Promise<URL>;
  /** Presses Cancel instead. */
  cancel(authorizationUrl: string): Promise<URL>;
  /** An ID token as the button gives it to a page. A claim given as undefined is left out. */
  credential(account: IssuerAccount, claims?: Record<string, unknown>, signing?: Signing): string;
  /** From now on it signs with a new key, and knows nothing of the old one. */
  rotateKey(): void;
  /** Something else answers at a path from now on, such as /token or /jwks. */
  replace(path: string, listener: RequestListener): void;
  /** Nobody is there any more. */
  close(): Promise<void>;
}

interface Key {
  kid: string;
  privateKey: KeyObject;
  publicKey: KeyObject;
}

interface State {
  url: string;
  clientId: string;
  clientSecret: string;
  accounts: Map<string, IssuerAccount>;
  redirectUris: Set<string>;
  tokenRequests: TokenRequest[];
}

/** The key of every issuer until it takes a new one: to make one takes longer than most tests. */
const firstKey = makeKey();

export async function startIssuer(t: TestContext, redirectUris: string[] = []): Promise<Issuer> {
  const replaced = new Map<string, RequestListener>();
  let answer: RequestListener = () => undefined;
  const server = createServer((request, response) => {
    const path = request.url?.split('?')[0] ?? '';
    (replaced.get(path) ?? answer)(request, response);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => close(server));
  const state: State = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    clientId: 'parley.apps.example',
    clientSecret: randomUUID(),
    accounts: new Map(),
    redirectUris: new Set(redirectUris),
    tokenRequests: [],
  };
  let key = firstKey;
  answer = createAnswers(state, key);
  return {
    ...state,
    env: environmentOf(state),
    get publicKey() {
      return key.publicKey;
    },
    account: (claims) => addAccount(state.accounts, claims),
    allow: (redirectUri) => void state.redirectUris.add(redirectUri),
    signIn: (authorizationUrl, { sub }) => signInAt(authorizationUrl, sub),
    cancel: (authorizationUrl) => signInAt(authorizationUrl),
    credential: (account, claims, signing) => makeCredential(state, key, { ...account, ...claims }, signing),
    rotateKey() {
      key = makeKey();
      answer = createAnswers(state, key);
    },
    replace: (path, listener) => void replaced.set(path, listener),
    close: () => close(server),
  };
}

function createAnswers(state: State, { kid, privateKey }: Key): RequestListener {
  const policy = interactionPolicy.base();
  policy.add(new interactionPolicy.Prompt({ name: 'select_account', requestable: true }), 0);
  const provider = new Provider(state.url, {
    clients: [{ client_id: state.clientId, client_secret: state.clientSecret, redirect_uris: [`${state.url}/nowhere`], token_endpoint_auth_method: 'client_secret_post' }],
    jwks: { keys: [{ ...privateKey.export({ format: 'jwk' }), kid, use: 'sig', alg: 'RS256' }] },
    cookies: { keys: [randomUUID()] },
    claims: { email: ['email', 'email_verified'], profile: ['name', 'given_name', 'family_name', 'picture', 'locale'] },
    conformIdTokenClaims: false,
    pkce: { required: () => true },
    interactions: { policy, url: (_, { uid }) => `/interaction/${uid}` },
    features: { devInteractions: { enabled: false } },
    findAccount: (_, sub) => {
      const account = state.accounts.get(sub);
      return account && { accountId: sub, claims: () => ({ ...account }) };
    },
  });
  provider.Client.prototype.redirectUriAllowed = (redirectUri) => state.redirectUris.has(redirectUri);
  recordTokenRequests(provider, state.tokenRequests);
  const oidc = provider.callback();
  const pages = createPages(provider, state.accounts);
  return (request, response) => {
    const listener = request.url?.startsWith('/interaction/') ? pages : oidc;
    listener(request, response);
  };
}

function recordTokenRequests(provider: InstanceType<typeof Provider>, tokenRequests: TokenRequest[]): void {
  provider.use(async (ctx, next) => {
    await next();
    // oidc-provider leaves what it read of the body in its own corner of the context.
    const { oidc } = ctx as unknown as { oidc?: { body?: Record<string, string> } };
    if (ctx.path === '/token') tokenRequests.push({ parameters: { ...oidc?.body }, status: ctx.status });
  });
}

function makeKey(): Key {
  return { kid: randomUUID(), ...generateKeyPairSync('rsa', { modulusLength: 2048 }) };
}

const environmentOf = ({ url, clientId, clientSecret }: State): Record<string, string> => ({
  GOOGLE_CLIENT_ID: clientId,
  GOOGLE_CLIENT_SECRET: clientSecret,
  GOOGLE_ISSUER: url,
  GOOGLE_AUTHORIZE_URL: `${url}/auth`,
  GOOGLE_TOKEN_URL: `${url}/token`,
  GOOGLE_JWKS_URL: `${url}/jwks`,
});

function addAccount(accounts: State['accounts'], claims: Partial<IssuerAccount> = {}): IssuerAccount {
  const sub = claims.sub ?? `1${String(randomInt(1e10)).padStart(10, '0')}${String(randomInt(1e10)).padStart(10, '0')}`;
  const account = { sub, email: `ann-${sub}@example.org`, email_verified: true, given_name: 'Ann', family_name: 'Lee', ...claims };
  accounts.set(sub, account);
  return account;
}

function makeCredential({ url, clientId }: State, { kid, privateKey }: Key, claims: object, { header, sign: signWith }: Signing = {}): string {
  const now = Math.floor(Date.now() / 1000);
  const payload = { iss: url, azp: clientId, aud: clientId, iat: now, exp: now + 3600, jti: randomUUID(), ...claims };
  const input = [{ alg: 'RS256', kid, typ: 'JWT', ...header }, payload].map((part) => Buffer.from(JSON.stringify(part)).toString('base64url')).join('.');
  const signature = signWith ? signWith(input) : sign('sha256', Buffer.from(input), privateKey);
  return `${input}.${signature.toString('base64url')}`;
}

async function close(server: Server): Promise<void> {
  if (!server.listening) return;
  const closed = once(server, 'close');
  server.close();
  server.closeAllConnections();
  await closed;
}
