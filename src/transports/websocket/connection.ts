/** One websocket: requests in, answers and events out, neither without bound. */
import type { Socket } from 'node:net';
import type { WebSocket } from 'ws';
import type { Caller } from '../../core/contract.ts';
import { AppError, toAppError } from '../../core/errors.ts';
import type { Connection } from '../../delivery/hub.ts';
import type { Dispatch } from '../dispatch.ts';
import { encodeEvent, errorAnswer, faultAnswer, resultAnswer, type RpcFault, type RpcRequest } from './frames.ts';
import { Intake, type Responder } from './intake.ts';
import { Sender } from './sender.ts';

export interface ConnectionOptions {
  webSocket: WebSocket;
  socket: Socket;
  caller: Caller;
  requestId: string;
  dispatch: Dispatch;
  onError: (error: unknown, requestId: string, where: string) => void;
}

/** Milliseconds a peer has to answer our close before the socket is cut. */
const closeGrace = 2000;

/** A class, for there are thousands of them: its functions are there once, and not for each. */
export class RpcConnection implements Connection, Responder {
  readonly encode = encodeEvent;
  readonly caller: Caller;
  readonly #webSocket: WebSocket;
  readonly #requestId: string;
  readonly #dispatch: Dispatch;
  readonly #onError: ConnectionOptions['onError'];
  readonly #sender: Sender;
  readonly #intake: Intake;
  #greeted = false;
  #draining = false;

  constructor({ webSocket, socket, caller, requestId, dispatch, onError }: ConnectionOptions) {
    this.#webSocket = webSocket;
    this.caller = caller;
    this.#requestId = requestId;
    this.#dispatch = dispatch;
    this.#onError = onError;
    this.#sender = new Sender(webSocket, socket);
    this.#intake = new Intake({ webSocket, sender: this.#sender, responder: this });
    webSocket.on('message', (data: Buffer, isBinary) => this.#receive(data, isBinary));
  }

  /** When the access token runs out, in milliseconds since the epoch; `auth.renew` moves it on. */
  expiresAt(): number {
    return this.caller.expiresAt.getTime();
  }

  unsent(): number {
    return this.#sender.unsent();
  }

  send(frame: Buffer): void {
    if (this.#greeted) this.#sender.event(frame);
  }

  /** The first event; whatever happened before it is left to the sync that follows. */
  greet(): void {
    const { userId, sessionId, expiresAt } = this.caller;
    this.#greeted = true;
    this.#sender.event(encodeEvent({ name: 'connection.ready', payload: { userId, sessionId, expiresAt: expiresAt.toISOString() } }));
  }

  close(code: number, reason: string): void {
    this.#webSocket.close(code, reason);
    setTimeout(() => this.#webSocket.terminate(), closeGrace).unref();
  }

  /** Refuses what still comes in, and resolves when everything under way is answered. */
  async drain(): Promise<void> {
    this.#draining = true;
    return this.#intake.drain();
  }

  async answer(request: RpcRequest | RpcFault): Promise<object | undefined> {
    if (!('method' in request)) return faultAnswer(request, this.#requestId);
    try {
      if (this.#draining) throw new AppError('SHUTTING_DOWN');
      const result = await this.#dispatch.call(request.method, this.caller, request.params);
      return request.id === undefined ? undefined : resultAnswer(request.id, result);
    } catch (error) {
      const appError = toAppError(error);
      if (appError.cause !== undefined) this.#onError(appError.cause, this.#requestId, 'request over a websocket');
      return this.#refusal(request, appError);
    }
  }

  refuse(request: RpcRequest | RpcFault): object | undefined {
    return this.#refusal(request, new AppError('BUSY'));
  }

  #receive(data: Buffer, isBinary: boolean): void {
    if (isBinary) this.#webSocket.close(1003, 'text frames only');
    else this.#intake.receive(data.toString());
  }

  #refusal(request: RpcRequest | RpcFault, error: AppError): object | undefined {
    if (!('method' in request)) return faultAnswer(request, this.#requestId);
    return request.id === undefined ? undefined : errorAnswer(request.id, error, this.#requestId);
  }
}
