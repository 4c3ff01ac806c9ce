/** The names of devices: right for those that people have, harmless for those that attackers make up. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { deviceOf } from '../../src/core/device.ts';

const webkit = 'AppleWebKit/537.36 (KHTML, like Gecko)';
const apple = 'AppleWebKit/605.1.15 (KHTML, like Gecko)';
const windows = 'Mozilla/5.0 (Windows NT 10.0; Win64; x64)';
const linux = 'Mozilla/5.0 (X11; Linux x86_64)';
const mac = 'Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7)';
const iphone = 'Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X)';

/** What browsers and apps of 2025 say, and what they are. */
const real: Record<string, string> = {
  'Mozilla/5.0 (X11; Linux x86_64; rv:133.0) Gecko/20100101 Firefox/133.0': 'Firefox on Linux',
  'Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:133.0) Gecko/20100101 Firefox/133.0': 'Firefox on Windows',
  [`${windows} ${webkit} Chrome/131.0.0.0 Safari/537.36`]: 'Chrome on Windows',
  [`${mac} ${webkit} Chrome/131.0.0.0 Safari/537.36`]: 'Chrome on macOS',
  [`Mozilla/5.0 (X11; CrOS x86_64 14541.0.0) ${webkit} Chrome/131.0.0.0 Safari/537.36`]: 'Chrome on Chrome OS',
  [`Mozilla/5.0 (Linux; Android 10; K) ${webkit} Chrome/131.0.0.0 Mobile Safari/537.36`]: 'Chrome on Android',
  [`${mac} ${apple} Version/18.1 Safari/605.1.15`]: 'Safari on macOS',
  [`${iphone} ${apple} Version/18.1 Mobile/15E148 Safari/604.1`]: 'Safari on iOS',
  [`${iphone} ${apple} CriOS/131.0.6778.73 Mobile/15E148 Safari/604.1`]: 'Chrome on iOS',
  [`${iphone} ${apple} FxiOS/133.0 Mobile/15E148 Safari/605.1.15`]: 'Firefox on iOS',
  [`${windows} ${webkit} Chrome/131.0.0.0 Safari/537.36 Edg/131.0.2903.70`]: 'Microsoft Edge on Windows',
  [`${windows} ${webkit} Chrome/130.0.0.0 Safari/537.36 OPR/115.0.0.0`]: 'Opera on Windows',
  [`${windows} ${webkit} Chrome/128.0.0.0 YaBrowser/24.10.0.0 Safari/537.36`]: 'Yandex Browser on Windows',
  [`${linux} ${webkit} Chrome/130.0.0.0 Safari/537.36 Vivaldi/7.0.3495.14`]: 'Vivaldi on Linux',
  'curl/8.5.0': 'curl/8.5.0',
  'okhttp/4.12.0': 'okhttp/4.12.0',
};

for (const [userAgent, device] of Object.entries(real)) {
  test(`${userAgent} is ${device}`, () => assert.equal(deviceOf(userAgent), device));
}

const hostile: Record<string, string> = {
  'nothing': '',
  'blanks': '   \t ',
  'control characters alone': '\u0000\u0007\u001b\u0080\u009f',
  'control characters in the name of a browser': 'Fire\u001b[31mfox\u0000\r\nBcc: ann@example.org/1.0 (Linux)',
  'text that turns round': 'abc\u202edef/1.0 (Linux)',
  'HTML': '<img src=x onerror=alert(1)>/1.0 (Windows NT 10.0)',
  'a link': 'Sign in at https://attacker.example/x/1.0 (Windows NT 10.0)',
  'a link and no browser': 'https://attacker.example',
  'a name that mail programs make a link of': 'www.attacker.example/login now',
  'a placeholder of a mail': '{link} {device}',
  'half a character': '\ud83d'.repeat(70),
  'characters of two halves': '𝒜'.repeat(299),
  '10 KB': 'A'.repeat(10_240),
  '10 KB of a browser': `${'A'.repeat(10_240)}/1.0 (Linux)`,
};

/** Something to read that fits in a line and leads nowhere. */
function requireHarmless(device: string): void {
  assert.match(device, /^[\p{L}\p{N} ().,;+_/-]{1,60}$/u);
  assert.doesNotMatch(device, /\/\/|\.\p{L}/u);
}

for (const [what, userAgent] of Object.entries(hostile)) {
  test(`a device that says ${what} has a harmless name`, () => requireHarmless(deviceOf(userAgent)));
}

test('whatever a device says, its name is harmless, and the same each time', () => {
  const part = fc.oneof(fc.string({ unit: 'binary' }), fc.constantFrom('Mozilla/5.0 ', 'Chrome/131 ', '(Linux; ', 'Version/1 ', 'Safari/', 'Android ', '//'));
  fc.assert(
    fc.property(fc.array(part, { maxLength: 30 }), (parts) => {
      requireHarmless(deviceOf(parts.join('')));
      assert.equal(deviceOf(parts.join('')), deviceOf(parts.join('')));
    }),
  );
});

test('what comes after the first 300 characters is not looked at', () => {
  const [userAgent = '', device] = Object.entries(real)[2] ?? [];
  assert.equal(deviceOf(`${userAgent} Edg/131.0`), 'Microsoft Edge on Windows');
  assert.equal(deviceOf(`${userAgent}${' '.repeat(300)} Edg/131.0`), device);
});

test('texts of 100 KB and more, made to keep patterns busy, are named as well', () => {
  const pieces = [' ', '/', ' /', '(', ')', '0', '1.', '; ', 'a/', 'Version/', 'Android ', 'Mozilla/5.0 (', 'Windows NT ', '_1', 'Mac OS X '];
  for (const piece of pieces) {
    for (const start of pieces) requireHarmless(deviceOf(`${start}${piece.repeat(100_000)}!`));
  }
});
