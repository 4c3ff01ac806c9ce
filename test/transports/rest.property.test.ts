/** Whatever is sent to whatever route, the answer is a success or a declared error, never a fault of the server. */
import assert from 'node:assert/strict';
import fc from 'fast-check';
import { test } from 'node:test';
import { requireOperation } from '../../src/contracts.ts';
import { buildTestApp } from '../helpers/app.ts';
import { ask, requireAlive, requireError, telling } from './ask.ts';
import { fieldsOf, sampleOf } from './samples.ts';

/** Texts that trouble parsers, databases and regular expressions, besides those at random. */
const trouble = fc.constantFrom('', '\0', '\ud800', '$gt', '__proto__', '(a+)+$', '\\', '../../etc', '%00', 'é'.normalize('NFD'), '\u202e', '0'.repeat(24), '9'.repeat(400), 'me');
const anyText = fc.oneof(trouble, fc.string({ unit: 'binary' }));
const anyJson = fc.oneof(fc.jsonValue({ noUnicodeString: false }), anyText, fc.dictionary(anyText, fc.jsonValue()));

/** Bodies with the fields of the operation in them, each good, strange, or absent; and bodies of any other kind. */
const bodyFor = (operation: (typeof telling)[number]['operation']): fc.Arbitrary<unknown> => {
  const fields = fieldsOf(requireOperation(operation).input).map(({ name, schema }) => [name, fc.oneof(fc.constant(sampleOf(schema)), anyJson)] as const);
  return fc.oneof(fc.record(Object.fromEntries(fields), { requiredKeys: [] }), anyJson);
};

/** For an address, which has no room for half a surrogate pair. */
const encode = (text: string): string => encodeURIComponent(Buffer.from(text).toString());

const anyRequest = fc.constantFrom(...telling).chain((route) =>
  fc.record({ route: fc.constant(route), inPath: anyText, query: fc.dictionary(fc.oneof(fc.constantFrom(...fieldsOf(requireOperation(route.operation).input).map(({ name }) => name), 'x'), anyText), anyText, { maxKeys: 3 }), body: fc.option(bodyFor(route.operation), { nil: undefined }) }),
);

test('random requests to every route never fault the server', async (t) => {
  const { url, person } = await buildTestApp(t);
  const { accessToken: token } = await person('Ann');
  await fc.assert(
    fc.asyncProperty(anyRequest, async ({ route: { method, path, operation, status }, inPath, query, body }) => {
      const address = path.replace(/:\w+/, () => encode(inPath));
      const entries = Object.entries(query).map(([key, value]) => `${encode(key)}=${encode(value)}`);
      const search = method === 'GET' || method === 'DELETE' ? `?${entries.join('&')}` : '';
      // A logout that is understood would end the session the other requests need.
      const headers = operation === 'auth.logout' ? { authorization: '' } : { authorization: `Bearer ${token}` };
      const answer = await ask(url, `${address}${search}`, { method, headers, ...(method !== 'GET' && { json: body }) });
      assert.ok(answer.status < 500, `${method} ${address}${search} ${JSON.stringify(body)} → ${answer.text}`);
      if (answer.status >= 300) requireError(answer);
      else assert.ok([status, 200].includes(answer.status));
    }),
    { numRuns: 800 },
  );
  await requireAlive(url);
});
