/** The REST API as an OpenAPI 3.1 document, from the contract and the table of routes alone. */
import { requireOperation } from '../../contracts.ts';
import { commonErrors, sentenceOf, statusOf, type ErrorCode } from '../../core/errors.ts';
import { partsOf } from '../rest/parts.ts';
import { routes, type Route } from '../rest/routes.ts';
import { createComponents, type Components, type JsonSchema } from './components.ts';

const bearer = 'bearer';

const errorSchema: JsonSchema = {
  title: 'Error',
  type: 'object',
  required: ['code', 'message', 'requestId'],
  properties: {
    code: { type: 'string', description: 'Stable: decide by this.' },
    message: { type: 'string', description: 'For people.' },
    details: { type: 'object', description: 'With VALIDATION_FAILED: `fields`, a list of {field, problem}.' },
    requestId: { type: 'string', description: 'Finds the request in the log of the server.' },
  },
};

export function openApiDocument(publicUrl: string): JsonSchema {
  const components = createComponents();
  const paths: Record<string, JsonSchema> = {};
  for (const route of routes) {
    const path = route.path.replace(/:(\w+)/g, '{$1}');
    paths[path] = { ...paths[path], [route.method.toLowerCase()]: describeRoute(route, components) };
  }
  return {
    openapi: '3.1.0',
    info: {
      title: 'Parley',
      version: '1',
      description: 'A messenger. Everything here is also a method of the websocket at `/ws`: see `/asyncapi.json`.',
      license: { name: 'MIT', identifier: 'MIT' },
    },
    servers: [{ url: publicUrl }],
    tags: [...new Set(routes.map(tagOf))].map((name) => ({ name })),
    paths,
    components: {
      securitySchemes: { [bearer]: { type: 'http', scheme: 'bearer', bearerFormat: 'JWT' } },
      schemas: components.schemas,
    },
  };
}

const tagOf = (route: Route): string => route.operation.split('.')[0] ?? '';

function describeRoute(route: Route, components: Components): JsonSchema {
  const { summary, access, output, errors } = requireOperation(route.operation);
  const { params, querystring, body } = partsOf(route);
  const success: JsonSchema = route.status === 204 ? { description: 'Done.' } : { description: 'Done.', content: json(components.refer(output)) };
  return {
    operationId: route.operation,
    summary,
    tags: [tagOf(route)],
    security: access === 'user' ? [{ [bearer]: [] }] : [],
    parameters: [...parametersOf('path', params, components), ...(querystring ? parametersOf('query', querystring, components) : [])],
    ...(body && { requestBody: { required: body.required.length > 0, content: json(components.refer(body)) } }),
    responses: { [route.status]: success, ...errorResponses([...commonErrors, ...(access === 'user' ? (['UNAUTHENTICATED'] as const) : []), ...errors], components) },
  };
}

const json = (schema: JsonSchema): JsonSchema => ({ 'application/json': { schema } });

function parametersOf(where: 'path' | 'query', part: { properties: Record<string, object>; required: string[] }, components: Components): JsonSchema[] {
  return Object.entries(part.properties).map(([name, schema]) => ({
    name,
    in: where,
    required: part.required.includes(name),
    schema: components.refer(schema),
  }));
}

function errorResponses(codes: readonly ErrorCode[], components: Components): JsonSchema {
  const schema = components.refer(errorSchema);
  const statuses = [...new Set(codes.map(statusOf))];
  return Object.fromEntries(
    statuses.map((status) => {
      const sentences = codes.filter((code) => statusOf(code) === status).map((code) => `\`${code}\`: ${sentenceOf(code)}`);
      return [status, { description: sentences.join('\n\n'), content: json(schema) }];
    }),
  );
}
