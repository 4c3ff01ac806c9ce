/** REST: each row of the table becomes a Fastify route that checks, runs and answers its operation. */
import { isUtf8 } from 'node:buffer';
import cookie from '@fastify/cookie';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { requireOperation } from '../../contracts.ts';
import type { Caller, Guest } from '../../core/contract.ts';
import { AppError } from '../../core/errors.ts';
import { strictObject } from '../../core/schemas.ts';
import { toFieldProblems, validatorOf } from '../../core/validate.ts';
import { guestOf, type Authenticate } from '../authenticate.ts';
import type { Dispatch } from '../dispatch.ts';
import { registerProbes } from './probes.ts';
import { createRefreshCookie, type RefreshCookie } from './refresh.cookie.ts';
import { createRequireOrigin, type RequireOrigin } from './origin.ts';
import { registerDownload, registerUpload } from './files.ts';
import { registerForms, runForm } from './form.ts';
import { registerGoogle, type GoogleRoutesOptions } from './google.ts';
import { registerPages } from './pages/index.ts';
import { partsOf } from './parts.ts';
import { routes, type Route } from './routes.ts';
import { tellStanding } from './standing.ts';
import { registerPieces } from './tus.ts';

export interface RestOptions {
  auth: GoogleRoutesOptions['auth'];
  dispatch: Dispatch;
  authenticate: Authenticate;
  publicUrl: string;
  appUrl: string | undefined;
  /** The other origins whose pages may call the API with cookies. */
  origins: readonly string[];
  isReady: () => Promise<boolean>;
}

/** Where an operation takes no field, none is let through: what is not checked must not reach it. */
const nothing = strictObject({});

/** Who asks, as far as their headers tell. */
const callers = new WeakMap<FastifyRequest, Guest | Caller>();

interface Browser {
  refreshCookie: RefreshCookie;
  requireOrigin: RequireOrigin;
}

export async function registerRest(app: FastifyInstance, options: RestOptions): Promise<void> {
  readJsonOnly(app);
  await app.register(cookie);
  registerProbes(app, options.isReady);
  const browser: Browser = {
    refreshCookie: createRefreshCookie(options.publicUrl, options.appUrl),
    requireOrigin: createRequireOrigin(options.publicUrl, options.origins),
  };
  registerGoogle(app, { ...options, refreshCookie: browser.refreshCookie });
  for (const route of routes.filter(({ bytes, form }) => !bytes && !form)) registerRoute(app, route, options, browser);
  for (const route of routes.filter(({ bytes }) => bytes === 'out')) registerDownload(app, route, options);
  await app.register(async (scope) => registerPieces(scope, routes.filter(({ bytes }) => bytes === 'pieces'), options));
  await app.register(async (scope) => {
    await registerForms(scope);
    for (const route of routes.filter(({ form }) => form)) registerRoute(scope, route, options, browser);
    for (const route of routes.filter(({ bytes }) => bytes === 'in')) registerUpload(scope, route, options);
  });
  await registerPages(app, options);
}

/**
 * JSON is UTF-8 (RFC 8259, section 8.1). Fastify would replace what is not, and the mangled text would be kept. Many clients
 * say JSON where they send no body; that is an empty one, and not undefined: it may have taken its time to be none.
 */
function readJsonOnly(app: FastifyInstance): void {
  const parse = app.getDefaultJsonParser('error', 'error');
  app.removeAllContentTypeParsers();
  app.addContentTypeParser<Buffer>('application/json', { parseAs: 'buffer' }, (request, body, done) => {
    if (body.length === 0) done(null, {});
    else if (isUtf8(body)) void parse(request, body.toString(), done);
    else done(new AppError('MALFORMED_JSON'));
  });
}

function registerRoute(app: FastifyInstance, route: Route, { dispatch, authenticate }: RestOptions, { refreshCookie, requireOrigin }: Browser): void {
  const { access, input: schema } = requireOperation(route.operation);
  const takesToken = route.cookie && 'refreshToken' in schema.properties;
  const identify = async (request: FastifyRequest): Promise<Guest | Caller> => {
    const caller = await (access !== 'anyone' ? authenticate.required(request) : authenticate.optional(request));
    callers.set(request, caller);
    return caller;
  };
  // A body takes its time to come, and the session may have ended meanwhile.
  const identifyAgain = async (request: FastifyRequest): Promise<Guest | Caller> => {
    const caller = callers.get(request) as Guest | Caller;
    return request.body === undefined || !('userId' in caller) || (await authenticate.stands(caller)) ? caller : guestOf(request);
  };
  app.route({
    method: route.method,
    url: route.path,
    schema: { querystring: nothing, ...(route.method === 'DELETE' && !route.body && { body: nothing }), ...partsOf(route) },
    validatorCompiler: ({ schema, httpPart }) => checkPart(schema, httpPart),
    // Before the body is read: a stranger's megabyte is not parsed.
    onRequest: async (request, reply) => {
      // What people say, and tokens above all, is for nobody's cache (RFC 9111, section 5.2.2.5).
      reply.header('cache-control', 'no-store');
      if (route.cookie) requireOrigin(request);
      tellStanding(reply, dispatch.admit(route.operation, await identify(request)));
    },
    ...(route.form && { config: { streams: true } }),
    handler: async (request, reply) => {
      if (route.form && request.isMultipart()) return reply.code(route.status).send(await runForm({ dispatch, authenticate }, route, request, callers.get(request) as Caller));
      const given = { ...asObject(request.query), ...asObject(request.body), ...asObject(request.params) };
      const input = takesToken ? refreshCookie.fill(request, given) : given;
      const result = await dispatch.run(route.operation, await identifyAgain(request), input);
      const body = route.cookie ? refreshCookie.move(reply, given, result) : result;
      return reply.code(route.status).send(route.status === 204 ? undefined : body);
    },
  });
}

const asObject = (part: unknown): Record<string, unknown> => (part ?? {}) as Record<string, unknown>;

/** Fastify's form of a check, over the one validator: an absent body counts as an empty one. */
function checkPart(schema: object, httpPart: string | undefined) {
  return (data: unknown) => {
    const value: unknown = data ?? {};
    // Compiled by the first request: with those of all routes a start would take a sixth longer.
    const check = validatorOf(schema, httpPart === 'body' ? 'json' : 'text');
    return check(value) ? { value } : { error: new AppError('VALIDATION_FAILED', { fields: toFieldProblems(check.errors ?? []) }) };
  };
}
