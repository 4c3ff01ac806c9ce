/**
 * The pages to which links in mails lead. Following a link changes nothing, for programs that look through mails follow
 * them, too: it takes a button. Which site a form is sent from does not matter: whoever has no token can do nothing with it,
 * and whoever gets others to send their own signs nobody in, and learns no more of them than by any link. (It could not be
 * told either: `Referrer-Policy: no-referrer` makes browsers send `Origin: null`.)
 */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { OperationName } from '../../../contracts.ts';
import { AppError } from '../../../core/errors.ts';
import { guestOf, languageOf } from '../../authenticate.ts';
import type { Dispatch } from '../../dispatch.ts';
import { answerError, toToldError } from '../errors.ts';
import { readFormsOnly } from './form.body.ts';
import { donePage, formPage, incompletePage, problemPage, type LinkView } from './link.pages.ts';
import { sendPage } from './page.ts';
import { failedPage } from './problems.ts';
import { texts, type LinkName } from './texts.ts';

export interface PagesOptions {
  dispatch: Pick<Dispatch, 'call'>;
  /** Where the browser app is, if there is one. */
  appUrl: string | undefined;
}

/** The operation that the form of each page stands for. */
export const linkOperations: Record<LinkName, OperationName> = {
  'verify-email': 'account.verifyEmail',
  'confirm-email': 'account.confirmEmail',
  undo: 'account.undo',
  'reset-password': 'account.resetPassword',
};

/** `GET` and `POST /verify-email`, `/confirm-email`, `/undo` and `/reset-password`. */
export async function registerPages(app: FastifyInstance, options: PagesOptions): Promise<void> {
  await app.register(async function pages(scope) {
    readFormsOnly(scope);
    scope.setErrorHandler(answerFailure);
    for (const name of Object.keys(linkOperations) as LinkName[]) registerLink(scope, name, options);
  });
}

/** Addresses are relative, so that they hold below whatever path a proxy has put before ours. */
function registerLink(scope: FastifyInstance, name: LinkName, { dispatch, appUrl }: PagesOptions): void {
  const viewFor = (request: FastifyRequest): LinkView => ({ name, language: languageOf(request), appUrl });

  scope.get(`/${name}`, async (request, reply) => {
    const { token } = request.query as Record<string, unknown>;
    const view = viewFor(request);
    return isWhole(token) ? sendPage(reply, view.language, formPage(view, token)) : sendIncomplete(reply, view);
  });

  scope.post(`/${name}`, async (request, reply) => {
    const { token, password, repeat } = (request.body ?? {}) as Record<string, string | undefined>;
    const view = viewFor(request);
    if (!isWhole(token)) return sendIncomplete(reply, view);
    if (name === 'reset-password' && password !== repeat) return sendPage(reply, view.language, formPage(view, token, texts[view.language].password.differs), new AppError('VALIDATION_FAILED'));
    try {
      await dispatch.call(linkOperations[name], guestOf(request), name === 'reset-password' ? { token, password } : { token });
    } catch (thrown) {
      const error = toToldError(thrown, request);
      return sendPage(reply, view.language, problemPage(view, token, error), error);
    }
    // A page with an address of its own: it has no token in it, and to load it again does nothing again.
    return reply.redirect(`${name}/done`, 303);
  });

  scope.get(`/${name}/done`, async (request, reply) => sendPage(reply, languageOf(request), donePage(viewFor(request))));
}

/** Mail programs cut links short and break them apart; all our tokens have one length. */
const isWhole = (token: unknown): token is string => typeof token === 'string' && /^[\w-]{43}$/.test(token);

const sendIncomplete = (reply: FastifyReply, { language }: LinkView): FastifyReply => sendPage(reply, language, incompletePage(language), new AppError('BAD_REQUEST'));

/** What fails before a form is looked at. */
function answerFailure(thrown: unknown, request: FastifyRequest, reply: FastifyReply): FastifyReply {
  // No browser asks a page to become a websocket.
  if (request.ws) return answerError(thrown, request, reply);
  const error = toToldError(thrown, request);
  const language = languageOf(request);
  return sendPage(reply, language, failedPage(language, error), error);
}
