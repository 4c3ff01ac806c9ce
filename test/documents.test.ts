/** `/openapi.json` and `/asyncapi.json`: sound by the judgement of others, complete, and true. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { Parser } from '@asyncapi/parser';
import { Ajv2020 } from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';
import type { InjectOptions } from 'fastify';
import { events, operations } from '../src/contracts.ts';
import { asyncApiDocument } from '../src/transports/docs/asyncapi.ts';
import { openApiDocument } from '../src/transports/docs/openapi.ts';
import { pieceType } from '../src/transports/rest/parts.ts';
import { buildTestApp } from './helpers/app.ts';

const address = 'http://127.0.0.1:3000';

interface OpenApi {
  paths: Record<string, Record<string, { operationId: string; parameters: { name: string; required: boolean }[]; requestBody?: { content: Record<string, { schema?: { required: string[] } }> } }>>;
}
interface AsyncApi {
  operations: Record<string, { action: string }>;
  components: { messages: Record<string, { payload: { properties: { params: { required: string[] } } } }> };
}
const openApi = openApiDocument(address) as unknown as OpenApi;
const asyncApi = asyncApiDocument(address) as unknown as AsyncApi;
const described = Object.values(openApi.paths).flatMap((path) => Object.values(path)).map((one) => ({ ...one, operationId: one.operationId.replace(/:.*/, '') }));

/** TypeBox leaves the list out where nothing is required. */
const requiredOf = ({ required = [] }: { required?: string[] }): string[] => required;

/** Checks values against the schema that a JSON pointer finds in a document. */
function checkerOf(document: object): (pointer: string[], value: unknown) => void {
  const ajv = new Ajv2020({ strict: false, allErrors: true });
  addFormats.default(ajv);
  ajv.addSchema(document, 'document');
  return (pointer, value) => {
    const path = pointer.map((part) => encodeURIComponent(part.replaceAll('~', '~0').replaceAll('/', '~1'))).join('/');
    const check = ajv.compile({ $ref: `document#/${path}` });
    assert.ok(check(value), `${pointer.join(' ')}: ${ajv.errorsText(check.errors)} in ${JSON.stringify(value)}`);
  };
}

test('the OpenAPI document passes the recommended rules of Redocly without error or warning', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'parley-openapi-'));
  t.after(() => rmSync(folder, { recursive: true }));
  writeFileSync(join(folder, 'openapi.json'), JSON.stringify(openApi));
  const lint = promisify(execFile)(resolve('node_modules/.bin/redocly'), ['lint', 'openapi.json', '--extends', 'recommended', '--format', 'json'], {
    cwd: folder,
    env: { ...process.env, REDOCLY_TELEMETRY: 'off', REDOCLY_SUPPRESS_NOTIFICATIONS: 'true' },
  });
  // It exits with 1 when it finds something, and says what on the same stream.
  const { stdout } = await lint.catch((error: unknown) => error as { stdout: string });
  const { totals, problems } = JSON.parse(stdout) as { totals: { errors: number; warnings: number }; problems: unknown[] };
  assert.deepEqual({ problems, errors: totals.errors, warnings: totals.warnings }, { problems: [], errors: 0, warnings: 0 });
});

test('the AsyncAPI document is read by its parser without error or warning', async () => {
  const { document, diagnostics } = await new Parser().parse(JSON.stringify(asyncApi));
  const [error, warning] = [0, 1];
  assert.deepEqual(diagnostics.filter(({ severity }) => [error, warning].includes(severity)), []);
  assert.equal(document?.version(), '3.0.0');
});

/** What the AsyncAPI document tells of. */
const spoken = [...operations].filter(([, { wire }]) => wire !== 'http').map(([name]) => name);

test('both documents name every operation, and the AsyncAPI document every event', () => {
  assert.deepEqual(new Set(described.map(({ operationId }) => operationId)), new Set([...operations].filter(([, { wire }]) => wire !== 'websocket').map(([name]) => name)));
  assert.deepEqual(Object.keys(asyncApi.operations), [...spoken, ...events.keys()]);
  for (const name of spoken) assert.equal(asyncApi.operations[name]?.action, 'receive');
  for (const name of events.keys()) assert.equal(asyncApi.operations[name]?.action, 'send');
});

test('what has a default is not demanded of a request', () => {
  for (const [name, { input }] of operations) {
    const optional = Object.entries<object>(input.properties).filter(([, schema]) => 'default' in schema).map(([field]) => field);
    const demandedBy = described.filter(({ operationId }) => operationId === name).flatMap(({ parameters, requestBody }) => [
      ...parameters.filter(({ required }) => required).map((parameter) => (parameter.name === 'Upload-Offset' ? 'offset' : parameter.name)),
      ...(requestBody && pieceType in requestBody.content ? ['content'] : []),
      ...(Object.values(requestBody?.content ?? {})[0]?.schema?.required ?? []),
    ]);
    const demanded = [...demandedBy, ...(asyncApi.components.messages[name]?.payload.properties.params.required ?? [])];
    assert.deepEqual(demanded.filter((field) => optional.includes(field)), [], name);
    assert.deepEqual(requiredOf(input).filter((field) => !optional.includes(field) && !demanded.includes(field)), [], name);
  }
});

test('what the server answers over HTTP is what the OpenAPI document says', async (t) => {
  const server = await buildTestApp(t);
  const [ann, bob] = await Promise.all([server.person('Ann'), server.person('Bob')]);
  const requireDescribed = checkerOf((await server.app.inject('/openapi.json')).json());

  const ask = async (status: number, method: 'GET' | 'POST' | 'PATCH' | 'DELETE', path: string, options: InjectOptions & { id?: string } = {}): Promise<Record<string, unknown>> => {
    const { id = '', ...rest } = options;
    const answer = await server.app.inject({ method, url: path.replace('{id}', id), headers: { authorization: `Bearer ${ann.accessToken}` }, ...rest });
    assert.equal(answer.statusCode, status, `${method} ${path}: ${answer.body}`);
    const response = ['paths', path, method.toLowerCase(), 'responses', String(status)];
    if (status === 204) return {};
    requireDescribed([...response, 'content', 'application/json', 'schema'], answer.json());
    return answer.json();
  };

  const account = { email: `${randomUUID()}@example.org`, password: 'correct horse battery' };
  await ask(201, 'POST', '/auth/register', { payload: { ...account, firstName: 'Cleo' } });
  const { refreshToken } = await ask(200, 'POST', '/auth/login', { payload: { ...account, refresh: 'body' } });
  await ask(200, 'POST', '/auth/refresh', { payload: { refreshToken } });
  await ask(200, 'GET', '/user/me');
  await ask(200, 'GET', '/user', { query: { search: 'bob' } });
  const chat = await ask(201, 'POST', '/chat', { payload: { userId: bob.id } });
  const message = await ask(201, 'POST', '/message', { payload: { to: bob.id, text: 'hello' } });
  const id = String(message['id']);
  await ask(200, 'PATCH', '/message/{id}', { id, payload: { text: 'hello, Bob' } });
  await ask(200, 'GET', '/message', { query: { chatId: String(chat['id']) } });
  await ask(200, 'GET', '/chat');
  await ask(200, 'POST', '/message/sync', { payload: {} });
  await ask(204, 'DELETE', '/message/{id}', { id });
  await ask(200, 'GET', '/message/{id}', { id });

  await ask(400, 'POST', '/message', { payload: { text: '' } });
  await ask(400, 'POST', '/message', { payload: '{', headers: { 'content-type': 'application/json', authorization: `Bearer ${ann.accessToken}` } });
  await ask(401, 'GET', '/user/me', { headers: {} });
  await ask(404, 'GET', '/message/{id}', { id: randomUUID() });
  await ask(409, 'PATCH', '/message/{id}', { id, payload: { text: 'too late' } });
  await ask(413, 'POST', '/message', { payload: { text: 'x'.repeat(300_000) } });
  await ask(415, 'POST', '/message', { payload: '<text/>', headers: { 'content-type': 'application/xml', authorization: `Bearer ${ann.accessToken}` } });
});

test('what the server sends over the websocket is what the AsyncAPI document says', async (t) => {
  const server = await buildTestApp(t);
  const [ann, bob] = await Promise.all([server.person('Ann'), server.person('Bob')]);
  const [annSocket, bobSocket] = await Promise.all([ann.socket(), bob.socket()]);
  const requireDescribed = checkerOf((await server.app.inject('/asyncapi.json')).json());

  const ask = async (method: string, params?: object): Promise<void> => {
    const request = { jsonrpc: '2.0', id: 'first', method, ...(params && { params }) };
    requireDescribed(['components', 'messages', method, 'payload'], request);
    requireDescribed(['components', 'messages', `${method}.reply`, 'payload'], await annSocket.raw(JSON.stringify(request)));
  };
  await ask('users.me');
  await ask('messages.send', { to: bob.id, text: 'hello' });
  await ask('chats.list', {});
  await ask('messages.sync', {});
  await ask('messages.get', { id: randomUUID() });
  for (const name of ['chat.created', 'message.created']) requireDescribed(['components', 'messages', name, 'payload'], await bobSocket.next(name));
});
