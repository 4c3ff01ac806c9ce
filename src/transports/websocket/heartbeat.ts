/**
 * Lets go of peers that are gone. Every connection is pinged; one from which nothing at all has come by the next ping is
 * dead. A connection that we do not read is judged by what its peer takes instead: its pongs are not read either.
 */
import type { Socket } from 'node:net';
import type { FastifyInstance } from 'fastify';
import type { WebSocket } from 'ws';

interface Pulse {
  socket: Socket;
  /** Bytes read as of the last ping; undefined while the peer owes us nothing. */
  read: number | undefined;
}

export function startHeartbeat(app: FastifyInstance, milliseconds: number): void {
  const pulses = new WeakMap<WebSocket, Pulse>();
  app.websocketServer.on('connection', (webSocket, { socket }) => {
    pulses.set(webSocket, { socket, read: undefined });
    // Node's own measure: it passes when nothing was read, nothing was begun to be written, and no byte of it was taken.
    socket.setTimeout(milliseconds);
    let lying: number | undefined;
    socket.on('timeout', () => {
      const before = lying;
      lying = lyingBelowTls(socket);
      if (lying !== before) socket.setTimeout(milliseconds);
      else if (webSocket.isPaused && webSocket.bufferedAmount > 0) webSocket.terminate();
    });
  });

  const timer = setInterval(() => {
    for (const webSocket of app.websocketServer.clients) {
      const pulse = pulses.get(webSocket);
      if (pulse) beat(webSocket, pulse);
    }
  }, milliseconds);
  app.addHook('onClose', async () => clearInterval(timer));
}

/**
 * Bytes that TLS has handed on and that no peer has taken; undefined without TLS. Over TLS Node's own measure knows whole
 * writes only, which may be of many megabytes, and a slow line would pass for a dead one.
 */
function lyingBelowTls(socket: Socket): number | undefined {
  return (socket as { _handle?: { _parent?: { writeQueueSize?: number } } })._handle?._parent?.writeQueueSize;
}

function beat(webSocket: WebSocket, pulse: Pulse): void {
  const { bytesRead } = pulse.socket;
  if (webSocket.isPaused) {
    pulse.read = undefined;
  } else if (pulse.read === bytesRead) {
    webSocket.terminate();
  } else {
    pulse.read = bytesRead;
    webSocket.ping();
  }
}
