/** The codes of the second factor: those of an authenticator app, and those for whoever has lost it. */
import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { hashRecoveryCode, makeRecoveryCodes } from '../../src/features/totp/recovery.codes.ts';
import { findStep, makeSecret, otpauthUri } from '../../src/features/totp/totp.codes.ts';

const base32 = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567';

function toBytes(secret: string): Buffer {
  const bits = Array.from(secret, (letter) => base32.indexOf(letter).toString(2).padStart(5, '0')).join('');
  return Buffer.from((bits.match(/.{8}/g) ?? []).map((byte) => Number.parseInt(byte, 2)));
}

function toBase32(bytes: Buffer): string {
  const bits = Array.from(bytes, (byte) => byte.toString(2).padStart(8, '0')).join('');
  return (bits.match(/.{5}/g) ?? []).map((five) => base32.charAt(Number.parseInt(five, 2))).join('');
}

/** RFC 4226, section 5.3, in our own words. */
function codeAt(secret: string, step: number, digits = 6): string {
  const counter = Buffer.alloc(8);
  counter.writeBigUInt64BE(BigInt(step));
  const hash = createHmac('sha1', toBytes(secret)).update(counter).digest();
  const number = hash.readUInt32BE((hash[19] ?? 0) & 0xf) & 0x7fffffff;
  return String(number).padStart(10, '0').slice(-digits);
}

const rfcSecret = toBase32(Buffer.from('12345678901234567890'));

/** RFC 6238, appendix B, SHA-1: seconds, and the code of eight digits. */
const vectors: [seconds: number, code: string][] = [
  [59, '94287082'],
  [1111111109, '07081804'],
  [1111111111, '14050471'],
  [1234567890, '89005924'],
  [2000000000, '69279037'],
  [20000000000, '65353130'],
];

test('the codes of RFC 6238 are good at their times', () => {
  for (const [seconds, code] of vectors) {
    const step = Math.floor(seconds / 30);
    assert.equal(codeAt(rfcSecret, step, 8), code, 'the test reckons as the RFC does');
    assert.equal(findStep(rfcSecret, code.slice(-6), seconds * 1000), step);
  }
});

test('a code is good for its own step, and one before and after it, and names its step', () => {
  const someTime = fc.integer({ min: 120_000, max: 8_640_000_000_000 });
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 20, maxLength: 20 }), someTime, fc.integer({ min: -4, max: 4 }), (bytes, now, away) => {
      const secret = toBase32(Buffer.from(bytes));
      const present = Math.floor(now / 30_000);
      const code = codeAt(secret, present + away);
      // By chance two steps have the same code: so all that are near are looked at.
      const near = [present, present - 1, present + 1].filter((step) => codeAt(secret, step) === code);
      const found = findStep(secret, code, now);
      assert.ok(near.length === 0 ? found === undefined : near.includes(found ?? -1));
    }),
  );
});

test('the step changes in the very millisecond it should', () => {
  const code = codeAt(rfcSecret, 1000);
  for (const now of [999 * 30_000, 1000 * 30_000, 1002 * 30_000 - 1]) assert.equal(findStep(rfcSecret, code, now), 1000);
  for (const now of [999 * 30_000 - 1, 1002 * 30_000]) assert.equal(findStep(rfcSecret, code, now), undefined);
});

test('what is not six digits is no code', () => {
  const code = codeAt(rfcSecret, 1000);
  for (const wrong of ['', code.slice(1), `${code}0`, `0${code}`, ` ${code}`, 'abcdef', '１２３４５６', codeAt(rfcSecret, 1000, 8)]) {
    assert.equal(findStep(rfcSecret, wrong, 1000 * 30_000), undefined, wrong);
  }
});

test('a secret has 160 bits, in base32, and is never the same', () => {
  const secrets = Array.from({ length: 100 }, makeSecret);
  for (const secret of secrets) assert.match(secret, /^[A-Z2-7]{32}$/);
  assert.equal(new Set(secrets).size, secrets.length);
  assert.equal(findStep(secrets[0] ?? '', codeAt(secrets[0] ?? '', 5), 150_000), 5);
});

test('the link of a secret says what an authenticator app needs, and survives any account name', () => {
  const secret = makeSecret();
  for (const account of ['ann@example.org', 'a b&c=d?e/f:g', 'Анна 👍']) {
    const link = new URL(otpauthUri(secret, { account, issuer: 'Parley' }));
    assert.equal(link.protocol, 'otpauth:');
    assert.equal(link.host, 'totp');
    assert.equal(decodeURIComponent(link.pathname), `/Parley:${account}`);
    assert.deepEqual(Object.fromEntries(link.searchParams), { issuer: 'Parley', secret, algorithm: 'SHA1', digits: '6', period: '30' });
  }
});

test('there are ten recovery codes of 50 bits each, and none is made twice', () => {
  const codes = Array.from({ length: 100 }, makeRecoveryCodes);
  for (const ten of codes) assert.equal(ten.length, 10);
  for (const code of codes.flat()) assert.match(code, /^[0-9a-hjkmnp-tv-z]{5}-[0-9a-hjkmnp-tv-z]{5}$/);
  assert.equal(new Set(codes.flat()).size, 1000);
  assert.equal(new Set(codes.flat().join('').replaceAll('-', '')).size, 32, 'every letter occurs');
});

test('a recovery code is recognised however it is written down', () => {
  const hash = hashRecoveryCode('01abc-defgh');
  for (const written of ['01ABC-DEFGH', '01abcdefgh', ' 01abc defgh\n', '01abc–defgh', 'OIabc-defgh', 'olabc - defgh']) assert.equal(hashRecoveryCode(written), hash, written);
  for (const other of ['01abc-defgj', '01abc-defg', '01abc-defghh', '']) assert.notEqual(hashRecoveryCode(other), hash, other);
});

test('different recovery codes have different hashes', () => {
  const codes = Array.from({ length: 100 }, makeRecoveryCodes).flat();
  assert.equal(new Set(codes.map(hashRecoveryCode)).size, codes.length);
});
