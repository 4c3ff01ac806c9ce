/** One websocket: requests in, answers and events out, neither without bound. */
import type { Socket } from 'node:net';
import type { WebSocket } from 'ws';
import type { Caller } from '../../core/contract.ts';
import { AppError, toAppError } from '../../core/errors.ts';
import type { Connection } from '../../delivery/hub.ts';
import type { Dispatch } from '../dispatch.ts';
import { encodeEvent, errorAnswer, parseFrame, resultAnswer, type RpcFault, type RpcRequest } from './frames.ts';

export interface RpcConnection extends Connection {
  /** The first event; whatever happened before it is left to the sync that follows. */
  greet(): void;
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

/** Requests whose answers are not on their way yet, beyond which the socket is not read; TCP then slows the sender down. */
const maximumPending = 100;

/** Milliseconds a peer has to answer our close before the socket is cut. */
const closeGrace = 2000;

export function createConnection({ webSocket, socket, caller, requestId, dispatch, onError }: ConnectionOptions): RpcConnection {
  let pending = 0;
  let unanswered = 0;
  let greeted = false;
  let draining = false;
  let whenIdle: (() => void) | undefined;

  const answer = async (request: RpcRequest | RpcFault): Promise<object | undefined> => {
    if ('answer' in request) return request.answer;
    try {
      if (draining) throw new AppError('SHUTTING_DOWN');
      const result = await dispatch.call(request.method, caller, request.params);
      return request.id === undefined ? undefined : resultAnswer(request.id, result);
    } catch (error) {
      const appError = toAppError(error);
      if (appError.cause !== undefined) onError(appError.cause, requestId);
      return request.id === undefined ? undefined : errorAnswer(request.id, appError, requestId);
    }
  };

  const release = (count: number): void => {
    unanswered -= count;
    if (unanswered < maximumPending && webSocket.isPaused) webSocket.resume();
  };

  const receive = async (text: string): Promise<void> => {
    const { batch, requests } = parseFrame(text);
    const [first] = requests;
    pending += 1;
    unanswered += requests.length;
    if (unanswered >= maximumPending) webSocket.pause();
    const answers = batch ? (await Promise.all(requests.map(answer))).filter((one) => one !== undefined) : first && (await answer(first));
    // A peer that asks and does not read its answers is not read either: they would pile up here.
    if (answers && !(Array.isArray(answers) && answers.length === 0)) send(Buffer.from(JSON.stringify(answers)), () => release(requests.length));
    else release(requests.length);
    pending -= 1;
    if (pending === 0) whenIdle?.();
  };

  const send = createSender(webSocket, socket);
  webSocket.on('message', (data: Buffer, isBinary) => {
    if (isBinary) webSocket.close(1003, 'text frames only');
    else void receive(data.toString());
  });

  return {
    userId: caller.userId,
    sessionId: caller.sessionId,
    encode: encodeEvent,
    send: (frame) => greeted && send(frame),
    greet() {
      greeted = true;
      send(encodeEvent({ name: 'connection.ready', payload: { userId: caller.userId, sessionId: caller.sessionId } }));
    },
    unsent: () => webSocket.bufferedAmount,
    close(code, reason) {
      webSocket.close(code, reason);
      setTimeout(() => webSocket.terminate(), closeGrace).unref();
    },
    async drain() {
      draining = true;
      if (pending > 0) await new Promise<void>((resolve) => (whenIdle = resolve));
    },
  };
}

/** Everything written in one turn of the event loop leaves in one system call. */
function createSender(webSocket: WebSocket, socket: Socket): (frame: Buffer, whenWritten?: () => void) => void {
  let corked = false;
  const uncork = (): void => {
    corked = false;
    socket.uncork();
  };
  return (frame, whenWritten) => {
    if (webSocket.readyState !== webSocket.OPEN) return whenWritten?.();
    if (!corked) {
      corked = true;
      socket.cork();
      process.nextTick(uncork);
    }
    webSocket.send(frame, { binary: false }, whenWritten);
  };
}
