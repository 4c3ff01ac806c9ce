/** What whoever runs the server asks it. */
import type { FastifyInstance } from 'fastify';
import { AppError } from '../../core/errors.ts';

/** `/healthz`: the process lives. `/readyz`: its store answers. */
export function registerProbes(app: FastifyInstance, isReady: () => Promise<boolean>): void {
  app.get('/healthz', () => ({ status: 'ok' }));
  app.get('/readyz', async () => {
    if (!(await isReady())) throw new AppError('UNAVAILABLE');
    return { status: 'ok' };
  });
}
