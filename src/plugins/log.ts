/** What the log says of a request: nothing that somebody could sign in with. */
import type { FastifyRequest } from 'fastify';

/** A query may carry a token, and so may any header. */
export const logOptions = (level: string) => ({
  level,
  serializers: {
    req: ({ method, url, host, ip }: FastifyRequest) => ({ method, path: url.split('?', 1)[0], host, remoteAddress: ip }),
  },
});
