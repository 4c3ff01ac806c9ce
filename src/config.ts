/** The configuration: one schema over the environment, typed and frozen, every fault named at once. */
import { isIP } from 'node:net';
import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import { Type, type Static } from 'typebox';
import { formed } from './core/schemas.ts';
import { StartupError } from './core/startup.error.ts';
import { toFieldProblems, validatorOf } from './core/validate.ts';

/** One or more of what the pattern describes, separated by commas. */
function list(pattern: string, options: Record<string, unknown>) {
  return Type.String({ ...options, pattern: `^\\s*${pattern}\\s*(?:,\\s*${pattern}\\s*)*$` });
}

/** An address of Google's, which another provider's can take the place of. */
const endpoint = (url: string, description: string) =>
  Type.String({ format: 'uri', ...formed('^https?://', 'an address that begins with https:// or http://'), default: url, description });

/** Every key of the environment that Parley reads. `.env.example` is generated from it. */
export const Environment = Type.Object({
  HOST: Type.String({ default: '127.0.0.1', examples: ['127.0.0.1', '::1'], description: 'The address to listen on. 0.0.0.0 for every interface.' }),
  PORT: Type.Integer({ default: 3000, minimum: 1, maximum: 65535, description: 'The port to listen on.' }),
  PUBLIC_URL: Type.Optional(Type.String({ format: 'uri', pattern: '^https?://', examples: ['https://chat.example.org'], description: 'The address people reach the server at. By default http://HOST:PORT.' })),
  APP_URL: Type.Optional(Type.String({ format: 'uri', pattern: '^https?://', examples: ['https://app.example.org'], description: 'The address of the browser app. Its origin may call the API with cookies, and links for a new password lead there.' })),
  CORS_ORIGINS: Type.Optional(list('https?://[^\\s,/]+', { examples: ['https://admin.example.org, https://beta.example.org'], description: 'Further origins whose pages may call the API, separated by commas. Cookies reach it from those of its own site.' })),
  RETURN_PATHS: list('/(?:[^\\s,/\\\\][^\\s,\\\\]*)?', { default: '/', examples: ['/, /settings'], description: 'The paths of the browser app to which a sign-in with Google may return, separated by commas. The first is taken when none is asked for.' }),
  TRUSTED_PROXIES: Type.Optional(list('[0-9A-Fa-f:.]+(?:/\\d{1,3})?', { examples: ['10.0.0.1, 192.168.0.0/16, ::1'], description: 'The proxies whose X-Forwarded-For is believed: addresses and networks, separated by commas. Nobody else\'s is.' })),
  TLS_CERT: Type.Optional(Type.String({ minLength: 1, description: 'A file with the certificate chain (PEM), to speak HTTPS without a proxy. Read again whenever it changes.' })),
  TLS_KEY: Type.Optional(Type.String({ minLength: 1, description: 'A file with the private key of TLS_CERT (PEM).' })),
  DATA_DIR: Type.String({ default: './data', minLength: 1, description: 'Where everything is kept that must outlive the process.' }),
  MONGODB_URI: Type.Optional(Type.String({ pattern: '^mongodb(\\+srv)?://', examples: ['mongodb://127.0.0.1:27017/parley'], description: 'A MongoDB to use, standalone or replica set. Without it the server starts its own, with its data in DATA_DIR.' })),
  MONGOD_BINARY: Type.Optional(Type.String({ minLength: 1, description: 'The mongod program to start. Without it one is looked for on the PATH and in the cache folder, or fetched.' })),
  JWT_SECRET: Type.Optional(list('[^\\s,][^,]{30,}[^\\s,]', { examples: ['one or more keys of 32 characters at least, separated by commas'], description: 'The keys of access tokens, separated by commas: the first signs, all verify. Without it one is made and kept in DATA_DIR. Several processes on one MongoDB need the same.' })),
  SMTP_URL: Type.Optional(Type.String({ format: 'uri', pattern: '^smtps?://', examples: ['smtps://user:password@mail.example.org'], description: 'The mail server to send through. Without it mails are put into DATA_DIR/outbox as files.' })),
  MAIL_FROM: Type.Optional(Type.String({ pattern: '^(?:[^\\p{Cc}<>]*<[^\\s@<>]+@[^\\s@<>]+>|[^\\s@<>]+@[^\\s@<>]+)$', examples: ['Parley <no-reply@example.org>'], description: 'Whom mails come from. By default no-reply at the host of PUBLIC_URL.' })),
  GOOGLE_CLIENT_ID: Type.Optional(Type.String({ minLength: 1, description: 'The client id of this server at Google, to let people sign in with Google.' })),
  GOOGLE_CLIENT_SECRET: Type.Optional(Type.String({ minLength: 1, description: 'The secret that belongs to GOOGLE_CLIENT_ID.' })),
  GOOGLE_ISSUER: endpoint('https://accounts.google.com', 'Who issues the ID tokens; any OpenID Connect provider can stand in for Google.'),
  GOOGLE_AUTHORIZE_URL: endpoint('https://accounts.google.com/o/oauth2/v2/auth', 'Where people are sent to sign in.'),
  GOOGLE_TOKEN_URL: endpoint('https://oauth2.googleapis.com/token', 'Where codes are traded for ID tokens.'),
  GOOGLE_JWKS_URL: endpoint('https://www.googleapis.com/oauth2/v3/certs', 'Where the keys of the ID tokens are.'),
  CLOUDINARY_URL: Type.Optional(Type.String({ pattern: '^cloudinary://[^:@/?]+:[^:@/?]+@[^:@/?]+(?:\\?.*)?$', examples: ['cloudinary://key:secret@cloud'], description: 'The account at Cloudinary where files and photos are kept. Without it they are kept in DATA_DIR/files.' })),
  FILE_LIMIT_MB: Type.Number({ default: 100, minimum: 0.001, maximum: 1_000_000, description: 'The megabytes (of 1,048,576 bytes) that a file may have.' }),
  FILE_QUOTA_MB: Type.Number({ default: 1024, minimum: 0, maximum: 1_000_000_000, description: 'The megabytes that all files of a person may have together.' }),
  EDIT_HOURS: Type.Number({ default: 48, minimum: 0, maximum: 1_000_000, description: 'The hours for which people can edit a message of theirs.' }),
  RATE_SCALE: Type.Number({ default: 1, minimum: 0.01, maximum: 1_000_000, description: 'Multiplies every limit on how often something may be done. 2 allows twice as much.' }),
  LOG_LEVEL: Type.Enum(['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'], { default: 'warn', description: 'How much is logged: fatal, error, warn, info, debug, trace or silent.' }),
});

export interface Config {
  host: string;
  port: number;
  /** Without a slash at the end, and so is the other. */
  publicUrl: string;
  appUrl: string | undefined;
  corsOrigins: readonly string[];
  returnPaths: readonly string[];
  trustedProxies: readonly string[];
  tls: Readonly<{ cert: string; key: string }> | undefined;
  dataDir: string;
  mongodbUri: string | undefined;
  mongod: Readonly<{ binary: string | undefined; cacheDir: string }>;
  /** The first signs, all verify. */
  jwtSecrets: readonly string[] | undefined;
  smtpUrl: string | undefined;
  mailFrom: string;
  google: Readonly<GoogleConfig> | undefined;
  cloudinaryUrl: string | undefined;
  /** In bytes: of one file, and of all files of a person. */
  fileLimits: Readonly<{ file: number; person: number }>;
  /** Milliseconds for which a message can be edited. */
  editWindow: number;
  rateScale: number;
  logLevel: Static<typeof Environment>['LOG_LEVEL'];
}

export interface GoogleConfig {
  clientId: string;
  clientSecret: string;
  issuer: string;
  authorizeUrl: string;
  tokenUrl: string;
  jwksUrl: string;
}

/** Keys that make sense together only. */
const groups: readonly (readonly [Key, Key])[] = [
  ['TLS_CERT', 'TLS_KEY'],
  ['GOOGLE_CLIENT_ID', 'GOOGLE_CLIENT_SECRET'],
];
type Key = keyof typeof Environment.properties;

/**
 * The configuration that an environment describes. An empty value counts as absent.
 * @throws StartupError that names every key that is wrong, and why
 */
export function readConfig(env: Record<string, string | undefined>): Readonly<Config> {
  const given: Record<string, unknown> = {};
  for (const key of Object.keys(Environment.properties)) {
    if (env[key]) given[key] = env[key];
  }
  const problems = problemsOf(given);
  if (problems.length > 0) throw new StartupError(`The configuration is wrong: ${problems.join('; ')}.`);
  return deepFreeze(toConfig(given as Static<typeof Environment>, env));
}

/** What is wrong with the values, a sentence for each key; fills in the defaults. */
function problemsOf(given: Record<string, unknown>): string[] {
  const check = validatorOf(Environment, 'text');
  const wrong = check(given) ? [] : toFieldProblems(check.errors ?? []).map(({ field, problem }) => [field, `${field} ${hintFor(field) ?? problem}`] as const);
  const lonely = groups.flatMap(([one, other]) => {
    if ((given[one] === undefined) === (given[other] === undefined)) return [];
    const [present, missing] = given[one] === undefined ? [other, one] : [one, other];
    return [[missing, `${missing} is missing: ${present} makes no sense without it`] as const];
  });
  const strangers = listOf(given['TRUSTED_PROXIES'] as string | undefined).filter((proxy) => !isNetwork(proxy));
  const proxies = strangers.map((proxy) => ['TRUSTED_PROXIES', `TRUSTED_PROXIES ${proxy} is neither an address nor a network`] as const);
  const origins = listOf(given['CORS_ORIGINS'] as string | undefined);
  const { HOST } = given as { HOST?: string };
  const addresses = [['HOST', HOST && `http://${inUrl(HOST)}`], ['PUBLIC_URL', given['PUBLIC_URL']], ['APP_URL', given['APP_URL']], ...origins.map((origin) => ['CORS_ORIGINS', origin])] as [Key, string | undefined][];
  const unusable = addresses.filter(([, url]) => url !== undefined && !URL.canParse(url)).map(([key]) => [key, `${key} ${hintFor(key) ?? ''}`] as const);
  return [...new Map([...proxies, ...unusable, ...wrong, ...lonely]).values()];
}

/** An IP address, or a network in the notation of CIDR (RFC 4632); everybody is none. */
function isNetwork(text: string): boolean {
  const [address = '', bits] = text.split('/');
  const version = isIP(address);
  return version !== 0 && (bits === undefined || (Number(bits) >= 1 && Number(bits) <= (version === 4 ? 32 : 128)));
}

/** How an address has to look says more than what is wrong with the one given. */
function hintFor(key: string): string | undefined {
  const { examples } = (Environment.properties as Record<string, { examples?: string[] }>)[key] ?? {};
  return examples && `must look like ${examples.join(' or ')}`;
}

/** An IPv6 address stands in brackets (RFC 3986, section 3.2.2). */
const inUrl = (host: string): string => (host.includes(':') ? `[${host}]` : host);

/** Where a browser finds the server when nobody says otherwise. */
function addressOf({ HOST, PORT, TLS_CERT }: Static<typeof Environment>): string {
  const host = HOST === '0.0.0.0' || HOST === '::' ? '127.0.0.1' : HOST;
  return `http${TLS_CERT === undefined ? '' : 's'}://${inUrl(host)}:${PORT}`;
}

const megabyte = 1024 * 1024;

const listOf = (value = ''): string[] => value.split(',').map((item) => item.trim()).filter(Boolean);

function toConfig(values: Static<typeof Environment>, env: Record<string, string | undefined>): Config {
  const publicUrl = withoutSlash(values.PUBLIC_URL ?? addressOf(values));
  return {
    host: values.HOST,
    port: values.PORT,
    publicUrl,
    appUrl: values.APP_URL && withoutSlash(values.APP_URL),
    corsOrigins: listOf(values.CORS_ORIGINS),
    returnPaths: listOf(values.RETURN_PATHS),
    trustedProxies: listOf(values.TRUSTED_PROXIES),
    tls: values.TLS_CERT === undefined || values.TLS_KEY === undefined ? undefined : { cert: resolve(values.TLS_CERT), key: resolve(values.TLS_KEY) },
    dataDir: resolve(values.DATA_DIR),
    mongodbUri: values.MONGODB_URI,
    mongod: { binary: values.MONGOD_BINARY, cacheDir: join(env['XDG_CACHE_HOME'] || join(homedir(), '.cache'), 'parley') },
    jwtSecrets: values.JWT_SECRET === undefined ? undefined : listOf(values.JWT_SECRET),
    smtpUrl: values.SMTP_URL,
    mailFrom: values.MAIL_FROM ?? `Parley <no-reply@${new URL(publicUrl).hostname}>`,
    google: googleOf(values),
    cloudinaryUrl: values.CLOUDINARY_URL,
    fileLimits: { file: Math.round(values.FILE_LIMIT_MB * megabyte), person: Math.round(values.FILE_QUOTA_MB * megabyte) },
    editWindow: values.EDIT_HOURS * 3_600_000,
    rateScale: values.RATE_SCALE,
    logLevel: values.LOG_LEVEL,
  };
}

function googleOf(values: Static<typeof Environment>): GoogleConfig | undefined {
  const { GOOGLE_CLIENT_ID: clientId, GOOGLE_CLIENT_SECRET: clientSecret } = values;
  if (clientId === undefined || clientSecret === undefined) return undefined;
  return { clientId, clientSecret, issuer: values.GOOGLE_ISSUER, authorizeUrl: values.GOOGLE_AUTHORIZE_URL, tokenUrl: values.GOOGLE_TOKEN_URL, jwksUrl: values.GOOGLE_JWKS_URL };
}

function deepFreeze<T extends object>(value: T): Readonly<T> {
  for (const part of Object.values(value)) if (typeof part === 'object' && part !== null) deepFreeze(part as object);
  return Object.freeze(value);
}

const withoutSlash = (url: string): string => url.replace(/\/+$/, '');
