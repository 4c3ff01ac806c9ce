/** The doors that people come through, and what they are answered there, in a form that can be compared byte for byte. */
import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import { WebSocket } from 'ws';
import { operations } from '../../src/contracts.ts';
import type { ErrorCode } from '../../src/core/errors.ts';
import { routes } from '../../src/transports/rest/routes.ts';
import { ask } from '../transports/ask.ts';
import { toForm, toPiece, tus } from './files.ts';
import type { Outcome } from './matrix.ts';
import type { Someone } from './matrix.world.ts';
import type { RpcError } from './socket.ts';

export interface Answer {
  got: Outcome;
  text: string;
  /** All of it, but for what no two answers share: the id of the request, the time, what is left of the rate. Ids are left out as well. */
  comparable: string;
}

export type Door = (name: string, input: object, who: Someone) => Promise<Answer>;

export const hasRoute = (name: string): boolean => operations.get(name)?.wire !== 'websocket';
export const hasMethod = (name: string): boolean => operations.get(name)?.wire !== 'http';

const ownHeaders = new Set(['date', 'ratelimit-remaining', 'ratelimit-reset']);

/** What an answer to HEAD means: it has no body that says so. */
const withoutBody: Record<number, ErrorCode> = { 401: 'UNAUTHENTICATED', 404: 'FILE_NOT_FOUND' };

export const restOf = (url: string): Door => async (name, input, { token }) => {
  const route = routes.find(({ operation }) => operation === name);
  if (!route) throw new Error(`${name} has no route`);
  const rest = new Map(Object.entries(input));
  const path = route.path.replace(/:(\w+)/g, (_, key: string) => {
    const value = String(rest.get(key));
    rest.delete(key);
    return encodeURIComponent(value);
  });
  const inQuery = (route.method === 'GET' || route.method === 'DELETE') && !route.body;
  const query = inQuery && rest.size > 0 ? `?${new URLSearchParams([...rest].map(([key, value]): [string, string] => [key, String(value)])).toString()}` : '';
  const body = route.bytes === 'in' ? await toForm('a text') : route.bytes === 'pieces' ? (route.method === 'HEAD' ? { headers: tus } : toPiece('')) : { ...(!inQuery && { json: Object.fromEntries(rest) }) };
  const answer = await ask(url, `${path}${query}`, { method: route.method, ...(token !== undefined && { token }), ...body });
  const headers = [...answer.headers].filter(([key]) => !ownHeaders.has(key));
  const got = answer.status < 300 ? 'ok' : route.method === 'HEAD' ? withoutBody[answer.status] ?? 'INTERNAL' : (answer.body as { code: ErrorCode }).code;
  return { got, text: answer.text, comparable: masked(JSON.stringify([answer.status, headers, answer.text])) };
};

/** The socket that they listen on; whoever has none is refused where they want to open one. */
export const socketAt = (url: string): Door => async (name, input, { isSignedIn, token, socket }) => {
  if (!socket || !isSignedIn) return tryUpgrade(url, token);
  const outcome = await socket.call(name, input).then((result) => ({ result }), (error: unknown) => ({ error: error as RpcError }));
  const text = JSON.stringify('error' in outcome ? { ...outcome.error, message: outcome.error.message } : outcome);
  return { got: 'error' in outcome ? ((outcome.error.data?.code ?? 'INTERNAL') as ErrorCode) : 'ok', text, comparable: masked(text) };
};

async function tryUpgrade(url: string, token: string | undefined): Promise<Answer> {
  const webSocket = new WebSocket(`${url.replace('http', 'ws')}/ws`, { headers: token === undefined ? {} : { authorization: `Bearer ${token}` } });
  const refused = once(webSocket, 'unexpected-response') as Promise<[unknown, IncomingMessage]>;
  const response = await Promise.race([refused.then(([, given]) => given), once(webSocket, 'open').then(() => undefined)]);
  if (!response) {
    webSocket.terminate();
    return { got: 'ok', text: '', comparable: '' };
  }
  const text = Buffer.concat(await response.toArray()).toString();
  return { got: (JSON.parse(text) as { code: ErrorCode }).code, text, comparable: masked(text) };
}

/** Of a cursor its fields count: the time in it is always another. */
const masked = (text: string): string =>
  text
    .replace(/[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}|[0-9a-f]{24}/g, '<id>')
    .replace(/(\\?"cursor\\?":\\?")([\w-]+)/g, (_, before: string, cursor: string) => `${before}${Buffer.from(cursor, 'base64url').toString().replace(/\d{13}/g, '<time>')}`);
