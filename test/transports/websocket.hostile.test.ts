/** Query operators, poisoned keys and broken texts in every operation over a socket. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { operations } from '../../src/contracts.ts';
import { buildTestApp } from '../helpers/app.ts';
import type { Reply } from '../helpers/socket.ts';
import { fieldsOf, inputWith, isText } from './samples.ts';

const noText = [{ $gt: '' }, { $ne: null }, { $regex: '.*' }, ['x'], 1, true, null];

test('no operation takes an operator, a list or a number for a text', async (t) => {
  const { person } = await buildTestApp(t);
  const socket = await (await person('Ann')).socket();
  for (const [method, { input }] of operations) {
    for (const { name, schema } of fieldsOf(input).filter(isText)) {
      // Where null takes something away it is meant.
      const takesNull = JSON.stringify(schema).includes('"null"');
      for (const value of noText.filter((one) => one !== null || !takesNull)) {
        const { error } = (await socket.raw(JSON.stringify({ jsonrpc: '2.0', id: 'x', method, params: inputWith(input, name, value) }))) as Reply;
        assert.equal(error?.code, -32602, `${method} ${name} ${JSON.stringify(value)}`);
        const { fields } = error.data?.details as { fields: { field: string }[] };
        assert.ok(fields.some(({ field }) => field === name));
      }
    }
  }
});

test('no operation takes a key that it does not name', async (t) => {
  const { person } = await buildTestApp(t);
  const socket = await (await person('Ann')).socket();
  for (const [method, { input }] of operations) {
    for (const key of ['unknown', '$where', 'toString', 'userId2']) {
      const { error } = (await socket.raw(JSON.stringify({ jsonrpc: '2.0', id: 'x', method, params: inputWith(input, key, 1) }))) as Reply;
      assert.equal(error?.code, -32602, `${method} ${key}`);
    }
  }
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
