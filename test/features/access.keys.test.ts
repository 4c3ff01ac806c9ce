/** The keys of access tokens: replaced one after the other, with nobody logged out. */
import assert from 'node:assert/strict';
import { mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { buildTestApp, freshDatabase, type TestApp } from '../helpers/app.ts';
import { decode, kidOf } from '../helpers/jwt.ts';
import { guest, type Output } from '../helpers/people.ts';
import { openSocket } from '../helpers/socket.ts';
import { ask, requireError } from '../transports/ask.ts';

const oldKey = 'the key that has signed until today';
const newKey = 'the key that will sign from tomorrow';

type Tokens = Output<'auth.refresh'>;

const refresh = async ({ dispatch }: TestApp, refreshToken: string | undefined): Promise<Tokens> => (await dispatch.call('auth.refresh', guest, { refreshToken })) as Tokens;

const kidIn = ({ accessToken }: Tokens): unknown => decode(accessToken, 0)['kid'];

/** The token is good for requests, for a new socket, and for one that is open. */
async function requireGood(t: TestContext, { url }: TestApp, { accessToken }: Tokens): Promise<void> {
  assert.equal((await ask(url, '/user/me', { token: accessToken })).status, 200);
  await (await openSocket(t, url, accessToken)).call('auth.renew', { accessToken });
}

const requireRefused = async ({ url }: TestApp, { accessToken }: Tokens): Promise<unknown> => requireError(await ask(url, '/user/me', { token: accessToken }), 'UNAUTHENTICATED');

test('a key is replaced in steps, and the tokens of each step are good in the one before and the one after', async (t) => {
  const mongodbUri = freshDatabase(t);
  const start = (secrets: string): Promise<TestApp> => buildTestApp(t, { mongodbUri, env: { JWT_SECRET: secrets } });
  const [before, first, second, after] = await Promise.all([start(oldKey), start(`${oldKey},${newKey}`), start(`${newKey}, ${oldKey}`), start(newKey)]);
  const ann = await before.person('Ann');

  // She refreshes once at each step, as everybody does within a quarter of an hour.
  const atFirst = await refresh(first, ann.refreshToken);
  const atSecond = await refresh(second, atFirst.refreshToken);
  const atLast = await refresh(after, atSecond.refreshToken);
  const atStart = { accessToken: ann.accessToken, expiresIn: 900 };
  assert.deepEqual([atStart, atFirst, atSecond, atLast].map(kidIn), [oldKey, oldKey, newKey, newKey].map(kidOf));

  for (const [app, good] of [[before, [atStart, atFirst]], [first, [atStart, atFirst, atSecond, atLast]], [second, [atStart, atFirst, atSecond, atLast]], [after, [atSecond, atLast]]] as const) {
    for (const tokens of good) await requireGood(t, app, tokens);
  }
  for (const tokens of [atStart, atFirst]) await requireRefused(after, tokens);
  for (const tokens of [atSecond, atLast]) await requireRefused(before, tokens);
});

test('a single process changes its key in two steps: the new one in front, and later alone', async (t) => {
  const mongodbUri = freshDatabase(t);
  const before = await buildTestApp(t, { mongodbUri, env: { JWT_SECRET: oldKey } });
  const ann = await before.person('Ann');
  await before.close();
  const between = await buildTestApp(t, { mongodbUri, env: { JWT_SECRET: `${newKey},${oldKey}` } });
  await requireGood(t, between, { accessToken: ann.accessToken, expiresIn: 900 });
  const next = await refresh(between, ann.refreshToken);
  await between.close();
  const after = await buildTestApp(t, { mongodbUri, env: { JWT_SECRET: newKey } });
  await requireGood(t, after, next);
});

test('whoever was away while the key changed signs in no anew: the refresh token has nothing to do with it', async (t) => {
  const mongodbUri = freshDatabase(t);
  const before = await buildTestApp(t, { mongodbUri, env: { JWT_SECRET: oldKey } });
  const { accessToken, refreshToken } = await before.person('Ann');
  const after = await buildTestApp(t, { mongodbUri, env: { JWT_SECRET: newKey } });
  await requireRefused(after, { accessToken, expiresIn: 900 });
  await requireGood(t, after, await refresh(after, refreshToken));
});

test('of the keys in DATA_DIR/jwt-secret the first line signs, and all verify', async (t) => {
  const mongodbUri = freshDatabase(t);
  const dataDir = await mkdtemp(join(tmpdir(), 'parley-keys-'));
  await writeFile(join(dataDir, 'jwt-secret'), `${newKey}\n${oldKey}\n`);
  const before = await buildTestApp(t, { mongodbUri, env: { JWT_SECRET: oldKey } });
  const app = await buildTestApp(t, { mongodbUri, env: { JWT_SECRET: '', DATA_DIR: dataDir } });
  t.after(() => rm(dataDir, { recursive: true }));
  const ann = await before.person('Ann');
  await requireGood(t, app, { accessToken: ann.accessToken, expiresIn: 900 });
  const next = await refresh(app, ann.refreshToken);
  assert.equal(kidIn(next), kidOf(newKey));
  await requireGood(t, app, next);
});

test('a key that the server makes itself is long, private to its owner, and there after a restart', async (t) => {
  const mongodbUri = freshDatabase(t);
  const dataDir = await mkdtemp(join(tmpdir(), 'parley-keys-'));
  const env = { JWT_SECRET: '', DATA_DIR: dataDir };
  const before = await buildTestApp(t, { mongodbUri, env });
  const { accessToken } = await before.person('Ann');
  await before.close();
  const after = await buildTestApp(t, { mongodbUri, env });
  t.after(() => rm(dataDir, { recursive: true }));
  await requireGood(t, after, { accessToken, expiresIn: 900 });
  const { mode, size } = await stat(join(dataDir, 'jwt-secret'));
  assert.equal(mode & 0o777, 0o600);
  assert.ok(size >= 64);
});
