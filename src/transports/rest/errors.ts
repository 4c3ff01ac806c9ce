/** How errors leave over HTTP: `{code, message, details?, requestId}` with the status of the table, whatever went wrong. */
import { randomUUID } from 'node:crypto';
import type { Socket } from 'node:net';
import type { FastifyError, FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { AppError, statusOf, toAppError, toWire, type ErrorCode } from '../../core/errors.ts';
import { tellWait } from './standing.ts';

/** Fastify's own refusals, in our words. */
const fastifyErrors: Record<string, ErrorCode> = {
  FST_ERR_CTP_INVALID_MEDIA_TYPE: 'UNSUPPORTED_MEDIA_TYPE',
  FST_ERR_CTP_BODY_TOO_LARGE: 'PAYLOAD_TOO_LARGE',
  FST_ERR_CTP_INVALID_JSON_BODY: 'MALFORMED_JSON',
};

/** For refusals that leave before any hook has run: what other answers carry, as far as it matters to such a one. */
const plainHeaders = {
  'content-security-policy': "default-src 'none';frame-ancestors 'none'",
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
};
const plainHeaderLines = Object.entries(plainHeaders).map(([name, value]) => `${name}: ${value}\r\n`).join('');

export function registerErrors(app: FastifyInstance): void {
  app.setErrorHandler(answerError);
  app.setNotFoundHandler((request, reply) => answerError(new AppError('NOT_FOUND'), request, reply));
}

/** Answers an error; what nobody expected is INTERNAL to the caller. */
export function answerError(error: unknown, request: FastifyRequest, reply: FastifyReply): FastifyReply {
  const appError = toToldError(error, request);
  tellWait(reply, appError);
  if (appError.code === 'UNAUTHENTICATED') reply.header('www-authenticate', 'Bearer');
  // Once a client asked for an upgrade, node:http looks after its socket no more; left open, it would outlive the server.
  if (request.headers.upgrade !== undefined) reply.raw.once('finish', () => request.raw.socket.destroySoon());
  return reply.code(statusOf(appError.code)).send({ ...toWire(appError), requestId: request.id });
}

/** What Fastify refuses before it has looked for a route, such as an address that cannot be decoded. */
export function answerFrameworkError(error: unknown, request: FastifyRequest, reply: FastifyReply): FastifyReply {
  return answerError(error, request, reply.headers(plainHeaders));
}

/** What the client is told of an error, however it is spelled; what nobody expected goes to the log, whole. */
export function toToldError(error: unknown, request: FastifyRequest): AppError {
  const appError = fromFastify(error) ?? toAppError(error);
  if (appError.cause !== undefined) request.log.error({ err: appError.cause }, appError.code);
  return appError;
}

function fromFastify(error: unknown): AppError | undefined {
  const { code = '', statusCode = 500 } = (error ?? {}) as Partial<FastifyError>;
  const known = fastifyErrors[code];
  if (known) return new AppError(known);
  return error instanceof Error && !(error instanceof AppError) && statusCode < 500 ? new AppError(error instanceof SyntaxError ? 'MALFORMED_JSON' : 'BAD_REQUEST') : undefined;
}

/** What is not even HTTP: there is no request to answer, only a socket; none either where TLS did not come about. */
export function answerClientError(error: Error & { code?: string }, socket: Socket): void {
  if (!socket.writable || error.code === 'ERR_TLS_HANDSHAKE_TIMEOUT') return void socket.destroy();
  const body = JSON.stringify({ ...toWire(new AppError('BAD_REQUEST')), requestId: randomUUID() });
  socket.end(`HTTP/1.1 400 Bad Request\r\nConnection: close\r\n${plainHeaderLines}Content-Type: application/json\r\nContent-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`);
}
