/** Signing in with Google by redirect: out to Google, and back to the app with a refresh cookie, or with what went wrong. */
import type { CookieSerializeOptions } from '@fastify/cookie';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import Negotiator from 'negotiator';
import { Type } from 'typebox';
import type { OperationName } from '../../contracts.ts';
import { AppError, type ErrorCode } from '../../core/errors.ts';
import { strictObject } from '../../core/schemas.ts';
import { validate } from '../../core/validate.ts';
import type { AuthService } from '../../features/auth/auth.service.ts';
import { patience, withDeadline } from '../../core/deadline.ts';
import { guestOf, languageOf } from '../authenticate.ts';
import type { Dispatch } from '../dispatch.ts';
import type { RefreshCookie } from './refresh.cookie.ts';
import { answerError, toToldError } from './errors.ts';
import { sendPage } from './pages/page.ts';
import { signedInPage, signInFailedPage } from './pages/problems.ts';
import { tellStanding } from './standing.ts';

export interface GoogleRoutesOptions {
  auth: Pick<AuthService, 'googleHome' | 'startGoogle' | 'resumeGoogle'>;
  dispatch: Pick<Dispatch, 'admit'>;
  refreshCookie: RefreshCookie;
  appUrl: string | undefined;
}

/** What a browser is sent through. It counts as the operation, and fails in the same ways, and in these. */
export const googleRedirect = {
  paths: ['/auth/google', '/auth/google/callback'],
  operation: 'auth.loginWithGoogle',
  errors: ['RETURN_PATH_NOT_ALLOWED', 'GOOGLE_CANCELLED'],
} as const satisfies { paths: readonly string[]; operation: OperationName; errors: readonly ErrorCode[] };

/** Ties the way back to the browser that began. Its prefix keeps other hosts of the same site from planting one. */
const cookieName = '__Host-google';
/** Lax, for the way back begins at Google's. */
const cookieOptions: CookieSerializeOptions = { path: '/', httpOnly: true, secure: true, sameSite: 'lax' };
const cookieLifetime = 10 * 60;

const Start = strictObject({ returnTo: Type.Optional(Type.String({ maxLength: 500 })) });

export function registerGoogle(app: FastifyInstance, options: GoogleRoutesOptions): void {
  const { auth, dispatch } = options;
  const onRequest = async (request: FastifyRequest, reply: FastifyReply): Promise<void> => {
    tellStanding(reply, dispatch.admit(googleRedirect.operation, guestOf(request)));
    reply.header('cache-control', 'no-store');
  };

  const [there, back] = googleRedirect.paths;
  app.get(there, { onRequest, errorHandler: answerVisitor }, async (request, reply) => {
    const { url, browserSecret } = await withDeadline(auth.startGoogle(guestOf(request), validate(Start, request.query)), patience);
    return reply.setCookie(cookieName, browserSecret, { ...cookieOptions, maxAge: cookieLifetime }).redirect(url, 303);
  });

  app.get(back, { onRequest, errorHandler: answerVisitor }, async (request, reply) => {
    const outcome = await comeBack(request, reply, options);
    if (options.appUrl !== undefined) return reply.redirect(addressOf(options.appUrl, outcome), 303);
    const language = languageOf(request);
    return sendPage(reply, language, outcome.error ? signInFailedPage(language, outcome.error) : signedInPage(language), outcome.error);
  });
}

/** People come here by a link, and see a page of what went wrong; programs get an answer like any other. */
function answerVisitor(error: unknown, request: FastifyRequest, reply: FastifyReply): void {
  if (new Negotiator(request).mediaType(['application/json', 'text/html']) !== 'text/html') return void answerError(error, request, reply);
  const told = toToldError(error, request);
  const language = languageOf(request);
  void sendPage(reply, language, signInFailedPage(language, told), told);
}

interface Outcome {
  /** Where in the app the browser goes on. */
  returnTo: string;
  error?: AppError;
}

async function comeBack(request: FastifyRequest, reply: FastifyReply, { auth, refreshCookie }: GoogleRoutesOptions): Promise<Outcome> {
  const { state, code, error: refusal } = request.query as Record<string, unknown>;
  let returnTo = auth.googleHome;
  try {
    const begun = await withDeadline(auth.resumeGoogle(String(state), request.cookies[cookieName] ?? ''), patience);
    ({ returnTo } = begun);
    // With another's state it stays: a link that somebody sent must not break off what this browser has begun.
    if (begun.finish) reply.clearCookie(cookieName, cookieOptions);
    if (!begun.finish || typeof code !== 'string') throw new AppError(begun.finish && refusal === 'access_denied' ? 'GOOGLE_CANCELLED' : 'GOOGLE_REFUSED');
    refreshCookie.move(reply, {}, await withDeadline(begun.finish(guestOf(request), code), patience));
    return { returnTo };
  } catch (error) {
    return { returnTo, error: toToldError(error, request) };
  }
}

/** What went wrong is told in the fragment, which no server sees. */
function addressOf(appUrl: string, { returnTo, error }: Outcome): string {
  const address = `${appUrl}${returnTo}`;
  if (!error) return address;
  const details = Object.entries(error.details ?? {}).map(([key, value]) => [key, String(value)]);
  return `${address}#${new URLSearchParams({ error: error.code, ...Object.fromEntries(details) as Record<string, string> }).toString()}`;
}
