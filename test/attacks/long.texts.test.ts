/** Texts made to be slow to check: a pattern that takes quadratic time holds the whole server for more than a minute with any of these. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate as others } from 'node:timers/promises';
import { operations, requireOperation } from '../../src/contracts.ts';
import { toAppError } from '../../src/core/errors.ts';
import { validate, type Encoding, type FieldProblem } from '../../src/core/validate.ts';
import { buildTestApp } from '../helpers/app.ts';
import { ask, requireAlive, requireInvalid } from '../transports/ask.ts';
import { fieldsOf, inputWith, isText } from '../transports/samples.ts';

/** As much as a request may hold, almost. */
const size = 250_000;

/** Long enough for linear time on a slow machine, and far too short for quadratic time. */
const timeout = 20_000;

/** What is repeated, between what it begins and what it ends with. */
const shapes: Record<string, { start?: string; unit: string; end?: string }> = {
  'letters and a control character': { unit: 'a', end: '\u0001' },
  'only invisible characters': { unit: '\u200b' },
  'invisible characters and a control character': { unit: '\u200b', end: '\u0001' },
  'combining marks': { start: 'a', unit: '\u0301\u0316' },
  'marks as many as are allowed in a row, again and again': { unit: `a${'\u0316\u0301'.repeat(15)}` },
  'an address of many labels': { start: 'a@', unit: 'a.' },
  'an address of many labels that ends badly': { start: 'a@', unit: 'a-a.', end: '!' },
  'an address of many parts': { unit: 'a.', end: '@' },
  dots: { unit: '.' },
  'digits and a letter': { unit: '0', end: 'g' },
  'spaces and a letter': { unit: ' ', end: 'a' },
  'lines and a control character': { unit: '\n\t', end: '\u0001' },
  'halves of surrogate pairs': { unit: '\ud800' },
};

/** Each of the texts, of so many units as that makes by this measure. */
const textsBy = (lengthOf: (text: string) => number): [string, string][] =>
  Object.entries(shapes).map(([what, { start = '', unit, end = '' }]) => [what, start + unit.repeat(Math.floor(size / lengthOf(unit))) + end]);

function refusedFields(check: () => unknown): string[] {
  try {
    check();
    return [];
  } catch (error) {
    const { code, details } = toAppError(error);
    assert.equal(code, 'VALIDATION_FAILED');
    return (details as { fields: FieldProblem[] }).fields.map(({ field }) => field);
  }
}

for (const encoding of ['json', 'text'] satisfies Encoding[]) {
  test(`no text field of any operation takes long to refuse a long text, as ${encoding}`, { timeout }, async ({ signal }) => {
    // Many fields are declared alike: an id is an id.
    const tried = new Set<string>();
    const texts = textsBy((unit) => unit.length);
    for (const [name, { input }] of operations) {
      for (const field of fieldsOf(input).filter(isText)) {
        const declared = JSON.stringify(field.schema, (key, part: unknown) => (key === 'description' ? undefined : part));
        if (tried.has(declared)) continue;
        tried.add(declared);
        for (const [what, text] of texts) {
          // Only so is it noticed, between two texts, that the time is over.
          await others();
          signal.throwIfAborted();
          assert.ok(refusedFields(() => validate(input, inputWith(input, field.name, text), encoding)).includes(field.name), `${name} ${field.name}: ${what}`);
        }
      }
    }
  });
}

test('no text in the place of an id takes long to refuse as a key', { timeout }, async ({ signal }) => {
  const { input } = requireOperation('messages.sync');
  for (const [what, text] of textsBy((unit) => unit.length)) {
    await others();
    signal.throwIfAborted();
    assert.ok(refusedFields(() => validate(input, { chats: { [text]: { seq: 0, rev: 0 } } })).length > 0, what);
  }
});

test('a sign-up with a long text in any field is refused, and the server goes on', { timeout }, async (t) => {
  const { url } = await buildTestApp(t);
  const { input } = requireOperation('auth.register');
  for (const { name } of fieldsOf(input).filter(isText)) {
    for (const [, text] of textsBy((unit) => Buffer.byteLength(JSON.stringify(unit).slice(1, -1)))) {
      const json = inputWith(input, name, text);
      t.signal.throwIfAborted();
      requireInvalid(await ask(url, '/auth/register', { method: 'POST', json }), name);
    }
  }
  await requireAlive(url);
});
