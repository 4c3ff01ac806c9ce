/** A websocket client for tests: calls, and events to be waited for. */
import { once } from 'node:events';
import { WebSocket, type ClientOptions, type RawData } from 'ws';
import type { Ending } from './ending.ts';

export interface RpcError {
  code: number;
  message: string;
  data?: { code: string; details?: unknown; requestId?: string };
}

export interface Notification {
  method: string;
  params: Record<string, unknown>;
}

export interface Reply {
  id: string | number | null;
  result?: unknown;
  error?: RpcError;
}

export interface TestSocket {
  webSocket: WebSocket;
  /** Sends a request and gives its result; rejects with the JSON-RPC error. */
  call: (method: string, params?: object) => Promise<unknown>;
  /** Sends a frame as it is, and gives the next frame that is no event. */
  raw: (frame: string | Buffer) => Promise<Reply | Reply[]>;
  /** The events received and not yet taken by `next`. */
  events: Notification[];
  /** The first event of this name that was not taken yet, now or once it arrives; rejects if it does not come in time. */
  next: (method: string) => Promise<Notification>;
  /** Resolves with code and reason once the socket is closed; rejects if it stays open. */
  readonly closed: Promise<Closing>;
}

interface Closing {
  code: number;
  reason: string;
}

/** Milliseconds after which what has not happened is taken never to happen. */
const patience = 15_000;

/** @throws Error saying what did not come */
function inTime<T>(what: string, work: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new Error(`In vain: ${what}, within ${patience} ms`)), patience);
  });
  return Promise.race([work, late]).finally(() => clearTimeout(timer));
}

/** A greeted connection. The token travels in the Authorization header. */
export async function openSocket(t: Ending, url: string, token: string, options: ClientOptions = {}): Promise<TestSocket> {
  const webSocket = new WebSocket(`${url.replace('http', 'ws')}/ws`, { headers: { authorization: `Bearer ${token}` }, ...options });
  t.after(() => webSocket.terminate());
  const socket = wrap(webSocket);
  await once(webSocket, 'open');
  await socket.next('connection.ready');
  return socket;
}

export function wrap(webSocket: WebSocket): TestSocket {
  const events: Notification[] = [];
  const waiting: { method: string; resolve: (event: Notification) => void; reject: (error: Error) => void }[] = [];
  const replies = new Map<unknown, (reply: Reply) => void>();
  const rawReplies: ((reply: Reply | Reply[]) => void)[] = [];
  let lastId = 0;
  let closeCode: number | undefined;

  webSocket.on('message', (data: RawData) => {
    const frame = JSON.parse((data as Buffer).toString()) as Notification | Reply | Reply[];
    if ('method' in frame) {
      const index = waiting.findIndex(({ method }) => method === frame.method);
      if (index < 0) events.push(frame);
      else waiting.splice(index, 1)[0]?.resolve(frame);
      return;
    }
    const own = Array.isArray(frame) ? undefined : replies.get(frame.id);
    if (own && !Array.isArray(frame)) {
      replies.delete(frame.id);
      own(frame);
    } else rawReplies.shift()?.(frame);
  });
  const closing = new Promise<Closing>((resolve) =>
    webSocket.on('close', (code, reason) => {
      closeCode = code;
      for (const { method, reject } of waiting) reject(new Error(`closed with ${code} while waiting for ${method}`));
      resolve({ code, reason: reason.toString() });
    }),
  );

  return {
    webSocket,
    events,
    get closed() {
      return inTime('the close of a socket', closing);
    },
    call(method, params = {}) {
      const id = ++lastId;
      const answered = new Promise<unknown>((resolve, reject) => {
        replies.set(id, ({ result, error }) => {
          if (error) reject(Object.assign(new Error(error.message), error));
          else resolve(result);
        });
      });
      webSocket.send(JSON.stringify({ jsonrpc: '2.0', id, method, params }));
      return answered;
    },
    raw(frame) {
      const answered = new Promise<Reply | Reply[]>((resolve) => rawReplies.push(resolve));
      webSocket.send(frame);
      return answered;
    },
    next(method) {
      const index = events.findIndex((event) => event.method === method);
      const [known] = index < 0 ? [] : events.splice(index, 1);
      if (known) return Promise.resolve(known);
      if (closeCode !== undefined) return Promise.reject(new Error(`closed with ${closeCode} before ${method}`));
      return inTime(`the event ${method}`, new Promise((resolve, reject) => waiting.push({ method, resolve, reject })));
    },
  };
}
