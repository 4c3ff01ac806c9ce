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
    corsOrigins: [],
    returnPaths: ['/'],
    trustedProxies: [],
    tls: undefined,
    dataDir: resolve('data'),
    mongodbUri: undefined,
    jwtSecrets: undefined,
    smtpUrl: undefined,
    mailFrom: 'Parley <no-reply@127.0.0.1>',
    google: undefined,
    cloudinaryUrl: undefined,
    fileLimits: { file: 100 * 1024 * 1024, person: 1024 * 1024 * 1024 },
    editWindow: 48 * 3_600_000,
    rateScale: 1,
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
    CORS_ORIGINS: 'https://admin.example.org, https://beta.example.org:8443',
    RETURN_PATHS: '/, /settings',
    TRUSTED_PROXIES: '10.0.0.1,192.168.0.0/16 , ::1',
    TLS_CERT: '/etc/parley/chain.pem',
    TLS_KEY: '/etc/parley/key.pem',
    DATA_DIR: '/srv/parley',
    MONGODB_URI: 'mongodb://db.example.org/parley',
    MONGOD_BINARY: '/opt/mongod',
    JWT_SECRET: 'thirty-two characters or more by now, and another key of such a length',
    SMTP_URL: 'smtps://parley:secret@mail.example.org',
    MAIL_FROM: 'Parley <parley@example.org>',
    GOOGLE_CLIENT_ID: 'parley.example.org',
    GOOGLE_CLIENT_SECRET: 'secret',
    GOOGLE_ISSUER: 'https://id.example.org',
    GOOGLE_AUTHORIZE_URL: 'https://id.example.org/auth',
    GOOGLE_TOKEN_URL: 'https://id.example.org/token',
    GOOGLE_JWKS_URL: 'https://id.example.org/jwks',
    CLOUDINARY_URL: 'cloudinary://key:secret@cloud',
    FILE_LIMIT_MB: '0.5',
    FILE_QUOTA_MB: '2',
    EDIT_HOURS: '1',
    RATE_SCALE: '2.5',
    LOG_LEVEL: 'debug',
    XDG_CACHE_HOME: '/var/cache',
  });
  assert.deepEqual(config, {
    host: '0.0.0.0',
    port: 8080,
    publicUrl: 'https://chat.example.org',
    appUrl: 'https://app.example.org',
    corsOrigins: ['https://admin.example.org', 'https://beta.example.org:8443'],
    returnPaths: ['/', '/settings'],
    trustedProxies: ['10.0.0.1', '192.168.0.0/16', '::1'],
    tls: { cert: '/etc/parley/chain.pem', key: '/etc/parley/key.pem' },
    dataDir: '/srv/parley',
    mongodbUri: 'mongodb://db.example.org/parley',
    mongod: { binary: '/opt/mongod', cacheDir: '/var/cache/parley' },
    jwtSecrets: ['thirty-two characters or more by now', 'and another key of such a length'],
    smtpUrl: 'smtps://parley:secret@mail.example.org',
    mailFrom: 'Parley <parley@example.org>',
    google: {
      clientId: 'parley.example.org',
      clientSecret: 'secret',
      issuer: 'https://id.example.org',
      authorizeUrl: 'https://id.example.org/auth',
      tokenUrl: 'https://id.example.org/token',
      jwksUrl: 'https://id.example.org/jwks',
    },
    cloudinaryUrl: 'cloudinary://key:secret@cloud',
    fileLimits: { file: 512 * 1024, person: 2 * 1024 * 1024 },
    editWindow: 3_600_000,
    rateScale: 2.5,
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
  ['PORT', '0'],
  ['PORT', '3000.5'],
  ['PUBLIC_URL', 'chat.example.org'],
  ['PUBLIC_URL', 'ftp://chat.example.org'],
  ['PUBLIC_URL', 'https://chat.example.org:99999'],
  ['APP_URL', 'not a url'],
  ['APP_URL', 'https://'],
  ['MONGODB_URI', 'postgres://db.example.org'],
  ['JWT_SECRET', 'x'.repeat(31)],
  ['JWT_SECRET', `${'x'.repeat(32)},short`],
  ['JWT_SECRET', ' '.repeat(40)],
  ['JWT_SECRET', `x${' '.repeat(40)}`],
  ['CORS_ORIGINS', 'https://app.example.org/path'],
  ['CORS_ORIGINS', '*'],
  ['CORS_ORIGINS', 'https://app.example.org, https://a:b:c'],
  ['RETURN_PATHS', '//evil.example'],
  ['RETURN_PATHS', '/\\\\evil.example'],
  ['RETURN_PATHS', 'https://evil.example'],
  ['TRUSTED_PROXIES', 'everybody'],
  ['TRUSTED_PROXIES', '10.0.0.1/99'],
  ['TRUSTED_PROXIES', '999.0.0.1'],
  ['TRUSTED_PROXIES', '0.0.0.0/0'],
  ['SMTP_URL', 'http://mail.example.org'],
  ['MAIL_FROM', 'Parley'],
  ['MAIL_FROM', 'Parley <parley@example.org'],
  ['MAIL_FROM', 'Parley parley@example.org'],
  ['GOOGLE_JWKS_URL', 'ftp://id.example.org/jwks'],
  ['EDIT_HOURS', '-1'],
  ['RATE_SCALE', '0'],
] as const) {
  test(`${key}=${value} is refused`, () => {
    assert.throws(() => readConfig({ [key]: value }), { name: 'StartupError', message: new RegExp(`^The configuration is wrong: ${key} `) });
  });
}

test('whoever writes a value of another form is told what it has to look like', () => {
  for (const [key, schema] of Object.entries<TSchema & { pattern?: string; default?: string }>(Environment.properties)) {
    if (schema.pattern !== undefined) assert.throws(() => readConfig({ [key]: '\u0000' }), { message: new RegExp(`${key} must (?:look like|be an address)`) }, key);
  }
});

for (const [present, missing] of [
  ['TLS_CERT', 'TLS_KEY'],
  ['TLS_KEY', 'TLS_CERT'],
  ['GOOGLE_CLIENT_ID', 'GOOGLE_CLIENT_SECRET'],
  ['GOOGLE_CLIENT_SECRET', 'GOOGLE_CLIENT_ID'],
] as const) {
  test(`${present} without ${missing} is refused`, () => {
    assert.throws(() => readConfig({ [present]: 'x' }), { name: 'StartupError', message: `The configuration is wrong: ${missing} is missing: ${present} makes no sense without it.` });
  });
}

test('with a certificate the public address is one of HTTPS', () => {
  assert.equal(readConfig({ TLS_CERT: 'cert.pem', TLS_KEY: 'key.pem' }).publicUrl, 'https://127.0.0.1:3000');
});

test('a slash at the end of an address is none', () => {
  const { publicUrl, appUrl } = readConfig({ PUBLIC_URL: 'https://example.org/chat/', APP_URL: 'https://app.example.org/' });
  assert.deepEqual([publicUrl, appUrl], ['https://example.org/chat', 'https://app.example.org']);
});

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
