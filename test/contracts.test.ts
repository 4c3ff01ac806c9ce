/** Every operation, event and error: named by the rules, reachable, described, bounded and in use. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { Ajv2020 } from 'ajv/dist/2020.js';
import type { TSchema } from 'typebox';
import { Environment } from '../src/config.ts';
import type { Access } from '../src/core/contract.ts';
import { contracts, events, operations, type OperationName } from '../src/contracts.ts';
import { AppError, commonErrors, errorCodes, sentenceOf, statusOf, type ErrorCode } from '../src/core/errors.ts';
import { Email, strictObject } from '../src/core/schemas.ts';
import { validate, validatorOf, type FieldProblem } from '../src/core/validate.ts';
import { FirstName, Username } from '../src/features/users/users.contract.ts';
import { asyncApiDocument } from '../src/transports/docs/asyncapi.ts';
import { openApiDocument } from '../src/transports/docs/openapi.ts';
import { partsOf } from '../src/transports/rest/parts.ts';
import { routes } from '../src/transports/rest/routes.ts';
import { buildTestApp } from './helpers/app.ts';
import { codeFile, loader } from './helpers/code.ts';
import { toForm, toPiece, tus } from './helpers/files.ts';
import { ask } from './transports/ask.ts';
import type { RpcError } from './helpers/socket.ts';

const common: readonly string[] = commonErrors;

/** Values of many kinds: for almost every field one of them fits. */
const candidates: unknown[] = ['word', 'somebody@example.org', 'correct horse', 'f'.repeat(24), `${'f'.repeat(32)}-64`, randomUUID(), 'https://example.org', '2030-01-01T00:00:00.000Z', '👍', 1, true, [], ['f'.repeat(24)], {}];

/** An input that passes the check, with whatever fits in each field. */
function sampleOf(properties: Record<string, object>): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(properties).map(([name, schema]) => {
      const takes = validatorOf(strictObject({ field: schema }), 'json');
      const value = [...('enum' in schema ? (schema.enum as unknown[]) : []), ...candidates].find((candidate) => takes({ field: candidate }));
      assert.ok(value !== undefined, `no candidate fits the field ${name}`);
      return [name, value];
    }),
  );
}

/** Nobody has what the samples speak of, so an operation may succeed or refuse, but only in ways that it declares. */
function requireDeclared(name: OperationName, code: string | undefined): void {
  const { access, errors = [] } = operations.get(name) ?? {};
  const declared: string[] = ['VALIDATION_FAILED', ...(access === 'anyone' ? [] : ['UNAUTHENTICATED']), ...errors];
  assert.ok(code !== undefined && declared.includes(code), `${name} answers ${code ?? 'with something that is no error of ours'}`);
}

test('every schema is one by the JSON Schema of JSON Schemas', () => {
  const schemas = [...operations].flatMap(([name, { input, output }]) => [[`the input of ${name}`, input], [`the output of ${name}`, output]] as const);
  const payloads = [...events].map(([name, { payload }]) => [`the payload of ${name}`, payload] as const);
  const ajv = new Ajv2020();
  for (const [what, schema] of [...schemas, ...payloads, ['the environment', Environment] as const]) assert.ok(ajv.validateSchema(schema), `${what}: ${ajv.errorsText()}`);
  assert.equal(ajv.validateSchema({ type: 'object', properties: { name: { type: 'string', maxLength: '100' } } }), false);
});

test('every operation that makes sense over HTTP has a route in the REST API, and no two routes are the same', () => {
  assert.deepEqual(new Set(routes.map((route) => route.operation)), new Set([...operations].filter(([, { wire }]) => wire !== 'websocket').map(([name]) => name)));
  const addresses = routes.map(({ method, path }) => `${method} ${path.replace(/:\w+/g, ':')}`);
  assert.deepEqual(addresses.filter((one, index) => addresses.indexOf(one) !== index), []);
});

test('every name in a path is a field that its operation needs', () => {
  for (const route of routes) {
    const names = [...route.path.matchAll(/:(\w+)/g)].map((found) => found[1]);
    assert.deepEqual(new Set(partsOf(route).params.required), new Set(names), route.path);
  }
});

test('every operation runs over REST', async (t) => {
  const server = await buildTestApp(t);
  for (const route of routes) {
    const { accessToken } = await server.person('Ann');
    const { params, querystring, body } = partsOf(route);
    const path = Object.entries(sampleOf(params.properties)).reduce((url, [name, value]) => url.replace(`:${name}`, String(value)), route.path);
    const query = sampleOf(querystring?.properties ?? {}) as Record<string, string>;
    const given = route.bytes === 'in' ? await toForm('a text') : route.bytes === 'pieces' ? { headers: tus, ...(body && toPiece('a text')) } : { ...(body && { json: sampleOf(body.properties) }) };
    const answer = await ask(server.url, `${path}?${new URLSearchParams(query).toString()}`, { method: route.method, token: accessToken, ...given });
    if (answer.status === route.status) continue;
    if (route.method === 'HEAD') {
      assert.equal(answer.status, 404, 'it has no body that says more');
      continue;
    }
    const { code } = answer.body as { code: ErrorCode };
    requireDeclared(route.operation, code);
    assert.equal(answer.status, statusOf(code));
  }
});

test('every operation runs over the websocket', async (t) => {
  const server = await buildTestApp(t);
  for (const [name, { input, wire }] of operations) {
    if (wire === 'http') continue;
    const person = await server.person('Ann');
    const socket = await person.socket();
    const answered = socket.call(name, sampleOf(input.properties)).catch((error: unknown) => requireDeclared(name as OperationName, (error as RpcError).data?.code));
    // Whoever ends the own session is answered by the end of the connection.
    if (name === 'auth.logout') assert.equal((await socket.closed).code, 4401);
    else await answered;
  }
});

test('both documents tell every error of every operation, at its status', () => {
  type Described = Record<string, { operationId: string; responses: Record<string, { description: string }> }>;
  const openApi = openApiDocument('http://127.0.0.1:3000') as unknown as { paths: Record<string, Described> };
  const asyncApi = asyncApiDocument('http://127.0.0.1:3000') as unknown as { operations: Record<string, { description: string }> };
  const refusals = { anyone: [], user: ['UNAUTHENTICATED'], fresh: ['UNAUTHENTICATED', 'FRESH_SIGN_IN_REQUIRED'] } as const satisfies Record<Access, readonly ErrorCode[]>;
  for (const [name, { access, errors, wire }] of operations) {
    const overHttp = Object.values(openApi.paths).flatMap((path) => Object.values(path)).filter(({ operationId }) => operationId.replace(/:.*/, '') === name);
    assert.equal(overHttp.length > 0, wire !== 'websocket', name);
    assert.equal(name in asyncApi.operations, wire !== 'http', name);
    for (const code of wire === 'http' ? [] : [...commonErrors, ...errors]) {
      assert.match(asyncApi.operations[name]?.description ?? '', new RegExp(`\\b${code}\\b`), name);
    }
    for (const code of [...commonErrors, ...errors, ...refusals[access]]) {
      for (const { responses } of overHttp) assert.ok(responses[statusOf(code)]?.description.includes(`\`${code}\`: ${sentenceOf(code)}`), `${name} tells ${code}`);
    }
  }
});

test('names follow the rules: operation noun.verb, event noun.pastTense, error UPPER_SNAKE', () => {
  const irregular = /^(?:read|ready|sent|left|withheld)$/;
  for (const [feature, contract] of Object.entries(contracts)) {
    for (const name of Object.keys(contract.operations)) assert.match(name, new RegExp(`^${feature}\\.[a-z]+(?:[A-Z][a-z]+)*$`));
  }
  for (const name of events.keys()) {
    assert.match(name, /^[a-z]+(?<!s)\.[a-z]+(?:[A-Z][a-z]+)*$/);
    assert.ok(name.endsWith('ed') || irregular.test(name.split('.')[1] ?? ''), `${name} says what has happened`);
  }
  for (const code of errorCodes) assert.match(code, /^[A-Z]+(?:_[A-Z]+)*$/);
});

test('every operation and event has a summary, every error a sentence and an error status', () => {
  for (const [name, { summary }] of [...operations, ...events]) assert.match(summary, /^[A-Z][^\n]*[.]$/, name);
  for (const code of errorCodes) {
    assert.match(sentenceOf(code), /^[A-Z][^\n]*[.]$/, code);
    assert.ok(statusOf(code) >= 400 && statusOf(code) < 600, code);
  }
});

test('an operation lists each error of its own once, and none that every operation can give', () => {
  for (const [name, { access, errors }] of operations) {
    assert.equal(new Set(errors).size, errors.length, name);
    assert.deepEqual(errors.filter((code) => common.includes(code) || (code === 'UNAUTHENTICATED' && access !== 'anyone')), [], name);
  }
});

test('every operation says who may call it, and how often', () => {
  for (const [name, { access, rate }] of operations) {
    assert.ok(['anyone', 'user', 'fresh'].includes(access), name);
    assert.ok(['caller', 'address'].includes(rate.per), name);
    for (const figure of [rate.count, rate.seconds, rate.burst ?? 1]) assert.ok(Number.isSafeInteger(figure) && figure > 0, name);
    assert.ok((rate.burst ?? rate.count) >= rate.count, `${name}: what comes back is not lost`);
  }
});

test('both documents tell of the wait when a request comes too soon', () => {
  type Responses = Record<string, { responses: Record<string, { headers?: Record<string, { $ref: string }> }> }>;
  const { paths, components } = openApiDocument('http://127.0.0.1:3000') as unknown as { paths: Record<string, Responses>; components: { headers: object } };
  const names = ['Retry-After', 'RateLimit-Limit', 'RateLimit-Remaining', 'RateLimit-Reset'];
  assert.deepEqual(Object.keys(components.headers), names);
  for (const { responses } of Object.values(paths).flatMap((path) => Object.values(path))) assert.deepEqual(Object.keys(responses[429]?.headers ?? {}), names);
  assert.match(JSON.stringify(asyncApiDocument('http://127.0.0.1:3000')), /retryAfter/);
});

test('npm run describe tells who may call each operation, how often, and what can go wrong', async () => {
  const { stdout } = await promisify(execFile)(process.execPath, [...loader, codeFile('scripts/describe.ts')]);
  const entries = (stdout.split(/^Events$/m)[0] ?? '').split('\n\n');
  for (const [name, { access, rate, errors }] of operations) {
    const lines = entries.find((entry) => entry.startsWith(`${name} `))?.replace(/\n {4,}(?!Rate:|Errors:)/g, ' ').split('\n') ?? [];
    assert.match(lines[0] ?? '', new RegExp(`^${name} +${access} `), name);
    assert.match(lines.find((line) => line.includes('Rate: ')) ?? '', new RegExp(`Rate: ${rate.count} per .*${rate.burst ?? ''}, per ${rate.per}$`), name);
    const told = lines.find((line) => line.includes('Errors: ')) ?? '';
    const refused = { anyone: [], user: ['UNAUTHENTICATED'], fresh: ['UNAUTHENTICATED', 'FRESH_SIGN_IN_REQUIRED'] }[access];
    const wanted = new Set([...refused, ...errors, ...(routes.some(({ operation, cookie }) => operation === name && cookie) ? ['ORIGIN_NOT_ALLOWED'] : [])]);
    assert.deepEqual(new Set(told.replace(/.*Errors: /, '').split(', ')), wanted.size > 0 ? wanted : new Set(['those of every operation']), name);
  }
  assert.match(stdout, new RegExp(`Errors of every operation: ${commonErrors.join(', ')}`));
  assert.match(stdout, /Rate: 50 per second, bursts of 500, per caller/);
  assert.match(stdout, /Rate: 60 per hour, per address/);
  for (const page of ['/auth/google', '/auth/google/callback', '/verify-email', '/confirm-email', '/undo', '/reset-password']) assert.match(stdout, new RegExp(`^(GET|POST) ${page} +anyone  as \\w+\\.\\w+: its rate, its errors`, 'm'));
});

test('whoever sends a text of another form is told which form is asked for', () => {
  const problemsOf = (schema: TSchema, value: string): unknown => {
    try {
      return validate(schema, value);
    } catch (error) {
      assert.ok(error instanceof AppError);
      return (error.details as { fields: FieldProblem[] }).fields.map(({ problem }) => problem);
    }
  };
  assert.deepEqual(problemsOf(Username, 'ann smith'), ['must be 3 to 32 letters, digits, dots, dashes or underscores']);
  assert.deepEqual(problemsOf(Email, 'ann'), ['must be an e-mail address']);
  assert.deepEqual(problemsOf(FirstName, '\u200B'), ['must be one line of whole characters with something to see in it, without control characters']);
  const formless = (schema: object): unknown[] => {
    const { pattern, format, 'x-form': form } = schema as { pattern?: unknown; format?: unknown; 'x-form'?: string };
    const parts = Object.values(schema).filter((part) => typeof part === 'object' && part !== null) as object[];
    return [...[pattern, format].filter((given) => typeof given === 'string' && form === undefined), ...parts.flatMap(formless)];
  };
  assert.deepEqual([...operations].flatMap(([name, { input }]) => formless(input).map((pattern) => [name, pattern])), []);
});

test('every error is given somewhere, and every event is sent somewhere', () => {
  const source = readdirSync('src', { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts') && !name.endsWith('.contract.ts') && !name.includes('docs'))
    .map((name) => readFileSync(join('src', name), 'utf8').replace(/const commonErrors = .*/, ''))
    .join('\n');
  assert.deepEqual([...errorCodes, ...events.keys()].filter((name) => !source.includes(`'${name}'`)), []);
});

interface AnySchema {
  type?: string;
  enum?: unknown[];
  const?: unknown;
  maxLength?: number;
  'x-maxBytes'?: number;
  contentMediaType?: string;
  pattern?: string;
  format?: string;
  minimum?: number;
  maximum?: number;
  maxItems?: number;
  additionalProperties?: unknown;
  properties?: Record<string, AnySchema>;
  patternProperties?: Record<string, AnySchema>;
  items?: AnySchema;
  anyOf?: AnySchema[];
}

/** What in a schema takes more than it should, each with where it is. */
function looseEnds(schema: AnySchema, where: string): string[] {
  const parts = [
    ...Object.entries({ ...schema.properties, ...schema.patternProperties, ...(schema.items && { items: schema.items }) }),
    ...(schema.anyOf ?? []).map((part, index) => [String(index), part] as const),
  ];
  const inParts = parts.flatMap(([name, part]) => looseEnds(part, `${where}/${name}`));
  return isTight(schema) ? inParts : [`${where} takes any ${schema.type ?? 'thing'}`, ...inParts];
}

function isTight(schema: AnySchema): boolean {
  // Bytes are counted as they come.
  if (schema.enum || schema.const !== undefined || schema.anyOf || schema.contentMediaType) return true;
  if (schema.type === 'string') return (schema.maxLength ?? schema['x-maxBytes']) !== undefined || schema.format === 'date-time' || isBounded(schema.pattern ?? '');
  if (schema.type === 'integer' || schema.type === 'number') return schema.minimum !== undefined && schema.maximum !== undefined;
  if (schema.type === 'array') return schema.maxItems !== undefined;
  if (schema.type === 'object') return schema.additionalProperties === false;
  return schema.type === 'boolean' || schema.type === 'null';
}

/** True of a pattern for a whole text in which nothing may be repeated without end. */
function isBounded(pattern: string): boolean {
  const bare = pattern.replace(/\\./g, '').replace(/\[[^\]]*\]/g, '');
  return /^\^.*\$$/.test(bare) && !/[*+|]|\{\d+,\}/.test(bare);
}

test('every input refuses unknown keys, and bounds every text, number and list', () => {
  assert.deepEqual([...operations].flatMap(([name, { input }]) => looseEnds(input, name)), []);
});

test('an input that takes anything would be found', () => {
  const loose: AnySchema[] = [
    {},
    { type: 'string' },
    { type: 'string', format: 'email' },
    { type: 'string', pattern: '^[a-z]+$' },
    { type: 'string', pattern: '^[a-z]{3,}$' },
    { type: 'string', pattern: '[a-z]{3}' },
    { type: 'integer', minimum: 0 },
    { type: 'array', items: { type: 'boolean' } },
    { type: 'object', properties: {} },
  ];
  assert.deepEqual(loose.filter((schema) => looseEnds({ type: 'object', additionalProperties: false, properties: { field: schema } }, 'input').length !== 1), []);
  const nested: AnySchema = { type: 'array', maxItems: 1, items: { anyOf: [{ type: 'null' }, { type: 'string' }] } };
  assert.deepEqual(looseEnds(nested, 'input'), ['input/items/1 takes any string']);
});

/** What is wrong with the only field that is. */
function problemsOf(name: OperationName, input: object): FieldProblem[] {
  const { input: schema } = operations.get(name) ?? {};
  try {
    validate(schema as TSchema, input);
  } catch (error) {
    return ((error as AppError).details as { fields: FieldProblem[] }).fields;
  }
  return [];
}

test('a time that is taken in is one that clocks have here, and can be told in four digits of a year', () => {
  const taken = (at: string): boolean[] => [problemsOf('chats.arrange', { id: 'f'.repeat(24), mutedUntil: at }), ...['before', 'after'].map((field) => problemsOf('search.messages', { search: 'word', [field]: at }))].map(({ length }) => length === 0);
  for (const at of ['2026-06-30T23:59:60Z', '2026-02-29T00:00:00Z', '9999-12-31T23:59:59-23:59', '0000-01-01T00:00:00+00:01', 'tomorrow', '']) assert.deepEqual(taken(at), [false, false, false], at);
  for (const at of ['2026-06-30T23:59:59.999Z', '2028-02-29T00:00:00+14:00', '9999-12-31T23:59:59Z', '0000-01-01T00:00:00Z']) assert.deepEqual(taken(at), [true, true, true], at);
});

test('of a field that may be one of several there is one problem, which says what is asked for', () => {
  const time = 'must be a time, like 2026-01-31T12:00:00.000Z';
  assert.deepEqual(problemsOf('chats.arrange', { id: 'f'.repeat(24), mutedUntil: 'tomorrow' }), [{ field: 'mutedUntil', problem: `${time} or null` }]);
  assert.deepEqual(problemsOf('chats.arrange', { id: 'f'.repeat(24), mutedUntil: 1, pinned: 1 }), [{ field: 'mutedUntil', problem: 'must be string or null' }, { field: 'pinned', problem: 'must be boolean' }]);
  assert.deepEqual(problemsOf('groups.update', { id: 'f'.repeat(24), description: '' }), [{ field: 'description', problem: 'must NOT have fewer than 1 characters or null' }]);
  assert.deepEqual(problemsOf('users.update', { id: 'you' }), [{ field: 'id', problem: 'must be me or 24 hexadecimal digits in small letters' }]);
});
