/** Prints what the server is made of: its operations, events, routes and Fastify plugins. Needs no database. */
import Fastify from 'fastify';
import { events, operations, requireOperation, type OperationName } from '../src/contracts.ts';
import type { Operation } from '../src/core/contract.ts';
import { commonErrors, type ErrorCode } from '../src/core/errors.ts';
import type { Rate } from '../src/core/rate.ts';
import { createHub } from '../src/delivery/hub.ts';
import type { Services } from '../src/services.ts';
import type { Authenticate } from '../src/transports/authenticate.ts';
import type { Dispatch } from '../src/transports/dispatch.ts';
import { registerDocs } from '../src/transports/docs/index.ts';
import { googleRedirect } from '../src/transports/rest/google.ts';
import { accessErrors, bodyErrors, errorsOf, formErrors } from '../src/transports/rest/route.errors.ts';
import { registerRest } from '../src/transports/rest/index.ts';
import { linkOperations } from '../src/transports/rest/pages/index.ts';
import { routes } from '../src/transports/rest/routes.ts';
import { registerWebsocket } from '../src/transports/websocket/index.ts';

const width = 120;

function print(heading: string, lines: string[]): void {
  console.log(`${heading}\n${'='.repeat(heading.length)}\n`);
  console.log(`${lines.join('\n')}\n`);
}

/** Rows with every column but the last as wide as its longest cell. */
function toColumns(rows: string[][]): string[] {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  return rows.map((row) => row.map((cell, column) => (column < row.length - 1 ? cell.padEnd(widths[column] ?? 0) : cell)).join('  '));
}

/** A text broken at spaces, every line indented. */
function wrap(text: string, indent: number): string {
  const line = new RegExp(`(.{1,${width - indent}})(?:\\s+|$)`, 'g');
  return text.replace(line, `${' '.repeat(indent)}$1\n`).trimEnd();
}

/** A rate in words: "50 per second, bursts of 500, per caller". */
function toWords({ per, count, seconds, burst }: Rate): string {
  const units: Record<number, string> = { 1: 'second', 60: 'minute', 3600: 'hour', 86400: 'day' };
  return `${count} per ${units[seconds] ?? `${seconds} seconds`}${burst === undefined ? '' : `, bursts of ${burst}`}, per ${per}`;
}

const ofBodies = new Set<ErrorCode>([...bodyErrors, ...formErrors]);

/** Those that not every operation has, over REST or, where it has no route, over the websocket. */
function findErrors(name: string, { access, errors }: Pick<Operation, 'access' | 'errors'>): ErrorCode[] {
  const found = routes.filter(({ operation }) => operation === name).flatMap(errorsOf);
  return [...new Set([...found, ...accessErrors[access], ...errors])].filter((code) => !ofBodies.has(code));
}

function describeOperations(): string[] {
  const heads = toColumns(
    [...operations].map(([name, { access }]) => [name, access, routes.filter((route) => route.operation === name).map(({ method, path }) => `${method} ${path}`).join(', ')]),
  );
  const entries = [...operations].flatMap(([name, operation], index) => [
    heads[index] ?? '',
    wrap(operation.summary, 4),
    wrap(`Rate: ${toWords(operation.rate)}`, 4),
    wrap(`Errors: ${findErrors(name, operation).join(', ') || 'those of every operation'}`, 4),
    '',
  ]);
  return [...entries, wrap(`Errors of every operation: ${commonErrors.join(', ')}`, 0), wrap(`Of every body over HTTP: ${bodyErrors.join(', ')}`, 0), wrap(`Of every form with a file: ${formErrors.join(', ')}`, 0)];
}

/** What is there for browsers alone. */
function describePages(): string[] {
  const { paths, operation: signIn, errors } = googleRedirect;
  const toRow = (route: string, operation: OperationName, own: readonly ErrorCode[] = []): string[] => [
    route,
    requireOperation(operation).access,
    `as ${operation}: its rate, ${['its errors', ...own].join(', ')}`,
  ];
  return toColumns([
    ...paths.map((path) => toRow(`GET ${path}`, signIn, errors)),
    ...Object.entries(linkOperations).map(([name, operation]) => toRow(`POST /${name}`, operation)),
  ]);
}

/** Fastify's tree of plugins without its own markers and times. */
function describePlugins(tree: string): string[] {
  const lines = tree.split('\n').filter((line) => /\S/.test(line) && !line.includes('bound _after'));
  return lines.map((line) => line.replace(/[│├└─┬]/g, ' ').replace(/ \d+ ms$/, ''));
}

/** The wires on parts that do nothing: enough for Fastify to know its plugins and routes. */
async function wiresAlone(): Promise<{ plugins: string; routes: string }> {
  const nothing = (): Promise<never> => Promise.reject(new Error('Nothing runs here.'));
  const dispatch: Dispatch = { admit: () => ({ limit: 0, remaining: 0, reset: 0 }), call: nothing, run: nothing };
  const authenticate: Authenticate = { required: nothing, optional: nothing, stands: nothing };
  const publicUrl = 'http://127.0.0.1:3000';
  const app = Fastify();
  await registerWebsocket(app, { hub: createHub(), dispatch, authenticate, rates: { countConnect: () => undefined }, chats: {} as Services['chats'], presence: {} as Services['presence'], heartbeatMilliseconds: 30_000, tokenGrace: 60_000 });
  await registerRest(app, { auth: { googleHome: '/', startGoogle: nothing, resumeGoogle: nothing }, dispatch, authenticate, publicUrl, appUrl: undefined, origins: [], isReady: nothing });
  await registerDocs(app, publicUrl);
  await app.ready();
  const printed = { plugins: app.printPlugins(), routes: app.printRoutes({ commonPrefix: false }) };
  await app.close();
  return printed;
}

const wires = await wiresAlone();
print('Operations: name, who may call, REST', describeOperations());
print('Events', toColumns([...events].map(([name, { summary }]) => [name, summary])));
print('The REST table', toColumns(routes.map(({ method, path, operation, status, cookie }) => [method, path, '→', operation, `${status}${cookie ? ', refresh token in a cookie' : ''}`])));
print('Pages and redirects: who may come, and as what it counts', describePages());
print('Every route, as Fastify has it', [wires.routes.trimEnd()]);
print('The plugins of the wires, as Fastify has them', describePlugins(wires.plugins));
