/** Files over HTTP: they come in forms, and go whole or in ranges (RFC 9110, section 14). */
import { create as toDisposition } from 'content-disposition';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import parseRange from 'range-parser';
import { requireOperation } from '../../contracts.ts';
import type { Caller } from '../../core/contract.ts';
import type { ByteRange, Outgoing } from '../../core/media.ts';
import { strictObject } from '../../core/schemas.ts';
import { validate } from '../../core/validate.ts';
import type { Authenticate } from '../authenticate.ts';
import type { Dispatch } from '../dispatch.ts';
import { readFile } from './form.ts';
import type { Route } from './routes.ts';
import { tellStanding } from './standing.ts';

export interface FileRoutesOptions {
  dispatch: Dispatch;
  authenticate: Authenticate;
}

/** The field of a form that brings a file. */
const field = 'file';

/** Whatever is said of a file is in the form. */
const nothing = strictObject({});

const callers = new WeakMap<FastifyRequest, Caller>();

/** In a scope that takes forms. */
export function registerUpload(scope: FastifyInstance, { method, path, operation, status }: Route, { dispatch, authenticate }: FileRoutesOptions): void {
  scope.route({
    method,
    url: path,
    config: { streams: true },
    // Before anything is read of what comes.
    onRequest: async (request, reply) => {
      reply.header('cache-control', 'no-store');
      const caller = await authenticate.required(request);
      validate(nothing, request.query, 'text');
      callers.set(request, caller);
      tellStanding(reply, dispatch.admit(operation, caller));
    },
    handler: async (request, reply) => {
      const caller = callers.get(request) as Caller;
      const file = await readFile(request, field, () => authenticate.stands(caller));
      return reply.code(status).send(await dispatch.run(operation, caller, { file }));
    },
  });
}

export function registerDownload(app: FastifyInstance, { method, path, operation }: Route, { dispatch, authenticate }: FileRoutesOptions): void {
  const { input } = requireOperation(operation);
  app.route({
    method: [method, 'HEAD'],
    url: path,
    exposeHeadRoute: false,
    config: { streams: true },
    handler: async (request, reply) => {
      const caller = await authenticate.optional(request);
      tellStanding(reply, dispatch.admit(operation, caller));
      const place = validate(input, { ...(request.query as object), ...(request.params as object) }, 'text');
      return send(request, reply, (await dispatch.run(operation, caller, place)) as Outgoing);
    },
  });
}

async function send(request: FastifyRequest, reply: FastifyReply, file: Outgoing): Promise<FastifyReply> {
  const tag = `"${file.tag}"`;
  if (isKnown(request, tag)) return reply.code(304).headers(freshnessOf(file, tag)).send();
  const range = file.size === undefined ? undefined : rangeOf(request, tag, file.size);
  if (range === 'none') return reply.code(416).header('content-range', `bytes */${file.size}`).send();
  const content = await file.read(range);
  if (range) reply.code(206).header('content-range', `bytes ${range.start}-${range.end}/${file.size}`);
  const length = range ? range.end - range.start + 1 : file.size;
  reply.headers({ ...freshnessOf(file, tag), ...guardOf(file), ...(length !== undefined && { 'accept-ranges': 'bytes', 'content-length': length }) });
  if (request.method !== 'HEAD') return reply.send(content);
  content.destroy();
  return reply.send();
}

/** RFC 9110, section 13.1.2. */
const isKnown = ({ headers }: FastifyRequest, tag: string): boolean => (headers['if-none-match'] ?? '').split(',').some((one) => [tag, '*'].includes(one.trim().replace(/^W\//, '')));

/** One range; what asks for several, or for one of something else, is given all of it (RFC 9110, sections 13.1.5 and 14.2). */
function rangeOf({ headers: { range, 'if-range': ifRange } }: FastifyRequest, tag: string, size: number): ByteRange | 'none' | undefined {
  if (range === undefined || (ifRange !== undefined && ifRange !== tag)) return undefined;
  const found = parseRange(size, range);
  if (found === -1) return 'none';
  return typeof found === 'object' && found.type === 'bytes' && found.length === 1 ? found[0] : undefined;
}

/** Whoever has it asks each time whether they still may, unless it is for everybody and never another. */
const freshnessOf = ({ isPublic }: Outgoing, tag: string) => ({ etag: tag, 'cache-control': isPublic ? 'public, max-age=31536000, immutable' : 'private, no-cache' });

/** What is no image, sound or video is only ever downloaded, whatever a browser would make of it; and none of it runs. */
function guardOf({ kind, mime, name }: Outgoing) {
  const isShown = kind !== 'file';
  return {
    'content-type': isShown ? mime : 'application/octet-stream',
    'content-disposition': toDisposition(name, { type: isShown ? 'inline' : 'attachment' }),
    'content-security-policy': "default-src 'none'; sandbox",
    // A page of another site shows it by an address that only its own people have.
    'cross-origin-resource-policy': 'cross-origin',
  };
}
