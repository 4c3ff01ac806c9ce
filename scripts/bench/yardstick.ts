/**
 * The yardstick, a process of its own: a relay that does for each message the least that can be called keeping it.
 * It numbers what it is sent, appends it to a file, flushes that, and only then answers the sender and tells every
 * connection that listens to the chat.
 * While one batch is being flushed the next queues up. It knows no people, no rights and no database.
 * Started with the path of its file; says its port when it listens.
 */
import { open } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { WebSocketServer, type WebSocket } from 'ws';

interface Request {
  id: number;
  method: string;
  params: { id: string; chatId: string; text: string };
}

interface Waiting {
  sender: WebSocket;
  chatId: string;
  requestId: number;
  line: string;
}

const file = await open(process.argv[2] ?? '', 'a');
const listeners = new Map<string, Set<WebSocket>>();
const numbers = new Map<string, number>();
let waiting: Waiting[] = [];
let writing = false;

function receive(sender: WebSocket, data: Buffer): void {
  const { id, params } = JSON.parse(data.toString()) as Request;
  const seq = (numbers.get(params.chatId) ?? 0) + 1;
  numbers.set(params.chatId, seq);
  const message = { id: params.id, chatId: params.chatId, seq, senderId: params.chatId, kind: 'text', createdAt: new Date().toISOString(), text: params.text };
  waiting.push({ sender, chatId: params.chatId, requestId: id, line: JSON.stringify(message) });
  if (!writing) void writeAll();
}

async function writeAll(): Promise<void> {
  writing = true;
  while (waiting.length > 0) {
    const batch = waiting;
    waiting = [];
    await file.appendFile(`${batch.map(({ line }) => line).join('\n')}\n`);
    await file.datasync();
    for (const { sender, chatId, requestId, line } of batch) {
      const event = Buffer.from(`{"jsonrpc":"2.0","method":"message.created","params":${line}}`);
      for (const listener of listeners.get(chatId) ?? []) listener.send(event, { binary: false });
      sender.send(`{"jsonrpc":"2.0","id":${requestId},"result":${line}}`);
    }
  }
  writing = false;
}

function listen(webSocket: WebSocket, chatId: string): void {
  const others = listeners.get(chatId) ?? new Set();
  listeners.set(chatId, others.add(webSocket));
  webSocket.on('close', () => others.delete(webSocket));
}

const server = new WebSocketServer({ host: '127.0.0.1', port: 0, perMessageDeflate: false });
server.on('connection', (webSocket, request) => {
  const chatId = new URL(request.url ?? '/', 'http://localhost').searchParams.get('listen');
  if (chatId !== null) listen(webSocket, chatId);
  webSocket.on('message', (data: Buffer) => receive(webSocket, data));
  webSocket.send('{"jsonrpc":"2.0","method":"connection.ready","params":{}}');
});
server.on('listening', () => process.send?.((server.address() as AddressInfo).port));
process.on('disconnect', () => process.exit());
