/** The websocket at `/ws`: who may connect, what a new connection hears, and how the dead and the last are let go. */
import websocket from '@fastify/websocket';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { WebSocket } from 'ws';
import type { Caller } from '../../core/contract.ts';
import { storePatience, withDeadline } from '../../core/deadline.ts';
import { AppError, toAppError } from '../../core/errors.ts';
import { closeCodes, type Hub } from '../../delivery/hub.ts';
import type { Services } from '../../services.ts';
import { subprotocol, type Authenticate } from '../authenticate.ts';
import type { Dispatch } from '../dispatch.ts';
import type { Rates } from '../rates.ts';
import { RpcConnection } from './connection.ts';
import { startHeartbeat } from './heartbeat.ts';
import { createPlaces } from './places.ts';

export interface WebsocketOptions {
  hub: Hub;
  dispatch: Dispatch;
  authenticate: Authenticate;
  rates: Pick<Rates, 'countConnect'>;
  chats: Services['chats'];
  presence: Pick<Services['presence'], 'attend' | 'opened' | 'closed'>;
  heartbeatMilliseconds: number;
  /** Milliseconds for which a connection outlives its access token. */
  tokenGrace: number;
}

/** Largest frame in bytes; a larger one is answered with close code 1009 (RFC 6455). */
const maximumFrame = 64 * 1024;

/** Close codes of the IANA registry of RFC 6455: "service restart" and "try again later". */
const serviceRestart = 1012;
const tryAgainLater = 1013;

/** Milliseconds between two looks for connections whose token ran out. */
const lookInterval = 5000;

const restarts = 'the server restarts';
const path = '/ws';

/** Milliseconds for which requests under way are waited for when the server stops. */
const drainTime = 5500;

interface Upgrade {
  caller: Caller;
  reply: FastifyReply;
}

const upgrades = new WeakMap<FastifyRequest, Upgrade>();

interface Reception extends WebsocketOptions {
  open: Set<RpcConnection>;
  onError: (error: unknown, requestId: string, where: string) => void;
}

export async function registerWebsocket(app: FastifyInstance, options: WebsocketOptions): Promise<void> {
  const open = new Set<RpcConnection>();
  const reception: Reception = { ...options, open, onError: (err, reqId, where) => app.log.error({ err, reqId }, where) };
  let closing = false;
  await app.register(websocket, {
    options: { maxPayload: maximumFrame, perMessageDeflate: false, handleProtocols: chooseProtocol },
    preClose: async () => {
      closing = true;
      await Promise.race([Promise.all([...open].map((connection) => connection.drain())), timeout(drainTime)]);
      for (const connection of open) connection.close(serviceRestart, restarts);
    },
  });
  startHeartbeat(app, options.heartbeatMilliseconds);
  closeExpired(app, open, options);

  const places = createPlaces();
  const identify = async (request: FastifyRequest, reply: FastifyReply): Promise<void> => {
    const caller = await options.authenticate.required(request);
    options.rates.countConnect(caller);
    places.take(caller.userId, request.raw.socket);
    upgrades.set(request, { caller, reply });
  };
  app.addHook('onRequest', async (request) => {
    if (request.ws !== (request.routeOptions.url === path)) throw new AppError('NOT_FOUND');
  });
  app.get(path, { websocket: true, preValidation: identify }, (webSocket, request) => {
    if (closing) webSocket.close(serviceRestart, restarts);
    else accept(webSocket, request, reception);
  });
}

/** All of them are looked through now and then: a timer for each would cost more than it gains in precision. */
function closeExpired(app: FastifyInstance, open: ReadonlySet<RpcConnection>, { hub, tokenGrace }: WebsocketOptions): void {
  const timer = setInterval(() => {
    const oldest = Date.now() - tokenGrace;
    for (const connection of open) {
      if (connection.expiresAt() > oldest) continue;
      hub.detach(connection);
      connection.close(closeCodes.sessionEnded, 'the access token ran out: connect with a new one, or renew it in time');
    }
  }, Math.min(lookInterval, tokenGrace));
  app.addHook('onClose', async () => clearInterval(timer));
}

function accept(webSocket: WebSocket, request: FastifyRequest, reception: Reception): void {
  const { caller, reply } = upgrades.get(request) as Upgrade;
  const { id: requestId } = request;
  const { hub, open, dispatch, presence, onError } = reception;
  letGoOfRequest(webSocket, request, reply);
  const connection = new RpcConnection({ webSocket, socket: request.raw.socket, caller, requestId, dispatch, onError });
  open.add(connection);
  webSocket.once('close', () => {
    open.delete(connection);
    hub.detach(connection);
    presence.closed(caller);
  });
  withDeadline(greet(connection, caller, reception), storePatience).catch((error: unknown) => {
    if (error instanceof AppError && error.code === 'UNAUTHENTICATED') {
      connection.close(closeCodes.sessionEnded, 'the session has ended');
    } else {
      onError(toAppError(error).cause ?? error, requestId, 'websocket refused');
      connection.close(tryAgainLater, 'the store does not answer: connect again');
    }
  });
}

/** A connection lives for hours; the request that made it, with its headers and its answer, must not live as long. */
function letGoOfRequest(webSocket: WebSocket, request: FastifyRequest, reply: FastifyReply): void {
  reply.raw.detachSocket(request.raw.socket);
  // The plugin's listener holds the request. ws closes the connection itself, with the code that fits.
  webSocket.removeAllListeners('error');
  webSocket.on('error', () => undefined);
}

/** First every topic, then the greeting: whoever syncs once greeted misses nothing. */
async function greet(connection: RpcConnection, caller: Caller, { hub, authenticate, chats, presence, open }: Reception): Promise<void> {
  hub.attach(connection);
  // Whatever ended the session while the connection was made did not find it among those to close.
  if (!(await authenticate.stands(caller))) throw new AppError('UNAUTHENTICATED');
  const { topics, pairs } = await chats.topicsOf(caller.userId);
  hub.subscribe(connection, topics.keys(), topics);
  await presence.attend(caller, pairs);
  // Whatever ended a membership after it was looked up, or took something out of sight, did not find this connection listening.
  hub.correct(connection, topics, (await chats.topicsOf(caller.userId)).topics);
  if (open.has(connection)) presence.opened(caller);
  connection.greet();
}

/** Only our own name is ever echoed, never the token beside it. */
const chooseProtocol = (offered: Set<string>): string | false => (offered.has(subprotocol) ? subprotocol : false);

const timeout = (milliseconds: number): Promise<void> => new Promise((resolve) => void setTimeout(resolve, milliseconds).unref());
