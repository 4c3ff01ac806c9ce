/** The REST API as an OpenAPI 3.1 document, from the contract and the table of routes alone. */
import { requireOperation, type Feature } from '../../contracts.ts';
import { commonErrors, sentenceOf, statusOf, type ErrorCode } from '../../core/errors.ts';
import { partsOf, pieceType } from '../rest/parts.ts';
import { errorsOf } from '../rest/route.errors.ts';
import { routes, type Route } from '../rest/routes.ts';
import { asGiven, createComponents, type Components, type JsonSchema } from './components.ts';

const bearer = 'bearer';

const tags: Record<Feature, string> = {
  users: 'People: who I am, and who others are.',
  security: 'What has happened to my account.',
  sessions: 'Where I am signed in.',
  totp: 'The second factor: codes from an authenticator app.',
  auth: 'Signing up, in and out, and keeping a session alive.',
  blocks: 'Blocking: who cannot reach me.',
  chats: 'Conversations: opening one, and the list of mine.',
  groups: 'Groups: making them, who is in them and as what, and how they end.',
  messages: 'Messages: sending, reading, changing, and catching up after an absence.',
  search: 'Search: messages of mine by the words in them.',
  files: 'Files: what is sent along with messages.',
  presence: 'Presence: who is here, and who is typing.',
  account: 'My address, my password, my Google account, and the end of all that.',
};

const errorSchema: JsonSchema = {
  title: 'Error',
  type: 'object',
  required: ['code', 'message', 'requestId'],
  properties: {
    code: { type: 'string', description: 'Stable: decide by this.' },
    message: { type: 'string', description: 'For people.' },
    details: { type: 'object', description: 'With VALIDATION_FAILED: `fields`, a list of {field, problem}. With RATE_LIMITED: `retryAfter`, in seconds. With SECOND_FACTOR_REQUIRED: `challengeToken`, and in `expiresIn` the seconds for which it is good.' },
    requestId: { type: 'string', description: 'Finds the request in the log of the server.' },
  },
};

/** The headers of `rest/standing.ts`. The RateLimit fields come with every answer to who may call; here they are told where they matter. */
const headers: Record<string, JsonSchema> = {
  'Retry-After': { description: 'Seconds until a request passes.', schema: { type: 'integer', minimum: 1 } },
  'RateLimit-Limit': { description: 'Requests at once, after a rest.', schema: { type: 'integer', minimum: 1 } },
  'RateLimit-Remaining': { description: 'Requests that would pass now.', schema: { type: 'integer', minimum: 0 } },
  'RateLimit-Reset': { description: 'Seconds until the whole limit is there again; with `Retry-After` the same as that.', schema: { type: 'integer', minimum: 1 } },
};
const headerRefs = Object.fromEntries(Object.keys(headers).map((name) => [name, { $ref: `#/components/headers/${name}` }]));

export function openApiDocument(publicUrl: string): JsonSchema {
  const components = createComponents();
  const paths: Record<string, JsonSchema> = {};
  for (const route of routes) {
    const path = route.path.replace(/:(\w+)/g, '{$1}');
    const nth = routes.filter(({ operation }) => operation === route.operation).indexOf(route);
    // An id may occur once in a document; further ways to the same operation carry their method, and the third its number.
    const operationId = [route.operation, ...(nth > 0 ? [route.method.toLowerCase()] : []), ...(nth > 1 ? [nth + 1] : [])].join(':');
    paths[path] = { ...paths[path], [route.method.toLowerCase()]: { operationId, ...describeRoute(route, components) } };
  }
  return {
    openapi: '3.1.0',
    info: {
      title: 'Parley',
      version: '1',
      description: 'A messenger. Everything here is also a method of the websocket at `/ws`: see `/asyncapi.json`. Every answer to somebody who may call an operation has the `RateLimit` headers of `429`. A browser signs in with Google by a link to `GET /auth/google?returnTo=/path`, which is no operation.',
      license: { name: 'MIT', identifier: 'MIT' },
    },
    servers: [{ url: publicUrl }],
    tags: Object.entries(tags).map(([name, description]) => ({ name, description })),
    paths,
    components: {
      securitySchemes: { [bearer]: { type: 'http', scheme: 'bearer', bearerFormat: 'JWT' } },
      headers,
      schemas: components.schemas,
    },
  };
}

const tagOf = (route: Route): string => route.operation.split('.')[0] ?? '';

function describeRoute(route: Route, components: Components): JsonSchema {
  const { summary, access, output } = requireOperation(route.operation);
  const { params, querystring, body } = partsOf(route);
  const given = body && asGiven(body);
  const contentOf = route.bytes === 'in' ? form : route.bytes === 'pieces' ? piece : route.form ? jsonOrForm(route.form) : json;
  const hasAnswer = route.status !== 204 && route.bytes !== 'pieces';
  return {
    summary,
    ...(route.cookie && { description: 'The refresh token travels in the cookie `refreshToken`, unless the body brings it or asks for it.' }),
    tags: [tagOf(route)],
    security: access !== 'anyone' ? [{ [bearer]: [] }] : [],
    parameters: [...parametersOf('path', params, components), ...(querystring ? parametersOf('query', querystring, components) : []), ...(route.bytes === 'pieces' ? tusParameters(route) : [])],
    ...(given && { requestBody: { required: given.required.length > 0, content: contentOf(components.refer(given)) } }),
    responses: {
      ...(route.bytes === 'out' ? bytes : { [route.status]: { description: 'Done.', ...(hasAnswer && { content: json(components.refer(output)) }), ...(route.bytes === 'pieces' && { headers: tusAnswer(route) }) } }),
      ...errorResponses([...commonErrors, ...errorsOf(route)], components),
    },
  };
}

const json = (schema: JsonSchema): JsonSchema => ({ 'application/json': { schema } });
const form = (schema: JsonSchema): JsonSchema => ({ 'multipart/form-data': { schema } });

const piece = (): JsonSchema => ({ [pieceType]: {} });

const counted = { type: 'integer', minimum: 0 };
const offset = 'Upload-Offset';

const tusParameters = ({ method }: Route): JsonSchema[] => [
  { name: 'Tus-Resumable', in: 'header', required: true, schema: { const: '1.0.0' } },
  ...(method === 'PATCH' ? [{ name: offset, in: 'header', required: true, schema: counted }] : []),
];

const tusAnswer = ({ method }: Route): JsonSchema => ({
  [offset]: { description: 'Bytes that have come.', schema: counted },
  ...(method === 'HEAD' && { 'Upload-Length': { description: 'Bytes of the whole file.', schema: counted } }),
});

/** In a form a file comes itself, and not its id. */
const jsonOrForm = (field: string) => (schema: JsonSchema): JsonSchema => ({
  ...json(schema),
  ...form({ type: 'object', properties: { [field]: { contentMediaType: 'application/octet-stream' } }, additionalProperties: { description: 'The same as in JSON.' } }),
});

/** Answers that are no JSON (RFC 9110, sections 13.1.2 and 14). */
const bytes: JsonSchema = {
  200: { description: 'All of it.', content: { '*/*': {} } },
  206: { description: 'The range asked for.', content: { '*/*': {} } },
  304: { description: 'It is the one that `If-None-Match` names.' },
  416: { description: 'It has no such range.' },
};

function parametersOf(where: 'path' | 'query', part: { properties: Record<string, object>; required: string[] }, components: Components): JsonSchema[] {
  const { required } = asGiven(part);
  return Object.entries(part.properties).map(([name, schema]) => ({
    name,
    in: where,
    required: required.includes(name),
    schema: components.refer(schema),
  }));
}

function errorResponses(codes: readonly ErrorCode[], components: Components): JsonSchema {
  const schema = components.refer(errorSchema);
  const statuses = [...new Set(codes.map(statusOf))];
  return Object.fromEntries(
    statuses.map((status) => {
      const sentences = codes.filter((code) => statusOf(code) === status).map((code) => `\`${code}\`: ${sentenceOf(code)}`);
      return [status, { description: sentences.join('\n\n'), ...(status === 429 && { headers: headerRefs }), content: json(schema) }];
    }),
  );
}
