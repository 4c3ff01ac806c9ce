/** The documents: `/openapi.json`, `/asyncapi.json`, and `/docs` to try things out. */
import swagger, { type StaticDocumentSpec } from '@fastify/swagger';
import swaggerUi from '@fastify/swagger-ui';
import type { FastifyInstance } from 'fastify';
import { asyncApiDocument } from './asyncapi.ts';
import { openApiDocument } from './openapi.ts';

export async function registerDocs(app: FastifyInstance, publicUrl: string): Promise<void> {
  const openApi = madeOnce(() => openApiDocument(publicUrl));
  const asyncApi = madeOnce(() => asyncApiDocument(publicUrl));
  app.get('/openapi.json', openApi);
  app.get('/asyncapi.json', asyncApi);
  await app.register(swagger, { mode: 'static', specification: { document: { toJSON: openApi } as unknown as StaticDocumentSpec['document'] } });
  await app.register(swaggerUi, { routePrefix: '/docs', staticCSP: contentSecurityPolicy(publicUrl) });
}

/** Not before somebody asks: no start waits for it. */
function madeOnce<T>(make: () => T): () => T {
  let made: T | undefined;
  return () => (made ??= make());
}

/** Swagger UI's own files and pictures, and requests to the server under any name it is reached by. */
const contentSecurityPolicy = (publicUrl: string): Record<string, string[]> => ({
  'default-src': ["'self'"],
  'connect-src': ["'self'", new URL(publicUrl).origin],
  'img-src': ["'self'", 'data:'],
  'style-src': ["'self'", "'unsafe-inline'"],
  'object-src': ["'none'"],
  'base-uri': ["'self'"],
  'frame-ancestors': ["'self'"],
});
