/** From a token to the person it stands for, for requests and for upgrades alike. */
import { isIP } from 'node:net';
import type { FastifyRequest } from 'fastify';
import Negotiator from 'negotiator';
import type { Caller, Guest, Language } from '../core/contract.ts';
import { cutUserAgent } from '../core/device.ts';
import { AppError } from '../core/errors.ts';
import type { SessionsService } from '../features/sessions/sessions.service.ts';

export interface Authenticate {
  /** @throws UNAUTHENTICATED */
  required(request: FastifyRequest): Promise<Caller>;
  /** Who it is, if the token is good; otherwise a guest. */
  optional(request: FastifyRequest): Promise<Guest | Caller>;
  /** Whether the session of a caller known from a moment ago still stands, and their token is still good. */
  stands(caller: Caller): Promise<boolean>;
}

/** The subprotocol by which a browser, which cannot set headers, hands over its token: `["parley", token]`. */
export const subprotocol = 'parley';

export function createAuthenticate(sessions: Pick<SessionsService, 'authenticate' | 'stands'>): Authenticate {
  const required = async (request: FastifyRequest): Promise<Caller> => {
    const token = tokenOf(request);
    if (token === undefined) throw new AppError('UNAUTHENTICATED');
    return sessions.authenticate(token, guestOf(request));
  };
  return {
    required,
    async optional(request) {
      if (tokenOf(request) === undefined) return guestOf(request);
      try {
        return await required(request);
      } catch (error) {
        if (error instanceof AppError && error.code === 'UNAUTHENTICATED') return guestOf(request);
        throw error;
      }
    },
    stands: async (caller) => sessions.stands(caller),
  };
}

/** A proxy may pass on what is no address, or one with a port (RFC 7239, section 6, allows both); then it counts as the proxy's own. */
function addressOf({ ip, socket }: FastifyRequest): string {
  const address = ip.replace(/^\[([^\]]*)\](?::\d+)?$/, '$1').replace(/^([\d.]+):\d+$/, '$1');
  return isIP(address) === 0 ? (socket.remoteAddress ?? '') : address;
}

/** Whoever sends a request, before anything proves who they are. */
export const guestOf = (request: FastifyRequest): Guest => ({ ip: addressOf(request), userAgent: cutUserAgent(request.headers['user-agent']), language: languageOf(request) });

const languages = ['en', 'ru'] as const satisfies readonly Language[];

/** The language a browser asks for (RFC 9110, section 12.5.4), as far as we speak it. */
export const languageOf = ({ headers }: FastifyRequest): Language => languages.find((language) => language === new Negotiator({ headers }).language([...languages])) ?? 'en';

/** RFC 6750 section 2.1, or the subprotocols of an upgrade. */
function tokenOf({ headers }: FastifyRequest): string | undefined {
  const bearer = /^Bearer +(\S+)$/i.exec(headers.authorization ?? '')?.[1];
  if (bearer !== undefined) return bearer;
  const [first, token] = (headers['sec-websocket-protocol'] ?? '').split(',').map((part) => part.trim());
  return first === subprotocol && token ? token : undefined;
}
