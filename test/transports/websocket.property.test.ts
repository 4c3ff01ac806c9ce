/** Whatever frames come in, the connection lives, and each request with an id gets exactly one answer. */
import assert from 'node:assert/strict';
import fc from 'fast-check';
import { test } from 'node:test';
import type { RawData } from 'ws';
import { operations } from '../../src/contracts.ts';
import { buildTestApp } from '../helpers/app.ts';
import type { Notification, Reply } from '../helpers/socket.ts';
import { until } from '../helpers/until.ts';
import { fieldsOf, sampleOf } from './samples.ts';

const anyText = fc.oneof(fc.string({ unit: 'binary' }), fc.constantFrom('', '\0', '\ud800', '$gt', '(a+)+$'));
const id = fc.oneof(fc.string({ unit: 'binary' }), fc.integer(), fc.constant(null));

const anyRequest = fc.constantFrom(...[...operations].filter(([name]) => name !== 'auth.logout')).chain(([method, { input }]) => {
  const params = fieldsOf(input).map(({ name, schema }) => [name, fc.oneof(fc.constant(sampleOf(schema)), anyText, fc.jsonValue())] as const);
  return fc.record({ jsonrpc: fc.constant('2.0'), id, method: fc.oneof({ weight: 5, arbitrary: fc.constant(method) }, { weight: 1, arbitrary: anyText }), params: fc.record(Object.fromEntries(params), { requiredKeys: [] }) }, { requiredKeys: ['jsonrpc', 'method'] });
});

const anyFrame = fc
  .oneof(
    anyRequest.map((value) => JSON.stringify(value)),
    fc.array(anyRequest, { maxLength: 5 }).map((value) => JSON.stringify(value)),
    fc.jsonValue().map((value) => JSON.stringify(value)),
    anyText,
  )
  // Poisoned keys are refused as a whole, whatever else the frame says; they have a test of their own.
  .filter((frame) => !/__proto__|constructor/.test(frame));

/** The ids of the answers that the specification asks for. */
function idsOfAnswers(frame: string): unknown[] {
  const idsOf = (value: unknown): unknown[] => {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return [null];
    const { jsonrpc, method, id, params } = value as Record<string, unknown>;
    if (jsonrpc !== '2.0' || typeof method !== 'string' || (params !== undefined && (typeof params !== 'object' || params === null))) return [null];
    return id === undefined ? [] : [['string', 'number'].includes(typeof id) ? id : null];
  };
  try {
    // What arrives has no half surrogate pairs: UTF-8 has no room for them.
    const value: unknown = JSON.parse(Buffer.from(frame).toString());
    return Array.isArray(value) && value.length > 0 ? value.flatMap(idsOf) : idsOf(value);
  } catch {
    return [null];
  }
}

const sorted = (ids: unknown[]): string[] => ids.map((one) => JSON.stringify(one)).sort();

test('random frames are answered exactly once each, and never end the connection', async (t) => {
  const { person } = await buildTestApp(t);
  const ann = await person('Ann');
  const { webSocket, call } = await ann.socket();
  let answers: unknown[] = [];
  webSocket.on('message', (data: RawData) => {
    const frame = JSON.parse((data as Buffer).toString()) as Notification | Reply | Reply[];
    if (!('method' in frame)) answers.push(...[frame].flat().map((answer) => answer.id));
  });

  await fc.assert(
    fc.asyncProperty(fc.array(anyFrame, { maxLength: 10 }), async (frames) => {
      answers = [];
      const expected = frames.flatMap(idsOfAnswers);
      for (const frame of frames) webSocket.send(frame);
      await until('as many answers as requests', () => answers.length >= expected.length);
      assert.deepEqual(sorted(answers), sorted(expected));
    }),
    { numRuns: 150 },
  );
  answers = [];
  assert.equal(((await call('users.me')) as { id: string }).id, ann.id);
  assert.equal(answers.length, 1);
});
