/** Spreads requests that arrive at once over many turns of the event loop, so that whoever is connected is served in between. */
import type { FastifyInstance } from 'fastify';

/** Requests begun in one turn; each takes some tenths of a millisecond. */
const perTurn = 10;

export function registerPacing(app: FastifyInstance): void {
  const waiting: (() => void)[] = [];
  let begun = 0;
  const nextTurn = (): void => {
    const due = waiting.splice(0, perTurn);
    begun = due.length;
    for (const begin of due) begin();
    if (begun > 0) setImmediate(nextTurn);
  };
  // With a callback: a promise would cost every request a few more turns of the microtask queue.
  app.addHook('onRequest', (_request, _reply, done) => {
    if (begun >= perTurn) return void waiting.push(done);
    if (begun === 0) setImmediate(nextTurn);
    begun++;
    done();
  });
}
