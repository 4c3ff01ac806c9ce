/** Requests over HTTP as a client makes them, and the one form that every refusal must have. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect } from 'node:net';
import { errorCodes, sentenceOf, statusOf, type ErrorCode } from '../../src/core/errors.ts';
import { routes } from '../../src/transports/rest/routes.ts';
import type { FieldProblem } from '../../src/core/validate.ts';

/** The routes whose refusals have a body that says why. */
export const telling = routes.filter(({ method }) => method !== 'HEAD');

export interface Answer {
  status: number;
  type: string;
  cookies: string[];
  headers: Headers;
  text: string;
  /** The body as JSON; undefined where it is none. */
  body: unknown;
}

export interface Asking {
  method?: string;
  token?: string;
  /** Sent as JSON. */
  json?: unknown;
  /** Sent as it is. */
  raw?: string | Buffer;
  headers?: Record<string, string>;
}

export async function ask(url: string, path: string, { method = 'GET', token, json, raw, headers = {} }: Asking = {}): Promise<Answer> {
  const body = json === undefined ? raw : JSON.stringify(json);
  const response = await fetch(`${url}${path}`, {
    method,
    headers: {
      ...(token !== undefined && { authorization: `Bearer ${token}` }),
      ...(json !== undefined && { 'content-type': 'application/json' }),
      ...headers,
    },
    ...(body !== undefined && { body }),
  });
  return toAnswer(response.status, response.headers, await response.text());
}

/** Writes bytes to the server's port and gives everything it says until it hangs up. */
export async function exchange(url: string, bytes: string | Buffer): Promise<string> {
  const socket = connect(Number(new URL(url).port), '127.0.0.1');
  const chunks: Buffer[] = [];
  socket.on('data', (chunk: Buffer) => chunks.push(chunk));
  // A server that has refused and hung up may answer the rest with a reset.
  socket.on('error', () => undefined);
  socket.write(bytes);
  await once(socket, 'close');
  return Buffer.concat(chunks).toString();
}

/** A raw answer of HTTP/1.1, as `exchange` gives it. */
export function parseAnswer(text: string): Answer {
  const [head = '', body = ''] = text.split('\r\n\r\n');
  const [statusLine = '', ...lines] = head.split('\r\n');
  const headers = new Headers(lines.map((line): [string, string] => [line.slice(0, line.indexOf(':')), line.slice(line.indexOf(':') + 1).trim()]));
  return toAnswer(Number(statusLine.split(' ')[1]), headers, body);
}

function toAnswer(status: number, headers: Headers, text: string): Answer {
  const type = headers.get('content-type') ?? '';
  const body: unknown = text === '' || !type.startsWith('application/json') ? undefined : JSON.parse(text);
  return { status, headers, type, cookies: headers.getSetCookie(), text, body };
}

export interface ErrorBody {
  code: ErrorCode;
  message: string;
  details?: { fields?: FieldProblem[] };
  requestId: string;
}

const uuid = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/** The answer is exactly `{code, message, details?, requestId}`, with a declared code, its status and its sentence. */
export function requireError(answer: Answer, ...expected: ErrorCode[]): ErrorBody {
  const body = answer.body as ErrorBody;
  assert.match(answer.type, /^application\/json/);
  assert.ok(errorCodes.includes(body.code), `${answer.status} ${answer.text} is not a declared error`);
  if (expected.length > 0) assert.ok(expected.includes(body.code), `${expected.join(' or ')} expected, got ${answer.text}`);
  assert.equal(answer.status, statusOf(body.code));
  assert.equal(body.message, sentenceOf(body.code));
  assert.match(body.requestId, uuid);
  assert.deepEqual(Object.keys(body).sort(), ['code', ...('details' in body ? ['details'] : []), 'message', 'requestId']);
  return body;
}

/** The answer is VALIDATION_FAILED, and names this field. */
export function requireInvalid(answer: Answer, field: string): void {
  const { details } = requireError(answer, 'VALIDATION_FAILED');
  const fields = (details?.fields ?? []).map((problem) => problem.field);
  assert.ok(fields.includes(field), `${field} expected among ${fields.join(', ')}`);
}

/** The process is still there and answers. */
export async function requireAlive(url: string): Promise<void> {
  const { status, body } = await ask(url, '/healthz');
  assert.deepEqual([status, body], [200, { status: 'ok' }]);
}
