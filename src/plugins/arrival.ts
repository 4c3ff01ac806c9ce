/** How long a request may take to arrive. Node's own limit is the same for all, and a large file takes longer than any other body. */
import type { FastifyInstance, FastifyRequest } from 'fastify';

declare module 'fastify' {
  interface FastifyContextConfig {
    /** It brings or takes bytes for as long as it takes, so long as some come or go. */
    streams?: true;
  }
}

/** Milliseconds for a request to arrive whole. */
const wholeWithin = 60_000;

/** Milliseconds in which something has to come, or to be taken, where it streams. */
const somethingWithin = 30_000;

export function registerArrival(app: FastifyInstance): void {
  app.server.requestTimeout = 0;
  app.addHook('onRequest', (request, _reply, done) => {
    if (request.routeOptions.config.streams) request.raw.setTimeout(somethingWithin, () => request.raw.destroy());
    else if (hasBody(request)) expectWhole(request);
    done();
  });
}

/** RFC 9112, section 6.3. */
const hasBody = ({ headers }: FastifyRequest): boolean => headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0;

function expectWhole({ raw }: FastifyRequest): void {
  const timer = setTimeout(() => raw.destroy(), wholeWithin).unref();
  raw.once('close', () => clearTimeout(timer));
}
