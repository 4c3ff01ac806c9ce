/** Files over HTTP: they come as multipart/form-data (RFC 7578), and go whole or in ranges (RFC 9110, section 14). */
import { Readable } from 'node:stream';
import multipart from '@fastify/multipart';
import { create as toDisposition } from 'content-disposition';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import parseRange from 'range-parser';
import { requireOperation } from '../../contracts.ts';
import type { Caller } from '../../core/contract.ts';
import { AppError } from '../../core/errors.ts';
import type { Incoming, Outgoing } from '../../core/media.ts';
import { strictObject } from '../../core/schemas.ts';
import { validate } from '../../core/validate.ts';
import type { Authenticate } from '../authenticate.ts';
import type { Dispatch } from '../dispatch.ts';
import { routes, type Route } from './routes.ts';
import { tellStanding } from './standing.ts';

export interface FileRoutesOptions {
  dispatch: Dispatch;
  authenticate: Authenticate;
}

/** The field of a form that brings a file. */
export const fileField = 'file';

export async function registerFiles(app: FastifyInstance, options: FileRoutesOptions): Promise<void> {
  // In a scope of its own: other routes take no such body.
  await app.register(async (scope) => {
    await scope.register(multipart, { limits: { files: 1, fields: 0, fileSize: Infinity } });
    for (const route of routes.filter(({ bytes }) => bytes === 'in')) registerUpload(scope, route, options);
  });
  for (const route of routes.filter(({ bytes }) => bytes === 'out')) registerDownload(app, route, options);
}

/** Whatever is said of a file is in the form. */
const nothing = strictObject({});

const callers = new WeakMap<FastifyRequest, Caller>();

function registerUpload(app: FastifyInstance, { method, path, operation, status }: Route, { dispatch, authenticate }: FileRoutesOptions): void {
  app.route({
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
      const file = await readFile(request, () => authenticate.stands(caller));
      return reply.code(status).send(await dispatch.run(operation, caller, { file }));
    },
  });
}

/** @param stands asked when all has come: that takes its time, and the session may have ended meanwhile */
async function readFile(request: FastifyRequest, stands: () => Promise<boolean>): Promise<Incoming> {
  if (!request.isMultipart()) throw new AppError('UNSUPPORTED_MEDIA_TYPE');
  const part = await request.file().catch(toFormError);
  if (part?.fieldname !== fileField) throw new AppError('FILE_MISSING');
  const content = async function* () {
    try {
      yield* part.file;
    } catch (error) {
      toFormError(error);
    }
    if (!(await stands())) throw new AppError('UNAUTHENTICATED');
  };
  const announced = request.headers['content-length'];
  return { name: part.filename, content: Readable.from(content(), { objectMode: false }), ...(announced !== undefined && { announced: Number(announced) }) };
}

/** What is no form is told so, whatever the parser says of it. */
function toFormError(error: unknown): never {
  const { code = '' } = error as { code?: string };
  throw new AppError(code.endsWith('_LIMIT') ? 'FILE_MISSING' : 'BAD_REQUEST');
}

function registerDownload(app: FastifyInstance, { method, path, operation }: Route, { dispatch, authenticate }: FileRoutesOptions): void {
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

/** What is shown in a page; the rest is only ever downloaded, whatever a browser would make of it. */
const isShown = ({ kind }: Outgoing): boolean => kind !== 'file';

async function send(request: FastifyRequest, reply: FastifyReply, file: Outgoing): Promise<FastifyReply> {
  const tag = `"${file.tag}"`;
  reply.headers({
    etag: tag,
    // Whoever has it asks each time whether they still may.
    'cache-control': 'private, no-cache',
    'content-type': isShown(file) ? file.mime : 'application/octet-stream',
    'content-disposition': toDisposition(file.name, { type: isShown(file) ? 'inline' : 'attachment' }),
    'content-security-policy': "default-src 'none'; sandbox",
    // A page of another site shows it by an address that only its own people have.
    'cross-origin-resource-policy': 'cross-origin',
    ...(file.size !== undefined && { 'accept-ranges': 'bytes' }),
  });
  if (isKnown(request, tag)) return reply.code(304).send();
  return file.size === undefined ? sendWhole(request, reply, file) : sendPart(request, reply, { ...file, size: file.size });
}

/** RFC 9110, section 13.1.2. */
const isKnown = ({ headers }: FastifyRequest, tag: string): boolean => (headers['if-none-match'] ?? '').split(',').some((one) => [tag, '*'].includes(one.trim().replace(/^W\//, '')));

async function sendWhole({ method }: FastifyRequest, reply: FastifyReply, { read }: Outgoing): Promise<FastifyReply> {
  return reply.send(method === 'HEAD' ? undefined : await read());
}

/** One range; what asks for several is given all of it (RFC 9110, section 14.2). */
async function sendPart(request: FastifyRequest, reply: FastifyReply, file: Outgoing & { size: number }): Promise<FastifyReply> {
  const { range: asked, 'if-range': ifRange } = request.headers;
  const ranges = asked === undefined || (ifRange !== undefined && ifRange !== reply.getHeader('etag')) ? -2 : parseRange(file.size, asked);
  if (ranges === -1) return reply.code(416).header('content-range', `bytes */${file.size}`).removeHeader('content-disposition').send();
  const [range] = typeof ranges === 'object' && ranges.type === 'bytes' && ranges.length === 1 ? ranges : [];
  if (range) reply.code(206).header('content-range', `bytes ${range.start}-${range.end}/${file.size}`);
  reply.header('content-length', range ? range.end - range.start + 1 : file.size);
  return reply.send(request.method === 'HEAD' ? undefined : await file.read(range));
}
