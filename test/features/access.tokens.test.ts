/** Access tokens that nobody gets in with: forged, bent, borrowed or out of date, tried at a whole server over both wires. */
import assert from 'node:assert/strict';
import { generateKeyPairSync, sign } from 'node:crypto';
import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import { test, type TestContext } from 'node:test';
import { WebSocket } from 'ws';
import { buildTestApp, connect, type TestApp } from '../helpers/app.ts';
import { compact, decode, encode, hmac, kidOf, respellings, testSecret, type Sign } from '../helpers/jwt.ts';
import { guest, type Output, type Person } from '../helpers/people.ts';
import { openSocket, type RpcError } from '../helpers/socket.ts';
import { ask, requireError } from '../transports/ask.ts';

/** Over HTTP; a token that no header can carry is tried where it can be sent. */
async function requireRefusedByRest({ url }: TestApp, token: string): Promise<void> {
  requireError(await ask(url, '/user/me', { headers: { authorization: `Bearer ${token}` } }), 'UNAUTHENTICATED');
}

/** Also as the subprotocol of a browser, before the 101. */
async function requireRefusedByUpgrade({ url }: TestApp, token: string): Promise<void> {
  const address = `${url.replace('http', 'ws')}/ws`;
  const isName = /^[\w.~!#$%&'*+^`|-]+$/.test(token);
  const sockets = [new WebSocket(address, { headers: { authorization: `Bearer ${token}` } }), ...(isName && token !== 'parley' ? [new WebSocket(address, ['parley', token])] : [])];
  const refusals = await Promise.all(sockets.map((socket) => once(socket, 'unexpected-response')));
  for (const [, response] of refusals as [unknown, IncomingMessage][]) assert.equal(response.statusCode, 401);
  // Whoever listens to the refusal has to hang up.
  for (const socket of sockets) socket.on('error', () => undefined).terminate();
}

/** In the place of a new token for a connection. */
async function requireRefusedByRenew(t: TestContext, app: TestApp, { accessToken }: Person, token: string): Promise<void> {
  const socket = await openSocket(t, app.url, accessToken);
  await assert.rejects(socket.call('auth.renew', { accessToken: token }), ({ data }: RpcError) => data?.code === 'UNAUTHENTICATED' || data?.code === 'VALIDATION_FAILED');
  socket.webSocket.terminate();
}

async function requireUseless(t: TestContext, app: TestApp, token: string): Promise<void> {
  const bystander = await app.person('Bob');
  await requireRefusedByRest(app, token);
  await requireRefusedByUpgrade(app, token);
  await requireRefusedByRenew(t, app, bystander, token);
}

interface Making {
  header: (changes: object, signWith?: Sign) => string;
  claims: (changes: object) => string;
}

/** Tokens of Ann's session, with the right key, that differ in what is given. A part given as undefined is left out. */
function making({ accessToken }: Person): Making {
  const header = decode(accessToken, 0);
  const payload = decode(accessToken, 1);
  return {
    header: (changes, signWith = hmac(testSecret)) => compact({ ...header, ...changes }, payload, signWith),
    claims: (changes) => compact(header, { ...payload, ...changes }, hmac(testSecret)),
  };
}

const nothing: Sign = () => Buffer.alloc(0);

function wrongKeys({ header }: Making): Record<string, string> {
  const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const elliptic = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const edwards = generateKeyPairSync('ed25519');
  const stranger = 'the secret of somebody else entirely';
  return {
    'alg none': header({ alg: 'none' }, nothing),
    'alg None': header({ alg: 'None' }, nothing),
    'alg NONE': header({ alg: 'NONE' }, nothing),
    'alg none and a good signature': header({ alg: 'none' }),
    'alg none and no kid': header({ alg: 'none', kid: undefined }, nothing),
    'an empty alg': header({ alg: '' }),
    'no alg': header({ alg: undefined }),
    'several algs': header({ alg: ['HS256'] }),
    'alg hs256': header({ alg: 'hs256' }),
    'RS256 under the name of our key': header({ alg: 'RS256' }, (input) => sign('sha256', Buffer.from(input), rsa.privateKey)),
    'ES256 under the name of our key': header({ alg: 'ES256' }, (input) => sign('sha256', Buffer.from(input), { key: elliptic.privateKey, dsaEncoding: 'ieee-p1363' })),
    'EdDSA under the name of our key': header({ alg: 'EdDSA' }, (input) => sign(null, Buffer.from(input), edwards.privateKey)),
    'RS256 in the header and an HMAC with our key': header({ alg: 'RS256' }),
    'an HMAC with a public key': header({}, hmac(rsa.publicKey.export({ type: 'spki', format: 'pem' }))),
    'HS384 with our key': header({ alg: 'HS384' }, hmac(testSecret, 'sha384')),
    'HS512 with our key': header({ alg: 'HS512' }, hmac(testSecret, 'sha512')),
    'HS256 in the header and an HMAC by SHA-512': header({}, hmac(testSecret, 'sha512')),
    'a wrong kid': header({ kid: kidOf(stranger) }),
    'a stranger\'s key under its own kid': header({ kid: kidOf(stranger) }, hmac(stranger)),
    'a stranger\'s key under our kid': header({}, hmac(stranger)),
    'no kid': header({ kid: undefined }),
    'an empty kid': header({ kid: '' }),
    'a kid that is null': header({ kid: null }),
    'a kid that is a list with ours': header({ kid: [kidOf(testSecret)] }),
    'a kid that leads to a file': header({ kid: '../../../dev/null' }, hmac('')),
    'a kid that is a query': header({ kid: { $ne: null } }),
    'our kid with a blank': header({ kid: `${kidOf(testSecret)} ` }),
    'an empty key': header({}, hmac('')),
    'the kid as the key': header({}, hmac(kidOf(testSecret))),
    'a key brought along': header({ kid: undefined, jwk: { kty: 'oct', k: Buffer.from(stranger).toString('base64url') } }, hmac(stranger)),
    'a key somewhere else': header({ jku: 'https://attacker.example/jwks', x5u: 'https://attacker.example/x509' }, hmac(stranger)),
    'an extension that must be understood': header({ crit: ['x'], x: true }),
    'a payload that is not encoded (RFC 7797)': header({ crit: ['b64'], b64: false }),
    'no signature': header({}, nothing),
    'half a signature': header({}, (input) => hmac(testSecret)(input).subarray(0, 16)),
    'a signature and more': header({}, (input) => Buffer.concat([hmac(testSecret)(input), Buffer.alloc(1)])),
  };
}

function wrongClaims({ claims }: Making, other: Person): Record<string, string> {
  const now = Math.floor(Date.now() / 1000);
  return {
    'expired': claims({ exp: now - 1 }),
    'expired long ago': claims({ iat: 0, exp: 1 }),
    'expires never': claims({ exp: undefined }),
    'expires, says a text': claims({ exp: String(now + 900) }),
    'expires at null': claims({ exp: null }),
    'expires at no number': claims({ exp: {} }),
    'not yet valid': claims({ nbf: now + 600 }),
    'valid from, says a text': claims({ nbf: 'now' }),
    'another issuer': claims({ iss: 'https://accounts.google.com' }),
    'an issuer that begins alike': claims({ iss: 'parley.attacker.example' }),
    'several issuers': claims({ iss: ['parley'] }),
    'no issuer': claims({ iss: undefined }),
    'another audience': claims({ aud: 'other' }),
    'an audience that begins alike': claims({ aud: 'parley.attacker.example' }),
    'other audiences': claims({ aud: ['other', 'another'] }),
    'no audience': claims({ aud: undefined }),
    'nobody': claims({ sub: undefined }),
    'somebody else in my session': claims({ sub: other.id }),
    'me in somebody else\'s session': claims({ sid: other.caller.sessionId }),
    'no session': claims({ sid: undefined }),
    'an empty session': claims({ sid: '' }),
    'a session that is none': claims({ sid: 'x' }),
    'a session that is a query': claims({ sid: { $ne: null } }),
    'several sessions': claims({ sid: [other.caller.sessionId] }),
    'a session that never was': claims({ sid: 'f'.repeat(24) }),
  };
}

/** What becomes of a good token when it is changed on the way. */
function bent({ accessToken }: Person, other: Person): Record<string, string> {
  const [header = '', payload = '', signature = ''] = accessToken.split('.');
  const asOther = encode({ ...decode(accessToken, 1), sub: other.id, sid: other.caller.sessionId });
  const forLonger = encode({ ...decode(accessToken, 1), exp: Math.floor(Date.now() / 1000) + 86_400 });
  return {
    'an edited payload: somebody else': `${header}.${asOther}.${signature}`,
    'an edited payload: for longer': `${header}.${forLonger}.${signature}`,
    'an edited header': `${encode({ ...decode(accessToken, 0), typ: 'JWT' })}.${payload}.${signature}`,
    'another order in the header': `${encode(Object.fromEntries(Object.entries(decode(accessToken, 0)).reverse()))}.${payload}.${signature}`,
    'the payload of another token of mine': `${header}.${other.accessToken.split('.')[1] ?? ''}.${signature}`,
    ...Object.fromEntries(respellings(accessToken).map((token, index) => [`the same signature in another spelling (${index + 1})`, token])),
    'a signature with padding': `${accessToken}=`,
    'a signature with what decoders overlook': `${header}.${payload}.${signature.slice(0, 20)}*${signature.slice(20)}`,
    'a payload with padding': `${header}.${payload}==.${signature}`,
    'a fourth part': `${accessToken}.`,
    'five parts': `${header}..${payload}.${signature}.${signature}`,
    'two parts': `${header}.${payload}`,
    'dots alone': '..',
    'one word': 'parley',
    'a payload that is no JSON': `${header}.${Buffer.from('Ann').toString('base64url')}.${signature}`,
    'nested brackets without end': `${Buffer.from('['.repeat(2000)).toString('base64url')}.${payload}.${signature}`,
  };
}

test('a token made by hand like one of ours is good: what the others lack is what they are refused for', async (t) => {
  const app = await buildTestApp(t);
  const ann = await app.person('Ann');
  const { claims } = making(ann);
  for (const token of [ann.accessToken, claims({}), claims({ nbf: 0 }), claims({ aud: ['parley', 'other'] })]) {
    assert.equal((await ask(app.url, '/user/me', { token })).status, 200);
    await openSocket(t, app.url, token);
  }
});

test('no forgery gets anybody in', async (t) => {
  const app = await buildTestApp(t);
  const [ann, other] = await Promise.all([app.person('Ann'), app.person('Mallory')]);
  const made = making(ann);
  const forgeries = { ...wrongKeys(made), ...wrongClaims(made, other), ...bent(ann, other) };
  for (const [what, token] of Object.entries(forgeries)) await t.test(`refused: ${what}`, async (t) => requireUseless(t, app, token));
});

test('a token of a session that was ended is refused', async (t) => {
  const app = await buildTestApp(t);
  const ann = await app.person('Ann');
  await ann.call('auth.logout');
  await requireUseless(t, app, ann.accessToken);
});

test('a token of an account that was removed is refused', async (t) => {
  const app = await buildTestApp(t);
  const ann = await app.person('Ann');
  await ann.call('account.remove', { password: ann.password });
  await requireUseless(t, app, ann.accessToken);
});

test('a token of a session that was not used for 30 days is refused', async (t) => {
  const app = await buildTestApp(t);
  const ann = await app.person('Ann');
  const { accessToken } = (await app.dispatch.call('auth.login', guest, { email: ann.email, password: ann.password })) as Output<'auth.login'>;
  await (await connect(t, app.mongodbUri)).collection('sessions').updateMany({}, { $set: { expiresAt: new Date(Date.now() - 1) } });
  await requireUseless(t, app, accessToken);
});

test('who was authenticated a moment ago stands no more once the token has run out, or the session has ended', async (t) => {
  const { person, services: { sessions } } = await buildTestApp(t);
  const { caller, call } = await person('Ann');
  assert.equal(await sessions.stands(caller), true);
  assert.equal(await sessions.stands({ ...caller, expiresAt: new Date() }), false);
  await call('auth.logout');
  assert.equal(await sessions.stands(caller), false);
});

test('a refresh token is no access token', async (t) => {
  const app = await buildTestApp(t);
  const { refreshToken } = await app.person('Ann');
  await requireUseless(t, app, refreshToken);
  const headers = { cookie: `refreshToken=${refreshToken}` };
  requireError(await ask(app.url, '/user/me', { headers }), 'UNAUTHENTICATED');
});

test('an access token is no refresh token, in the body or in the cookie', async (t) => {
  const app = await buildTestApp(t);
  const { accessToken, refreshToken } = await app.person('Ann');
  requireError(await ask(app.url, '/auth/refresh', { method: 'POST', json: { refreshToken: accessToken.slice(0, 200) } }), 'SESSION_ENDED');
  requireError(await ask(app.url, '/auth/refresh', { method: 'POST', json: {}, headers: { cookie: `refreshToken=${accessToken}` } }), 'SESSION_ENDED', 'VALIDATION_FAILED');
  requireError(await ask(app.url, '/auth/refresh', { method: 'POST', json: {}, token: accessToken }), 'SESSION_ENDED');
  assert.equal((await ask(app.url, '/auth/refresh', { method: 'POST', json: { refreshToken } })).status, 200);
});

test('a token counts in its own place alone: not in the address, not under another scheme', async (t) => {
  const app = await buildTestApp(t);
  const { accessToken } = await app.person('Ann');
  requireError(await ask(app.url, `/auth/session?access_token=${accessToken}`), 'UNAUTHENTICATED', 'VALIDATION_FAILED');
  for (const headers of [{ authorization: accessToken }, { authorization: `Basic ${accessToken}` }, { authorization: `Token ${accessToken}` }, { 'x-access-token': accessToken }, { cookie: `accessToken=${accessToken}` }]) {
    requireError(await ask(app.url, '/user/me', { headers }), 'UNAUTHENTICATED');
  }
});

test('an access token is good for a quarter of an hour, and says nothing but who, which session and how long', async (t) => {
  const { accessToken, id, caller } = await (await buildTestApp(t)).person('Ann');
  const { iat, exp, ...claims } = decode(accessToken, 1);
  assert.equal(Number(exp) - Number(iat), 15 * 60);
  assert.deepEqual(claims, { sub: id, sid: caller.sessionId, iss: 'parley', aud: 'parley' });
  assert.deepEqual(decode(accessToken, 0), { alg: 'HS256', kid: kidOf(testSecret) });
});
