/** Files in pieces: the core of the tus protocol (tus.io/protocols/resumable-upload, version 1.0.0). Its files are made by `files.create`. */
import { Readable } from 'node:stream';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { requireOperation } from '../../contracts.ts';
import type { Caller } from '../../core/contract.ts';
import { AppError } from '../../core/errors.ts';
import { strictObject } from '../../core/schemas.ts';
import { validate } from '../../core/validate.ts';
import type { FileRoutesOptions } from './files.ts';
import { partsOf, pieceType } from './parts.ts';
import type { Route } from './routes.ts';
import { tellStanding } from './standing.ts';

const version = '1.0.0';

/** What pages of other origins have to see of the answers. */
export const tusHeaders = ['tus-resumable', 'tus-version', 'upload-offset', 'upload-length'];

/** Whatever is said of a piece is in the headers. */
const nothing = strictObject({});

const callers = new WeakMap<FastifyRequest, Caller>();

/** In a scope of their own: nothing else comes as pieces do. */
export async function registerPieces(scope: FastifyInstance, routes: readonly Route[], options: FileRoutesOptions): Promise<void> {
  scope.removeAllContentTypeParsers();
  scope.addContentTypeParser(pieceType, (_request, content, done) => done(null, content));
  for (const route of routes) registerPiece(scope, route, options);
}

function registerPiece(scope: FastifyInstance, route: Route, { dispatch, authenticate }: FileRoutesOptions): void {
  const { method, path, operation, status } = route;
  const { input } = requireOperation(operation);
  scope.route({
    method,
    url: path,
    config: { streams: true },
    // Before anything is read of what comes.
    onRequest: async (request, reply) => {
      reply.headers({ 'cache-control': 'no-store', 'tus-resumable': version, 'tus-version': version });
      const caller = await authenticate.required(request);
      callers.set(request, caller);
      tellStanding(reply, dispatch.admit(operation, caller));
      validate(nothing, request.query, 'text');
      validate(partsOf(route).params, request.params, 'text');
      if (request.headers['tus-resumable'] !== version) throw new AppError('TUS_VERSION');
    },
    handler: async (request, reply) => {
      const { 'upload-offset': offset, 'content-length': length } = request.headers;
      const given = validate(input, { ...(request.params as object), ...(method === 'PATCH' && { offset, length, content: request.body ?? Readable.from([]) }) }, 'text');
      const { offset: come, size } = (await dispatch.run(operation, callers.get(request) as Caller, given).catch((error: unknown) => fail(request, error))) as { offset: number; size?: number };
      return reply.code(status).headers({ 'upload-offset': come, ...(size !== undefined && { 'upload-length': size }) }).send();
    },
  });
}

/** Nobody hears what becomes of a piece whose connection has broken, and nothing is wrong. */
function fail({ raw }: FastifyRequest, error: unknown): never {
  throw raw.errored && !(error instanceof AppError) ? new AppError('BAD_REQUEST', undefined, { cause: error }) : error;
}
