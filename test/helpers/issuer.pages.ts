/** The two pages of the issuer that people see: which account, and whether that is all right. */
import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import { text } from 'node:stream/consumers';
import type { InteractionResults, Provider } from 'oidc-provider';

interface Named {
  email: string;
}

/** Answers everything below /interaction/. */
export function createPages(provider: Provider, accounts: ReadonlyMap<string, Named>): RequestListener {
  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const { prompt, session, params } = await provider.interactionDetails(request, response);
    const asksForConsent = prompt.name === 'consent';
    if (request.method !== 'POST') {
      response.setHeader('content-type', 'text/html; charset=utf-8');
      response.end(asksForConsent ? page('May Parley know your name and address?', '<button name="consent" value="yes">Continue</button>') : page('Who are you?', accountButtons(accounts)));
      return;
    }
    const form = new URLSearchParams(await text(request));
    const accountId = session?.accountId ?? '';
    const result = form.has('cancel') ? { error: 'access_denied' } : asksForConsent ? await consent(provider, accountId, params) : choose(form);
    await provider.interactionFinished(request, response, result);
  };
  return (request, response) => {
    answer(request, response).catch((error: unknown) => response.writeHead(400).end(String(error)));
  };
}

function choose(form: URLSearchParams): InteractionResults {
  return { login: { accountId: form.get('account') ?? '' }, select_account: {} };
}

async function consent(provider: Provider, accountId: string, params: Record<string, unknown>): Promise<InteractionResults> {
  const grant = new provider.Grant({ accountId, clientId: String(params['client_id']) });
  grant.addOIDCScope(String(params['scope']));
  return { consent: { grantId: await grant.save() } };
}

const page = (question: string, buttons: string): string =>
  `<!doctype html><title>${question}</title><form method="post"><h1>${question}</h1>${buttons}<button name="cancel" value="yes">Cancel</button></form>`;

const accountButtons = (accounts: ReadonlyMap<string, Named>): string =>
  [...accounts].map(([sub, { email }]) => `<button name="account" value="${escape(sub)}">${escape(email)}</button>`).join('');

const escape = (plain: string): string => plain.replace(/[&<>"]/g, (character) => `&#${character.charCodeAt(0)};`);
