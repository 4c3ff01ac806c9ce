/** ID tokens that nobody may sign in with: what an attacker can make, find or bend, by what is wrong with them. */
import { createHmac, generateKeyPairSync, sign } from 'node:crypto';
import type { Issuer, IssuerAccount } from './issuer.ts';

/** Each says it is the account. */
export function forgeries(issuer: Issuer, account: IssuerAccount): Record<string, string> {
  return { ...wrongSignatures(issuer, account), ...wrongClaims(issuer, account), ...bent(issuer, account) };
}

function wrongSignatures(issuer: Issuer, account: IssuerAccount): Record<string, string> {
  const stranger = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const byStranger = (input: string): Buffer => sign('sha256', Buffer.from(input), stranger.privateKey);
  const hmac = (secret: string | Buffer) => (input: string): Buffer => createHmac('sha256', secret).update(input).digest();
  const make = (header: object, signWith?: (input: string) => Buffer): string => issuer.credential(account, {}, { header, ...(signWith && { sign: signWith }) });
  const nothing = (): Buffer => Buffer.alloc(0);
  const { publicKey } = issuer;
  return {
    'alg none': make({ alg: 'none' }, nothing),
    'alg None': make({ alg: 'None' }, nothing),
    'alg none with a good signature': make({ alg: 'none' }),
    'alg empty': make({ alg: '' }, nothing),
    'no alg': make({ alg: undefined }),
    'HS256 with the public key as PEM': make({ alg: 'HS256' }, hmac(publicKey.export({ type: 'spki', format: 'pem' }))),
    'HS256 with the public key as DER': make({ alg: 'HS256' }, hmac(publicKey.export({ type: 'spki', format: 'der' }))),
    'HS256 with the public key as JWK': make({ alg: 'HS256' }, hmac(JSON.stringify(publicKey.export({ format: 'jwk' })))),
    'HS256 with the client secret': make({ alg: 'HS256', kid: undefined }, hmac(issuer.clientSecret)),
    'a stranger\'s key under the issuer\'s name': make({}, byStranger),
    'a stranger\'s key under its own name': make({ kid: 'stranger' }, byStranger),
    'a stranger\'s key without a name': make({ kid: undefined }, byStranger),
    'a stranger\'s key brought along': make({ kid: undefined, jwk: stranger.publicKey.export({ format: 'jwk' }) }, byStranger),
    'a stranger\'s key somewhere else': make({ jku: 'https://attacker.example/jwks', x5u: 'https://attacker.example/x509' }, byStranger),
    'the issuer\'s key under a wrong name': make({ kid: 'wrong' }),
    'the name of a key that leads elsewhere': make({ kid: '../../dev/null' }),
    'an extension that must be understood': make({ crit: ['x'], x: true }),
    'no signature': make({}, nothing),
  };
}

function wrongClaims(issuer: Issuer, account: IssuerAccount): Record<string, string> {
  const now = Math.floor(Date.now() / 1000);
  const make = (claims: Record<string, unknown>): string => issuer.credential(account, claims);
  return {
    'expired': make({ iat: now - 3700, exp: now - 100 }),
    'expires never': make({ exp: undefined }),
    'expires, says a text': make({ exp: String(now + 3600) }),
    'good for a day': make({ iat: now - 3700, exp: now + 86_400 }),
    'made in the future': make({ iat: now + 600, exp: now + 3600 }),
    'made at no time': make({ iat: undefined }),
    'not good yet': make({ nbf: now + 600 }),
    'another issuer': make({ iss: 'https://attacker.example' }),
    'another issuer that begins alike': make({ iss: `${issuer.url}.attacker.example` }),
    'Google, where that is not the issuer': make({ iss: 'accounts.google.com' }),
    'no issuer': make({ iss: undefined }),
    'another audience': make({ aud: 'another.apps.example', azp: 'another.apps.example' }),
    'another audience, asked for by us': make({ aud: 'another.apps.example' }),
    'an audience that begins alike': make({ aud: `${issuer.clientId}.attacker.example` }),
    'us among others, asked for by another': make({ aud: [issuer.clientId, 'another.apps.example'], azp: 'another.apps.example' }),
    'us among others, asked for by nobody': make({ aud: [issuer.clientId, 'another.apps.example'], azp: undefined }),
    'an empty audience': make({ aud: [] }),
    'no audience': make({ aud: undefined }),
    'nobody': make({ sub: undefined }),
    'somebody empty': make({ sub: '' }),
    'somebody who is a number': make({ sub: 1 }),
    'somebody who is a query': make({ sub: { $ne: null } }),
    'somebody endless': make({ sub: '1'.repeat(256) }),
    'no e-mail address': make({ email: undefined }),
    'no real e-mail address': make({ email: 'ann' }),
    'several e-mail addresses': make({ email: [account.email, 'ann@attacker.example'] }),
  };
}

/** What becomes of a good token when it is changed on the way. */
function bent(issuer: Issuer, account: IssuerAccount): Record<string, string> {
  const [header = '', payload = '', signature = ''] = issuer.credential({ ...account, sub: '1', email: 'attacker@example.org' }).split('.');
  const [, wanted = ''] = issuer.credential(account).split('.');
  return {
    'an edited payload': `${header}.${wanted}.${signature}`,
    'another spelling of the signature': `${header}.${payload}.${respell(signature)}`,
    'a signature with a gap': `${header}.${payload}.${signature.slice(0, 9)} ${signature.slice(9)}`,
    'half a signature': `${header}.${payload}.${signature.slice(0, signature.length / 2)}`,
    'a signature too much': `${header}.${payload}.${signature}.${signature}`,
    'two parts': `${header}.${payload}`,
    'five parts': `${header}.${payload}.${signature}.${payload}.${signature}`,
    'an empty payload': `${header}..${signature}`,
    'a payload that is no JSON': `${header}.${Buffer.from('Ann').toString('base64url')}.${signature}`,
    'no token': 'Ann',
    'nothing': '',
  };
}

/** The same bytes: the last of 342 characters has four bits that say nothing. */
function respell(signature: string): string {
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
  return signature.slice(0, -1) + (alphabet[alphabet.indexOf(signature.slice(-1)) + 1] ?? '');
}
