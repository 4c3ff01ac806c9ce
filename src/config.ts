/** The configuration: one schema over the environment, typed and frozen, every fault named at once. */
import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import { Type, type Static } from 'typebox';
import { StartupError } from './core/startup.error.ts';
import { toFieldProblems, validatorOf } from './core/validate.ts';

/** Every key of the environment that Parley reads. `.env.example` is generated from it. */
export const Environment = Type.Object({
  HOST: Type.String({ default: '127.0.0.1', description: 'The address to listen on. 0.0.0.0 for every interface.' }),
  PORT: Type.Integer({ default: 3000, minimum: 0, maximum: 65535, description: 'The port to listen on. 0 takes a free one.' }),
  PUBLIC_URL: Type.Optional(Type.String({ format: 'uri', pattern: '^https?://', examples: ['https://chat.example.org'], description: 'The address people reach the server at. By default http://HOST:PORT.' })),
  APP_URL: Type.Optional(Type.String({ format: 'uri', pattern: '^https?://', examples: ['https://app.example.org'], description: 'The address of the browser app. Its origin may call the API with cookies.' })),
  DATA_DIR: Type.String({ default: './data', minLength: 1, description: 'Where everything is kept that must outlive the process.' }),
  MONGODB_URI: Type.Optional(Type.String({ pattern: '^mongodb(\\+srv)?://', examples: ['mongodb://127.0.0.1:27017/parley'], description: 'A MongoDB to use, standalone or replica set. Without it the server starts its own, with its data in DATA_DIR.' })),
  MONGOD_BINARY: Type.Optional(Type.String({ minLength: 1, description: 'The mongod program to start. Without it one is looked for on the PATH and in the cache folder, or fetched.' })),
  JWT_SECRET: Type.Optional(Type.String({ minLength: 32, description: 'The key that signs access tokens. Without it one is made and kept in DATA_DIR. Several processes on one MongoDB need the same.' })),
  LOG_LEVEL: Type.Enum(['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'], { default: 'warn', description: 'How much is logged: fatal, error, warn, info, debug, trace or silent.' }),
});

export interface Config {
  host: string;
  port: number;
  publicUrl: string;
  appUrl: string | undefined;
  dataDir: string;
  mongodbUri: string | undefined;
  mongod: Readonly<{ binary: string | undefined; cacheDir: string }>;
  jwtSecret: string | undefined;
  logLevel: Static<typeof Environment>['LOG_LEVEL'];
}

/**
 * The configuration that an environment describes. An empty value counts as absent.
 * @throws StartupError that names every key that is wrong, and why
 */
export function readConfig(env: Record<string, string | undefined>): Readonly<Config> {
  const given: Record<string, unknown> = {};
  for (const key of Object.keys(Environment.properties)) {
    if (env[key]) given[key] = env[key];
  }
  const check = validatorOf(Environment, 'text');
  if (!check(given)) {
    const problems = new Map(toFieldProblems(check.errors ?? []).map(({ field, problem }) => [field, `${field} ${hintFor(field) ?? problem}`]));
    throw new StartupError(`The configuration is wrong: ${[...problems.values()].join('; ')}.`);
  }
  return Object.freeze(toConfig(given as Static<typeof Environment>, env));
}

/** How an address has to look says more than what is wrong with the one given. */
function hintFor(key: string): string | undefined {
  const { examples } = (Environment.properties as Record<string, { examples?: string[] }>)[key] ?? {};
  return examples && `must look like ${examples.join(' or ')}`;
}

/** Where a browser finds the server when nobody says otherwise. */
function addressOf({ HOST, PORT }: Static<typeof Environment>): string {
  const host = HOST === '0.0.0.0' || HOST === '::' ? '127.0.0.1' : HOST;
  return `http://${host.includes(':') ? `[${host}]` : host}:${PORT}`;
}

function toConfig(values: Static<typeof Environment>, env: Record<string, string | undefined>): Config {
  return {
    host: values.HOST,
    port: values.PORT,
    publicUrl: values.PUBLIC_URL ?? addressOf(values),
    appUrl: values.APP_URL,
    dataDir: resolve(values.DATA_DIR),
    mongodbUri: values.MONGODB_URI,
    mongod: Object.freeze({ binary: values.MONGOD_BINARY, cacheDir: join(env['XDG_CACHE_HOME'] || join(homedir(), '.cache'), 'parley') }),
    jwtSecret: values.JWT_SECRET,
    logLevel: values.LOG_LEVEL,
  };
}
