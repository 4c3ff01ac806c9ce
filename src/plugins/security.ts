/** What browsers are told with every answer: who may read it from another origin, and what may be done with it. */
import cors from '@fastify/cors';
import type { FastifyInstance } from 'fastify';
import helmet from 'helmet';

export interface SecurityOptions {
  publicUrl: string;
  /** The other origins whose pages may call the API, with cookies. */
  origins: readonly string[];
  /** The methods they may use. */
  methods: readonly string[];
  /** The headers of answers that they may read. */
  exposed: readonly string[];
}

/** Seconds for which a browser keeps to HTTPS: a year. */
const httpsFor = 365 * 24 * 60 * 60;

/** Seconds for which a browser need not ask again what it may do; Chromium remembers no longer. */
const preflightFor = 2 * 60 * 60;

/** Register it before all that may refuse a request: refusals carry the same headers. */
export async function registerSecurity(app: FastifyInstance, options: SecurityOptions): Promise<void> {
  guardAnswers(app, options.publicUrl);
  if (options.origins.length > 0) await allowOrigins(app, options);
}

/** As an answer leaves: a websocket that opens has none, and is not to pay for its headers. */
function guardAnswers(app: FastifyInstance, publicUrl: string): void {
  const guard = helmet({
    // Answers are data. A page brings a policy of its own.
    contentSecurityPolicy: { useDefaults: false, directives: { 'default-src': ["'none'"], 'frame-ancestors': ["'none'"] } },
    frameguard: { action: 'deny' },
    referrerPolicy: { policy: 'no-referrer' },
    // Hosts below ours are for others to decide about.
    strictTransportSecurity: publicUrl.startsWith('https:') && { maxAge: httpsFor, includeSubDomains: false },
  });
  app.addHook('onSend', (request, reply, _payload, done) => guard(request.raw, reply.raw, () => done()));
}

async function allowOrigins(app: FastifyInstance, { origins, methods, exposed }: SecurityOptions): Promise<void> {
  const allowed = new Set(origins);
  await app.register(cors, {
    // To pages of other origins the server looks as if it knew nothing of all this.
    origin: async (origin: string | undefined) => origin !== undefined && allowed.has(origin),
    credentials: true,
    methods: [...methods],
    exposedHeaders: [...exposed],
    maxAge: preflightFor,
    strictPreflight: false,
  });
}
