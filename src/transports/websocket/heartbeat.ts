/** Pings every connection; one that has not answered by the next ping is dead and is let go. */
import type { FastifyInstance } from 'fastify';
import type { WebSocket } from 'ws';

export function startHeartbeat(app: FastifyInstance, milliseconds: number): void {
  const silent = new WeakSet<WebSocket>();
  app.websocketServer.on('connection', (webSocket) => webSocket.on('pong', () => silent.delete(webSocket)));

  const timer = setInterval(() => {
    for (const webSocket of app.websocketServer.clients) {
      if (silent.has(webSocket)) {
        webSocket.terminate();
      } else {
        silent.add(webSocket);
        webSocket.ping();
      }
    }
  }, milliseconds);
  app.addHook('onClose', async () => clearInterval(timer));
}
