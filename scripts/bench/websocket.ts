/** A websocket of the load generator. */
import { randomBytes } from 'node:crypto';
import { request } from 'node:http';
import type { Socket } from 'node:net';
import { createReader, encodeFrame, opcodes } from './frames.ts';
import type { Endpoint } from './jobs.ts';

/** What arrives: an answer (id, perhaps error) or an event (method, params). */
export interface Received {
  id?: number;
  method?: string;
  params?: { id?: string };
  error?: { message: string };
}

export interface Client {
  send(request: object): void;
  close(): void;
}

export interface Listener {
  onReceived: (received: Received) => void;
  /** The connection has ended, and not because it was closed here. */
  onLost: (reason: string) => void;
}

/** Resolves when the server has said its first word, which is its greeting. */
export async function connect(endpoint: Endpoint, { onReceived, onLost }: Listener): Promise<Client> {
  const { socket, head } = await upgrade(endpoint);
  return new Promise((resolve, reject) => {
    let greeted = false;
    let closed = false;
    const client: Client = {
      send: (request) => void socket.write(encodeFrame(opcodes.text, JSON.stringify(request))),
      close() {
        closed = true;
        socket.destroy();
      },
    };
    const lose = (reason: string): void => {
      if (closed) return;
      client.close();
      if (greeted) onLost(reason);
      else reject(new Error(`no greeting: ${reason}`));
    };
    const read = createReader((opcode, payload) => {
      if (opcode === opcodes.ping) socket.write(encodeFrame(opcodes.pong, payload.toString()));
      else if (opcode === opcodes.close) lose(`closed by the server with ${payload.length < 2 ? 'no code' : payload.readUInt16BE(0)}`);
      else if (greeted) onReceived(decode(payload));
      else {
        greeted = true;
        resolve(client);
      }
    });
    receiveWith(socket, head, read);
    socket.on('close', () => lose('cut'));
    socket.on('error', (error) => lose(error.message));
  });
}

/** How both servers begin to tell of a message, up to its id. */
const created = Buffer.from('{"jsonrpc":"2.0","method":"message.created","params":{"id":"');
const idLength = 36;

/** Of messages nothing but the id is wanted, and in a group there are so many that parsing them would take a core. */
function decode(payload: Buffer): Received {
  if (!payload.subarray(0, created.length).equals(created)) return JSON.parse(payload.toString()) as Received;
  return { method: 'message.created', params: { id: payload.toString('latin1', created.length, created.length + idLength) } };
}

/** What is sent in answer to one chunk leaves in one system call. */
function receiveWith(socket: Socket, head: Buffer, read: (chunk: Buffer) => void): void {
  socket.setNoDelay(true);
  socket.on('data', (chunk: Buffer) => {
    socket.cork();
    read(chunk);
    socket.uncork();
  });
  if (head.length > 0) read(head);
}

function upgrade({ url, headers }: Endpoint): Promise<{ socket: Socket; head: Buffer }> {
  return new Promise((resolve, reject) => {
    const handshake = request(url.replace(/^ws:/, 'http:'), {
      agent: false,
      headers: {
        ...headers,
        connection: 'Upgrade',
        upgrade: 'websocket',
        'sec-websocket-version': '13',
        'sec-websocket-key': randomBytes(16).toString('base64'),
      },
    });
    handshake.on('upgrade', (_response, socket, head) => resolve({ socket, head }));
    handshake.on('response', (response) => {
      response.resume();
      reject(new Error(`${url} refused the websocket with ${response.statusCode ?? 'nothing'}`));
    });
    handshake.on('error', reject);
    handshake.end();
  });
}
