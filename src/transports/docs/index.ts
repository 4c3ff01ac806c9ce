/** The documents: `/openapi.json`, `/asyncapi.json`, and `/docs` to try things out. */
import swagger, { type StaticDocumentSpec } from '@fastify/swagger';
import swaggerUi from '@fastify/swagger-ui';
import type { FastifyInstance } from 'fastify';
import { asyncApiDocument } from './asyncapi.ts';
import { openApiDocument } from './openapi.ts';

export async function registerDocs(app: FastifyInstance, publicUrl: string): Promise<void> {
  const openApi = openApiDocument(publicUrl);
  const asyncApi = asyncApiDocument(publicUrl);
  app.get('/openapi.json', () => openApi);
  app.get('/asyncapi.json', () => asyncApi);
  await app.register(swagger, { mode: 'static', specification: { document: openApi as unknown as StaticDocumentSpec['document'] } });
  await app.register(swaggerUi, { routePrefix: '/docs', staticCSP: true });
}
