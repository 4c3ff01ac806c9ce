/** The websocket at `/ws`: who may connect, what a new connection hears, and how the dead and the last are let go. */
import websocket from '@fastify/websocket';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { WebSocket } from 'ws';
import type { Caller } from '../../core/contract.ts';
import type { Topic } from '../../core/bus.ts';
import { toAppError } from '../../core/errors.ts';
import type { Hub } from '../../delivery/hub.ts';
import type { Services } from '../../services.ts';
import { subprotocol, type Authenticate } from '../authenticate.ts';
import type { Dispatch } from '../dispatch.ts';
import { createConnection, type RpcConnection } from './connection.ts';
import { startHeartbeat } from './heartbeat.ts';

export interface WebsocketOptions {
  hub: Hub;
  dispatch: Dispatch;
  authenticate: Authenticate;
  chats: Services['chats'];
  heartbeatMilliseconds: number;
}

/** Largest frame in bytes; a larger one is answered with close code 1009 (RFC 6455). */
const maximumFrame = 64 * 1024;

/** "Service restart" in the IANA registry of RFC 6455's close codes. */
const serviceRestart = 1012;

/** Milliseconds for which requests under way are waited for when the server stops. */
const drainTime = 5500;

const callers = new WeakMap<FastifyRequest, Caller>();

export async function registerWebsocket(app: FastifyInstance, options: WebsocketOptions): Promise<void> {
  const open = new Set<RpcConnection>();
  await app.register(websocket, {
    options: { maxPayload: maximumFrame, perMessageDeflate: false, handleProtocols: chooseProtocol },
    preClose: async () => {
      await Promise.race([Promise.all([...open].map((connection) => connection.drain())), timeout(drainTime)]);
      for (const connection of open) connection.close(serviceRestart, 'the server restarts');
    },
    // ws closes the connection itself, with the code that fits; there is nobody else to tell.
    errorHandler: (error, _socket, request) => request.log.debug({ err: error }, 'websocket'),
  });
  startHeartbeat(app, options.heartbeatMilliseconds);

  const identify = async (request: FastifyRequest): Promise<void> => void callers.set(request, await options.authenticate.required(request));
  app.get('/ws', { websocket: true, preValidation: identify }, (webSocket, request) => accept(webSocket, request, open, options));
}

function accept(webSocket: WebSocket, request: FastifyRequest, open: Set<RpcConnection>, { hub, dispatch, chats }: WebsocketOptions): void {
  const caller = callers.get(request) as Caller;
  const { log, id: requestId } = request;
  const connection = createConnection({
    webSocket,
    socket: request.raw.socket,
    caller,
    requestId,
    dispatch,
    onError: (error) => log.error({ err: error }, 'request over a websocket'),
  });
  open.add(connection);
  webSocket.once('close', () => {
    open.delete(connection);
    hub.detach(connection);
  });
  greet(connection, hub, chats).catch((error: unknown) => {
    log.error({ err: toAppError(error).cause ?? error }, 'websocket refused');
    connection.close(1013, 'the store does not answer: connect again');
  });
}

/** First every topic, then the greeting: whoever syncs once greeted misses nothing. */
async function greet(connection: RpcConnection, hub: Hub, chats: Services['chats']): Promise<void> {
  hub.attach(connection);
  const topics = (await chats.idsOf(connection.userId)).map((id): Topic => `chat:${id}`);
  hub.subscribe(connection, topics);
  connection.greet();
}

/** Only our own name is ever echoed, never the token beside it. */
const chooseProtocol = (offered: Set<string>): string | false => (offered.has(subprotocol) ? subprotocol : false);

const timeout = (milliseconds: number): Promise<void> => new Promise((resolve) => void setTimeout(resolve, milliseconds).unref());
