/** Names of files: whatever a program gives, what is shown is a name and nothing else. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { toFileName } from '../../src/features/files/file.name.ts';

const cases: [given: string, name: string][] = [
  ['photo.jpg', 'photo.jpg'],
  ['../../etc/passwd', 'passwd'],
  ['C:\\Users\\ann\\photo.jpg', 'photo.jpg'],
  ['..', 'file'],
  ['', 'file'],
  ['a\0b.png', 'a b.png'],
  ['a\r\nSet-Cookie: x.png', 'a Set-Cookie: x.png'],
  ['photo\u202Egpj.exe', 'photogpj.exe'],
  ['תמונה.png', 'תמונה.png'],
  ['e\u0301.txt', '\u00E9.txt'],
  ['\uD800.txt', 'txt'],
  ['.hidden', 'hidden'],
  [`${'x'.repeat(300)}.jpeg`, `${'x'.repeat(145)}.jpeg`],
  [`${'👍'.repeat(300)}.png`, `${'👍'.repeat(146)}.png`],
  [`name.${'x'.repeat(300)}`, `name.${'x'.repeat(145)}`],
];

for (const [given, name] of cases) {
  test(`${JSON.stringify(given.slice(0, 40))} becomes ${JSON.stringify(name.slice(0, 40))}`, () => {
    assert.equal(toFileName(given), name);
  });
}

test('any text becomes a name of one line without a path, of 150 characters at most, and a name stays as it is', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 400 }), (given) => {
      const name = toFileName(given);
      assert.match(name, /^[^\p{Cc}\p{Cs}/\\\u202A-\u202E\u2066-\u2069]+$/u);
      assert.ok(Array.from(name).length <= 150);
      assert.equal(toFileName(name), name);
    }),
  );
});
