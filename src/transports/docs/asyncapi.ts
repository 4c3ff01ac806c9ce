/** The websocket as an AsyncAPI 3.0 document, from the contract alone: every operation as request and reply, every event. */
import { events, operations } from '../../contracts.ts';
import type { EventDeclaration, Operation } from '../../core/contract.ts';
import { commonErrors } from '../../core/errors.ts';
import { asGiven, createComponents, type Components, type JsonSchema } from './components.ts';

/** What goes over HTTP alone is not said here. */
const spoken = [...operations].filter(([, { wire }]) => wire !== 'http');

export function asyncApiDocument(publicUrl: string): JsonSchema {
  const components = createComponents();
  const { host, protocol } = new URL(publicUrl);
  const requests = spoken.map(([name, operation]) => [name, requestMessage(name, operation, components)] as const);
  const replies = spoken.map(([name, operation]) => [`${name}.reply`, replyMessage(name, operation, components)] as const);
  const notifications = [...events].map(([name, event]) => [name, eventMessage(name, event, components)] as const);
  const messages = Object.fromEntries([...requests, ...replies, ...notifications]);
  return {
    asyncapi: '3.0.0',
    info: {
      title: 'Parley',
      version: '1',
      license: { name: 'MIT' },
      description: 'JSON-RPC 2.0 in text frames of 64 KB at most; a batch has 1 to 50 requests. Token: `Authorization: Bearer …`, or the subprotocols `["parley", token]`; a worthless one is answered with 401 before the socket is open. Close codes: 1012 the server restarts, 1013 read too slowly or the store is silent, 4401 the session has ended or the token ran out.',
    },
    defaultContentType: 'application/json',
    servers: { parley: { host, protocol: protocol === 'https:' ? 'wss' : 'ws' } },
    channels: { ws: { address: '/ws', messages: Object.fromEntries(Object.keys(messages).map((name) => [name, { $ref: `#/components/messages/${name}` }])) } },
    operations: {
      ...Object.fromEntries(spoken.map(([name, operation]) => [name, requestOperation(name, operation)])),
      ...Object.fromEntries([...events].map(([name, event]) => [name, eventOperation(name, event)])),
    },
    components: { messages, schemas: components.schemas },
  };
}

const channel = { $ref: '#/channels/ws' };
const messageRef = (name: string): JsonSchema => ({ $ref: `#/channels/ws/messages/${name}` });

function requestOperation(name: string, operation: Operation): JsonSchema {
  return {
    action: 'receive',
    channel,
    summary: operation.summary,
    description: `Errors: ${[...commonErrors, ...(operation.access === 'fresh' ? ['FRESH_SIGN_IN_REQUIRED'] : []), ...operation.errors].join(', ')}.`,
    messages: [messageRef(name)],
    reply: { channel, messages: [messageRef(`${name}.reply`)] },
  };
}

const eventOperation = (name: string, event: EventDeclaration): JsonSchema => ({
  action: 'send',
  channel,
  summary: event.summary,
  ...(event.shed && { description: 'Left out under load, and while the connection is read too slowly.' }),
  messages: [messageRef(name)],
});

/** The envelope of JSON-RPC 2.0 around what is ours. */
const envelope = (required: string[], properties: JsonSchema): JsonSchema => ({
  type: 'object',
  required: ['jsonrpc', ...required],
  properties: { jsonrpc: { const: '2.0' }, ...properties },
});
const id = { type: ['string', 'number'] };

function requestMessage(name: string, operation: Operation, components: Components): JsonSchema {
  const given = asGiven(operation.input);
  const required = ['id', 'method', ...(given.required.length > 0 ? ['params'] : [])];
  return { name, summary: operation.summary, payload: envelope(required, { id, method: { const: name }, params: components.refer(given) }) };
}

function replyMessage(name: string, operation: Operation, components: Components): JsonSchema {
  const error = components.refer({
    title: 'RpcError',
    type: 'object',
    required: ['code', 'message', 'data'],
    properties: {
      code: { type: 'integer', description: 'As JSON-RPC numbers them; -32000 for our own.' },
      message: { type: 'string' },
      data: { type: 'object', required: ['code'], properties: { code: { type: 'string', description: 'Stable: decide by this.' }, details: { type: 'object', description: 'With VALIDATION_FAILED: `fields`, a list of {field, problem}. With RATE_LIMITED: `retryAfter`, in seconds.' }, requestId: { type: 'string' } } },
    },
  });
  const payload = { oneOf: [envelope(['id', 'result'], { id, result: components.refer(operation.output) }), envelope(['id', 'error'], { id, error })] };
  return { name: `${name}.reply`, summary: `The answer to ${name}.`, payload };
}

const eventMessage = (name: string, event: EventDeclaration, components: Components): JsonSchema => ({
  name,
  summary: event.summary,
  payload: envelope(['method', 'params'], { method: { const: name }, params: components.refer(event.payload) }),
});
