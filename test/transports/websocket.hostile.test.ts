/** Query operators, poisoned keys and broken texts in every operation over a socket. */
import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { operations } from '../../src/contracts.ts';
import type { Operation } from '../../src/core/contract.ts';
import type { FieldProblem } from '../../src/core/validate.ts';
import { buildTestApp } from '../helpers/app.ts';
import type { Reply } from '../helpers/socket.ts';
import { untouched } from '../helpers/store.ts';
import { fieldsOf, hostileValues, inputWith, isObject, isText, keysForeignTo, refusedField, takesNull } from './samples.ts';

const noText = [1, true];

/** Every operation, asked by somebody signed in; each is refused, and in the end the store is what it was, byte for byte. */
async function forEveryOperation(t: TestContext, attack: (name: string, operation: Operation, refuse: (field: string, params: object) => Promise<void>) => Promise<void>): Promise<void> {
  const { person, mongodbUri } = await buildTestApp(t);
  const [ann, bob] = await Promise.all([person('Ann'), person('Bob')]);
  await ann.call('messages.send', { to: bob.id, text: 'hello' });
  const socket = await ann.socket();
  const requireUntouched = await untouched(t, mongodbUri);
  for (const [method, operation] of operations) {
    if (operation.wire === 'http') continue;
    await attack(method, operation, async (field, params) => {
      const { error } = (await socket.raw(JSON.stringify({ jsonrpc: '2.0', id: 'x', method, params }))) as Reply;
      assert.deepEqual([error?.code, error?.data?.code], [-32602, 'VALIDATION_FAILED'], `${method} ${JSON.stringify(params)}`);
      const { fields } = error?.data?.details as { fields: FieldProblem[] };
      assert.ok(fields.some((problem) => problem.field === field), `${method} ${field} among ${JSON.stringify(fields)}`);
    });
  }
  await requireUntouched();
}

test('no operation takes an operator, a list or a value of another kind for a field', async (t) => {
  await forEveryOperation(t, async (_name, { input }, refuse) => {
    for (const field of fieldsOf(input)) {
      const { name } = field;
      for (const value of hostileValues) await refuse(refusedField(field, value), inputWith(input, name, value));
      for (const value of [...(isText(field) ? noText : ['x']), ...(takesNull(field) ? [] : [null])]) await refuse(name, inputWith(input, name, value));
    }
  });
});

test('no operation takes a key that it does not name', async (t) => {
  await forEveryOperation(t, async (_name, { input }, refuse) => {
    // The others cannot be written down like this; they have a test of their own.
    for (const key of keysForeignTo(input).filter((one) => one !== '__proto__')) {
      for (const value of ['admin', 1, null, { $gt: '' }]) await refuse(key, inputWith(input, key, value));
      for (const { name } of fieldsOf(input).filter(isObject)) await refuse(`${name}/${key}`, inputWith(input, name, { [key]: 1 }));
    }
  });
});

test('no operation takes a list of its input, or of operators, instead of it', async (t) => {
  await forEveryOperation(t, async (_name, { input }, refuse) => {
    for (const params of [[], [inputWith(input, '', undefined)], hostileValues]) await refuse('', params);
  });
});

test('keys that would reach an object itself are refused', async (t) => {
  const { person } = await buildTestApp(t);
  const socket = await (await person('Ann')).socket();
  for (const poison of ['"__proto__":{"admin":true}', '"constructor":{"prototype":{"admin":true}}', '"constructor":1', '"\\u005f_proto__":{"admin":true}']) {
    const inParams = (await socket.raw(`{"jsonrpc":"2.0","id":1,"method":"users.me","params":{${poison}}}`)) as Reply;
    assert.ok(inParams.error && [-32602, -32700].includes(inParams.error.code), poison);
  }
  assert.equal(({} as { admin?: boolean }).admin, undefined);
});

test('half a surrogate pair and NUL are refused', async (t) => {
  const { person } = await buildTestApp(t);
  const ann = await person('Ann');
  const socket = await ann.socket();
  for (const bad of ['\\ud800', 'a\\udc00b', '\\u0000', 'a\\u0000', '\\u001b']) {
    const { error } = (await socket.raw(`{"jsonrpc":"2.0","id":1,"method":"messages.send","params":{"to":"${ann.id}","text":"${bad}"}}`)) as Reply;
    assert.equal(error?.code, -32602, bad);
  }
  assert.deepEqual((await ann.call('chats.list')).items, []);
});

test('an id of half a surrogate pair comes back as it was', async (t) => {
  const { person } = await buildTestApp(t);
  const socket = await (await person('Ann')).socket();
  const { id } = (await socket.raw('{"jsonrpc":"2.0","id":"\\ud800","method":"users.me"}')) as Reply;
  assert.equal(id, '\ud800');
});
