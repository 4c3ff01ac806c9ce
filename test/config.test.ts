/** The environment: what it may say, what follows from it, and the example file that lists it. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { resolve } from 'node:path';
import { test } from 'node:test';
import { parseEnv } from 'node:util';
import type { TSchema } from 'typebox';
import { envExample } from '../scripts/write-docs.ts';
import { Environment, readConfig } from '../src/config.ts';
import { StartupError } from '../src/core/startup.error.ts';

const keys = Object.keys(Environment.properties);
const example = readFileSync('.env.example', 'utf8');

test('.env.example is exactly what `tsx scripts/write-docs.ts` writes', () => {
  assert.equal(example, envExample());
});

test('.env.example lists exactly the keys of the schema, each with a description', () => {
  const listed = [...example.matchAll(/^(?:# )?([A-Z_]+)=/gm)].map((found) => found[1]);
  assert.deepEqual(listed, keys);
  for (const [key, schema] of Object.entries<TSchema & { description?: string }>(Environment.properties)) {
    assert.ok(schema.description && example.includes(`\n# ${schema.description}\n`), `${key} is described`);
  }
});

test('.env.example, taken as it is, says the same as no environment', () => {
  assert.deepEqual(readConfig(parseEnv(example)), readConfig({}));
});

test('without an environment there is a default for everything that is needed', () => {
  const { mongod, ...config } = readConfig({});
  assert.deepEqual(config, {
    host: '127.0.0.1',
    port: 3000,
    publicUrl: 'http://127.0.0.1:3000',
    appUrl: undefined,
    dataDir: resolve('data'),
    mongodbUri: undefined,
    jwtSecret: undefined,
    logLevel: 'warn',
  });
  assert.equal(mongod.binary, undefined);
  assert.equal(mongod.cacheDir, resolve(homedir(), '.cache/parley'));
});

test('every key of the environment is heard', () => {
  const config = readConfig({
    HOST: '0.0.0.0',
    PORT: '8080',
    PUBLIC_URL: 'https://chat.example.org',
    APP_URL: 'https://app.example.org',
    DATA_DIR: '/srv/parley',
    MONGODB_URI: 'mongodb://db.example.org/parley',
    MONGOD_BINARY: '/opt/mongod',
    JWT_SECRET: 'thirty-two characters or more, really',
    LOG_LEVEL: 'debug',
    XDG_CACHE_HOME: '/var/cache',
  });
  assert.deepEqual(config, {
    host: '0.0.0.0',
    port: 8080,
    publicUrl: 'https://chat.example.org',
    appUrl: 'https://app.example.org',
    dataDir: '/srv/parley',
    mongodbUri: 'mongodb://db.example.org/parley',
    mongod: { binary: '/opt/mongod', cacheDir: '/var/cache/parley' },
    jwtSecret: 'thirty-two characters or more, really',
    logLevel: 'debug',
  });
});

test('three mistakes are named at once, in one error', () => {
  assert.throws(
    () => readConfig({ PORT: 'eighty', JWT_SECRET: 'short', LOG_LEVEL: 'loud' }),
    (error) => {
      assert.ok(error instanceof StartupError);
      for (const key of ['PORT', 'JWT_SECRET', 'LOG_LEVEL']) assert.match(error.message, new RegExp(`\\b${key} `));
      assert.equal(error.message.includes('short'), false, 'a secret is not repeated');
      return true;
    },
  );
});

for (const [key, value] of [
  ['PORT', '65536'],
  ['PORT', '-1'],
  ['PORT', '3000.5'],
  ['PUBLIC_URL', 'chat.example.org'],
  ['PUBLIC_URL', 'ftp://chat.example.org'],
  ['APP_URL', 'not a url'],
  ['MONGODB_URI', 'postgres://db.example.org'],
  ['JWT_SECRET', 'x'.repeat(31)],
] as const) {
  test(`${key}=${value} is refused`, () => {
    assert.throws(() => readConfig({ [key]: value }), { name: 'StartupError', message: new RegExp(`^The configuration is wrong: ${key} `) });
  });
}

test('an empty value counts as absent', () => {
  assert.deepEqual(readConfig(Object.fromEntries([...keys, 'XDG_CACHE_HOME'].map((key) => [key, '']))), readConfig({}));
});

test('what Parley does not know in the environment does not matter', () => {
  assert.deepEqual(readConfig({ SHELL: '/bin/sh', port: '1' }), readConfig({}));
});

test('the configuration is frozen, all of it', () => {
  const config = readConfig({});
  assert.ok(Object.isFrozen(config));
  assert.ok(Object.isFrozen(config.mongod));
});

test('the public address follows host and port, with an IPv6 host in brackets', () => {
  assert.equal(readConfig({ HOST: '::1', PORT: '8080' }).publicUrl, 'http://[::1]:8080');
  assert.equal(readConfig({ HOST: 'localhost', PORT: '8080' }).publicUrl, 'http://localhost:8080');
  assert.equal(readConfig({ HOST: '::1', PUBLIC_URL: 'https://chat.example.org' }).publicUrl, 'https://chat.example.org');
});

test('a given environment is left as it was', () => {
  const given = Object.freeze({ PORT: '8080' });
  readConfig(given);
  assert.deepEqual(given, { PORT: '8080' });
});
