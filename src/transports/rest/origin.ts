/** Whose pages may use the refresh cookie. A browser sends it whoever asks, so it is the page that has to be looked at. */
import type { FastifyRequest } from 'fastify';
import { AppError } from '../../core/errors.ts';

/** @throws ORIGIN_NOT_ALLOWED */
export type RequireOrigin = (request: FastifyRequest) => void;

/** The origins of the browser app and of whoever else may call the API with cookies. */
export function originsOf({ appUrl, corsOrigins }: { appUrl: string | undefined; corsOrigins: readonly string[] }): string[] {
  const urls = appUrl === undefined ? corsOrigins : [appUrl, ...corsOrigins];
  return [...new Set(urls.map((url) => new URL(url).origin))];
}

/**
 * A page of one of these origins passes, and one that this server has served itself. Without an Origin header
 * (RFC 6454, section 7) Sec-Fetch-Site decides (Fetch Metadata, section 2.4); who sends neither is no browser.
 */
export function createRequireOrigin(publicUrl: string, origins: readonly string[]): RequireOrigin {
  const allowed = new Set([new URL(publicUrl).origin, ...origins]);
  return (request) => {
    const { origin, 'sec-fetch-site': site } = request.headers;
    const passes = origin === undefined ? site === undefined || site === 'same-origin' || site === 'none' : allowed.has(origin) || isOwn(origin, request);
    if (!passes) throw new AppError('ORIGIN_NOT_ALLOWED');
  };
}

/**
 * The host of the page is the very host that is asked. TLS in front of us is not always known to us, but where it is, we
 * serve no page without it: one would be by somebody on the way.
 */
function isOwn(origin: string, { headers: { host }, protocol }: FastifyRequest): boolean {
  if (host === undefined) return false;
  return origin === `https://${host}` || (protocol === 'http' && origin === `http://${host}`);
}
