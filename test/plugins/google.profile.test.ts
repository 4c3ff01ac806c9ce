/** What Google says about people becomes what people can be here. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { strictObject } from '../../src/core/schemas.ts';
import { validate } from '../../src/core/validate.ts';
import { FirstName, LastName } from '../../src/features/users/users.contract.ts';
import { toProfile } from '../../src/plugins/google/profile.ts';

const firstNames = strictObject({ name: FirstName });
const lastNames = strictObject({ name: LastName });

const profileOf = (claims: Record<string, unknown>) => toProfile({ sub: '1', email: 'ann@example.org', iat: 1_800_000_000, ...claims });
function namesOf(claims: Record<string, unknown>): string[] {
  const { firstName, lastName } = profileOf(claims);
  return lastName === undefined ? [firstName] : [firstName, lastName];
}

/** The contract takes the names as they are. */
function requireFitting(claims: Record<string, unknown>): void {
  const { firstName, lastName } = profileOf(claims);
  assert.deepEqual(validate(firstNames, { name: firstName }), { name: firstName });
  if (lastName !== undefined) assert.deepEqual(validate(lastNames, { name: lastName }), { name: lastName });
}

test('names are those that Google has', () => {
  assert.deepEqual(namesOf({ given_name: 'Ann', family_name: 'Lee', name: 'Ann Lee' }), ['Ann', 'Lee']);
  assert.deepEqual(namesOf({ given_name: 'Ann', name: 'Ann' }), ['Ann']);
  assert.deepEqual(namesOf({ name: 'Ann Lee' }), ['Ann Lee']);
  assert.deepEqual(namesOf({ name: 'Ann Lee', family_name: 'Lee' }), ['Ann Lee']);
  assert.deepEqual(namesOf({ family_name: 'Lee' }), ['Lee']);
});

test('who has no name does not get the address for one', () => {
  for (const nothing of [{}, { given_name: '', name: ' ' }, { given_name: '\u200b', name: '\u0000', family_name: '\ud800' }, { given_name: '\u3164', name: '\u2800', family_name: '\uffa0' }, { given_name: 5, family_name: ['Lee'], name: null }]) {
    assert.deepEqual(namesOf(nothing), ['Someone']);
  }
});

test('names become one line of whole characters', () => {
  assert.deepEqual(namesOf({ given_name: '  Ann\u0000\n\tMary\u2028 ', family_name: 'Le\ud800e' }), ['Ann Mary', 'Le e']);
  assert.deepEqual(namesOf({ given_name: 'Zoe\u0308' }), ['Zo\u00eb']);
  assert.deepEqual(namesOf({ given_name: 'a'.repeat(49) + '\u{1f469}\u200d\u{1f467}' }), ['a'.repeat(49)]);
  assert.deepEqual(namesOf({ given_name: '\u{20000}'.repeat(60) }), ['\u{20000}'.repeat(50)]);
  assert.deepEqual(namesOf({ given_name: 'a'.repeat(49) + ' b' }), ['a'.repeat(49)]);
});

test('every name fits the contract', () => {
  const hard = fc.constantFrom('\u0344', '\u0301', '\u0958', '\u{1d15e}', '\u200d', '\u202e', '\ufdfa', '\u1100', '\u1161', '\ud800', '\udc00', '\0', '\u0085', ' ', '\u3000', 'a', '\u{1f469}', '\u{1f1ea}');
  const text = fc.oneof(fc.string({ unit: 'binary', maxLength: 80 }), fc.array(fc.oneof(hard, hard.chain((one) => fc.nat(80).map((times) => one.repeat(times)))), { maxLength: 80 }).map((all) => all.join('')));
  fc.assert(fc.property(text, text, text, (given_name, family_name, name) => {
    requireFitting({ given_name, family_name });
    requireFitting({ name });
  }), { numRuns: 1000 });
  requireFitting({ given_name: `a${'\u0344'.repeat(1000)}`, family_name: '\u{1f469}\u200d'.repeat(1000), name: 'a'.repeat(1_000_000) });
});

test('a picture has an https address of 500 characters at most', () => {
  const photoOf = (picture: unknown): string | undefined => profileOf({ picture }).photoUrl;
  assert.equal(photoOf('https://pictures.example.org/a=s96-c'), 'https://pictures.example.org/a=s96-c');
  assert.equal(photoOf(`https://a.example/${'a'.repeat(482)}`)?.length, 500);
  for (const none of [`https://a.example/${'a'.repeat(483)}`, `https://a.example/${'é'.repeat(100)}`, 'http://a.example/', 'javascript:alert(1)', 'data:image/png;base64,AAAA', '//a.example/', 'https://', '', 5, null, undefined]) {
    assert.equal(photoOf(none), undefined, String(none));
  }
  assert.equal(photoOf('https://a.example/"><script>'), 'https://a.example/%22%3E%3Cscript%3E');
});

test('a language is one of ours or none', () => {
  for (const [locale, language] of [['en', 'en'], ['en-GB', 'en'], ['ru', 'ru'], ['ru_RU', 'ru'], ['RU', 'ru'], ['de', undefined], ['enm', undefined], ['rum', undefined], ['', undefined], [5, undefined], [undefined, undefined]] as const) {
    assert.equal(profileOf({ locale }).language, language, String(locale));
  }
});

test('a profile says when it was made', () => {
  assert.deepEqual(profileOf({}).issuedAt, new Date('2027-01-15T08:00:00.000Z'));
});
