/** The refresh token in a cookie, which is how browsers keep it. */
import type { CookieSerializeOptions } from '@fastify/cookie';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { getDomain } from 'tldts';
import { idleLifetime } from '../../core/session.lifetime.ts';

const cookieName = 'refreshToken';

export interface RefreshCookie {
  /** The input of an operation that takes a refresh token, with the refresh token of the cookie where the body has none. */
  fill(request: FastifyRequest, input: Record<string, unknown>): Record<string, unknown>;
  /** The answer for the body: the refresh token in it becomes a cookie, unless the client wants it or sent it in the body. */
  move(reply: FastifyReply, input: Record<string, unknown>, result: unknown): unknown;
}

/** The app may live on another site than the API; then the cookie has to travel across sites. */
export function createRefreshCookie(publicUrl: string, appUrl: string | undefined): RefreshCookie {
  const acrossSites = appUrl !== undefined && siteOf(appUrl) !== siteOf(publicUrl);
  const options: CookieSerializeOptions = { path: `${new URL(publicUrl).pathname.replace(/\/$/, '')}/auth`, httpOnly: true, secure: true, sameSite: acrossSites ? 'none' : 'strict' };

  return {
    fill(request, input) {
      const refreshToken = isPlain(request) ? request.cookies[cookieName] : undefined;
      return input['refreshToken'] === undefined && refreshToken ? { ...input, refreshToken } : input;
    },
    move(reply, input, result) {
      if (result === null) {
        reply.clearCookie(cookieName, options);
        return null;
      }
      const { refreshToken, ...rest } = result as { refreshToken?: string };
      const wantsBody = input['refresh'] === 'body' || input['refreshToken'] !== undefined;
      if (wantsBody || refreshToken === undefined) return result;
      reply.setCookie(cookieName, refreshToken, { ...options, maxAge: idleLifetime });
      return rest;
    },
  };
}

/**
 * A browser that has two of that name got one from another host of the same site, and does not say which is ours (RFC 6265, section 8.6).
 * The name ends where whoever reads it ends it: a cookie without a name, say `refreshToken =x`, is sent with its blanks.
 */
const isPlain = ({ headers }: FastifyRequest): boolean => (headers.cookie ?? '').split(';').filter((pair) => namePattern.test(pair)).length === 1;

const namePattern = new RegExp(`^\\s*${cookieName}\\s*=`);

/**
 * What browsers call a site: the scheme and the domain that somebody has registered, also below a domain that lets
 * others register there, as github.io does. An address, and a name without a domain, are a site of their own.
 */
function siteOf(url: string): string {
  const { protocol, hostname } = new URL(url);
  return `${protocol}//${getDomain(hostname, { allowPrivateDomains: true }) ?? hostname}`;
}
