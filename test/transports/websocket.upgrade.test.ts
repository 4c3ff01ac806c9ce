/** Who may open a websocket, where, and how the token gets there. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import { text } from 'node:stream/consumers';
import { test, type TestContext } from 'node:test';
import { SignJWT, UnsecuredJWT } from 'jose';
import { WebSocket } from 'ws';
import { buildTestApp } from '../helpers/app.ts';
import { openSocket, wrap } from '../helpers/socket.ts';
import type { Person } from '../helpers/people.ts';
import { ask, requireAlive, requireError, type Answer } from './ask.ts';

const secret = 'a secret that is only good for tests';
const anId = '0123456789abcdef01234567';

interface Attempt {
  path?: string;
  token?: string;
  protocols?: string[];
}

/** The answer to an upgrade that is refused. */
async function refusal(t: TestContext, url: string, { path = '/ws', token, protocols = [] }: Attempt): Promise<Answer> {
  const webSocket = new WebSocket(`${url.replace('http', 'ws')}${path}`, protocols, token === undefined ? {} : { headers: { authorization: `Bearer ${token}` } });
  t.after(() => webSocket.terminate());
  webSocket.on('error', () => undefined);
  webSocket.on('open', () => webSocket.emit('unexpected-response', undefined, undefined));
  const [, response] = (await once(webSocket, 'unexpected-response')) as [unknown, IncomingMessage | undefined];
  assert.ok(response, `${path} was upgraded`);
  const body = await text(response);
  const headers = new Headers(Object.entries(response.headers).map(([name, value]): [string, string] => [name, String(value)]));
  return { status: response.statusCode ?? 0, headers, type: headers.get('content-type') ?? '', cookies: [], text: body, body: JSON.parse(body) };
}

const sign = (claims: { sub?: string; sid?: string; iss?: string; aud?: string; exp?: string | number }, { key = secret, alg = 'HS256', kid = createHash('sha256').update(secret).digest('hex').slice(0, 16) } = {}): Promise<string> => {
  const { sub = anId, sid = anId, iss = 'parley', aud = 'parley', exp = '5m' } = claims;
  return new SignJWT({ sid }).setProtectedHeader({ alg, kid }).setSubject(sub).setIssuer(iss).setAudience(aud).setIssuedAt().setExpirationTime(exp).sign(new TextEncoder().encode(key));
};

/** Tokens that must open nothing, by what is wrong with them. */
async function badTokens({ id: sub, accessToken, caller: { sessionId: sid }, refreshToken }: Person): Promise<Record<string, string>> {
  const [header = '', claims = '', signature = ''] = accessToken.split('.');
  const edited = Buffer.from(JSON.stringify({ ...(JSON.parse(Buffer.from(claims, 'base64url').toString()) as object), sub: anId })).toString('base64url');
  return {
    garbage: 'garbage',
    'a refresh token': refreshToken,
    expired: await sign({ sub, sid, exp: Math.floor(Date.now() / 1000) - 1 }),
    edited: `${header}.${edited}.${signature}`,
    'without its signature': `${header}.${claims}.`,
    'signed with another key': await sign({ sub, sid }, { key: 'another secret that is just as long as ours' }),
    'signed with another algorithm': await sign({ sub, sid }, { alg: 'HS512', key: secret.repeat(2) }),
    'of another key id': await sign({ sub, sid }, { kid: 'other' }),
    'of another issuer': await sign({ sub, sid, iss: 'other' }),
    'for another audience': await sign({ sub, sid, aud: 'other' }),
    "of somebody else's session": await sign({ sub: anId, sid }),
    'of a session that never was': await sign({ sub, sid: anId }),
    'alg none': new UnsecuredJWT({ sid }).setSubject(sub).setIssuer('parley').setAudience('parley').setIssuedAt().setExpirationTime('5m').encode(),
  };
}

test('the test makes good tokens when nothing is wrong with them', async (t) => {
  const { url, person } = await buildTestApp(t);
  const { id: sub, caller } = await person('Ann');
  await openSocket(t, url, await sign({ sub, sid: caller.sessionId }));
});

test('without a good token an upgrade is answered 401 with the error, and so is a request', async (t) => {
  const { url, person } = await buildTestApp(t);
  const tokens = await badTokens(await person('Ann'));
  requireError(await refusal(t, url, {}), 'UNAUTHENTICATED');
  for (const token of Object.values(tokens)) {
    requireError(await refusal(t, url, { token }), 'UNAUTHENTICATED');
    requireError(await refusal(t, url, { protocols: ['parley', token] }), 'UNAUTHENTICATED');
    requireError(await ask(url, '/user/me', { token }), 'UNAUTHENTICATED');
  }
  await requireAlive(url);
});

test('the token of an ended session opens nothing', async (t) => {
  const { url, person } = await buildTestApp(t);
  const ann = await person('Ann');
  await openSocket(t, url, ann.accessToken);
  await ann.call('auth.logout');
  requireError(await refusal(t, url, { token: ann.accessToken }), 'UNAUTHENTICATED');
  requireError(await refusal(t, url, { protocols: ['parley', ann.accessToken] }), 'UNAUTHENTICATED');
});

test('a token may travel as the second subprotocol; only the first is echoed', async (t) => {
  const { url, person } = await buildTestApp(t);
  const { id, accessToken } = await person('Ann');
  const webSocket = new WebSocket(`${url.replace('http', 'ws')}/ws`, ['parley', accessToken]);
  t.after(() => webSocket.terminate());
  const socket = wrap(webSocket);
  const [response] = (await once(webSocket, 'upgrade')) as [IncomingMessage];
  assert.equal(response.headers['sec-websocket-protocol'], 'parley');
  assert.equal(response.rawHeaders.join('\n').includes(accessToken), false);
  assert.equal((await socket.next('connection.ready')).params['userId'], id);
  assert.equal(webSocket.protocol, 'parley');
});

test('a token under another name, or in the address, is not looked at', async (t) => {
  const { url, person } = await buildTestApp(t);
  const { accessToken } = await person('Ann');
  for (const protocols of [['parley'], [accessToken], [accessToken, 'parley'], ['other', accessToken]]) {
    requireError(await refusal(t, url, { protocols }), 'UNAUTHENTICATED');
  }
  for (const path of [`/ws?token=${accessToken}`, `/ws?access_token=${accessToken}`]) requireError(await refusal(t, url, { path }), 'UNAUTHENTICATED');
});

test('no other path can be upgraded, and /ws is nothing but a websocket', async (t) => {
  const { url, person } = await buildTestApp(t);
  const { accessToken: token } = await person('Ann');
  for (const path of ['/', '/healthz', '/user/me', '/chat', '/openapi.json', '/verify-email', '/ws/', '/ws/x', '/WS', '/nowhere', '/%']) {
    requireError(await refusal(t, url, { path, token }), 'NOT_FOUND', 'BAD_REQUEST');
  }
  requireError(await ask(url, '/ws', { token }), 'NOT_FOUND');
  await requireAlive(url);
});
