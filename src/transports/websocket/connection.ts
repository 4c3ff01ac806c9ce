/** One websocket: requests in, answers and events out, neither without bound. */
import type { Socket } from 'node:net';
import type { WebSocket } from 'ws';
import type { Caller } from '../../core/contract.ts';
import { AppError, toAppError } from '../../core/errors.ts';
import type { Connection } from '../../delivery/hub.ts';
import type { Dispatch } from '../dispatch.ts';
import { encodeEvent, errorAnswer, faultAnswer, resultAnswer, type RpcFault, type RpcRequest } from './frames.ts';
import { createIntake } from './intake.ts';
import { createSender } from './sender.ts';

export interface RpcConnection extends Connection {
  /** The first event; whatever happened before it is left to the sync that follows. */
  greet(): void;
  /** When the access token runs out, in milliseconds since the epoch; `auth.renew` moves it on. */
  expiresAt(): number;
  /** Refuses what still comes in, and resolves when everything under way is answered. */
  drain(): Promise<void>;
}

export interface ConnectionOptions {
  webSocket: WebSocket;
  socket: Socket;
  caller: Caller;
  requestId: string;
  dispatch: Dispatch;
  onError: (error: unknown, requestId: string) => void;
}

/** Milliseconds a peer has to answer our close before the socket is cut. */
const closeGrace = 2000;

export function createConnection({ webSocket, socket, ...parts }: ConnectionOptions): RpcConnection {
  const { caller } = parts;
  const { userId, sessionId } = caller;
  let greeted = false;
  let draining = false;

  const sender = createSender(webSocket, socket);
  const intake = createIntake({
    webSocket,
    answer: createAnswer(parts, () => draining),
    refuse: (request) => refusal(request, new AppError('BUSY'), parts.requestId),
    send: sender.answer,
    unsent: sender.unsentAnswers,
  });
  webSocket.on('message', (data: Buffer, isBinary) => {
    if (isBinary) webSocket.close(1003, 'text frames only');
    else intake.receive(data.toString());
  });

  return {
    userId,
    sessionId,
    encode: encodeEvent,
    expiresAt: () => caller.expiresAt.getTime(),
    unsent: sender.unsent,
    send: (frame) => greeted && sender.event(frame),
    greet() {
      greeted = true;
      sender.event(encodeEvent({ name: 'connection.ready', payload: { userId, sessionId, expiresAt: caller.expiresAt.toISOString() } }));
    },
    close(code, reason) {
      webSocket.close(code, reason);
      setTimeout(() => webSocket.terminate(), closeGrace).unref();
    },
    drain() {
      draining = true;
      return intake.drain();
    },
  };
}

type Parts = Pick<ConnectionOptions, 'caller' | 'requestId' | 'dispatch' | 'onError'>;

/** What a request is answered; undefined for a notification. */
function createAnswer({ caller, requestId, dispatch, onError }: Parts, isDraining: () => boolean) {
  return async (request: RpcRequest | RpcFault): Promise<object | undefined> => {
    if (!('method' in request)) return faultAnswer(request, requestId);
    try {
      if (isDraining()) throw new AppError('SHUTTING_DOWN');
      const result = await dispatch.call(request.method, caller, request.params);
      return request.id === undefined ? undefined : resultAnswer(request.id, result);
    } catch (error) {
      const appError = toAppError(error);
      if (appError.cause !== undefined) onError(appError.cause, requestId);
      return refusal(request, appError, requestId);
    }
  };
}

function refusal(request: RpcRequest | RpcFault, error: AppError, requestId: string): object | undefined {
  if (!('method' in request)) return faultAnswer(request, requestId);
  return request.id === undefined ? undefined : errorAnswer(request.id, error, requestId);
}
