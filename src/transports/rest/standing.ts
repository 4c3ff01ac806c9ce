/** What a client is told over HTTP of the rate of its requests: how many may still come, and how long to wait. */
import type { FastifyReply } from 'fastify';
import type { Standing } from '../../core/buckets.ts';
import { statusOf, type AppError } from '../../core/errors.ts';

/** What pages of other origins have to see of them. */
export const standingHeaders = ['retry-after', 'ratelimit-limit', 'ratelimit-remaining', 'ratelimit-reset'];

/** The `RateLimit` fields in the spelling of draft-ietf-httpapi-ratelimit-headers-03. */
export function tellStanding(reply: FastifyReply, { limit, remaining, reset }: Standing): void {
  reply.headers({ 'ratelimit-limit': String(limit), 'ratelimit-remaining': String(remaining), 'ratelimit-reset': String(reset) });
}

/**
 * `Retry-After` (RFC 9110, section 10.2.3) where the same request may pass a little later: in whole seconds, one unless
 * the error says more. The draft wants `RateLimit-Reset` to name the same moment, whatever it was that came too soon.
 */
export function tellWait(reply: FastifyReply, { code, details }: AppError): void {
  const status = statusOf(code);
  if (status !== 429 && status !== 503) return;
  const { limit, retryAfter = 1 } = (details ?? {}) as { limit?: number; retryAfter?: number };
  reply.header('retry-after', String(retryAfter));
  if (limit !== undefined) reply.header('ratelimit-limit', String(limit));
  if (status === 429) reply.headers({ 'ratelimit-remaining': '0', 'ratelimit-reset': String(retryAfter) });
}
