/** Trades the code that a browser brings back from Google for an ID token (RFC 6749, section 4.1.3; RFC 7636). */
import { AppError } from '../../core/errors.ts';
import { ask, unavailable, type Answer } from './ask.ts';

export interface Client {
  clientId: string;
  clientSecret: string;
  tokenUrl: string;
}

export interface CodeFromGoogle {
  code: string;
  /** The one that the authorization began with. */
  redirectUri: string;
  /** The secret behind the challenge that the authorization began with. */
  codeVerifier: string;
}

/** What is wrong with the code or what proves it ours. Any other refusal says that our own set-up is wrong. */
const refusals = ['invalid_grant', 'invalid_request'];

/**
 * The ID token, unverified.
 * @throws AppError GOOGLE_REFUSED, GOOGLE_UNAVAILABLE; Error if Google does not take us for its client
 */
export async function exchangeCode({ clientId, clientSecret, tokenUrl }: Client, { code, redirectUri, codeVerifier }: CodeFromGoogle): Promise<string> {
  const answer = await ask(tokenUrl, {
    method: 'POST',
    headers: { accept: 'application/json' },
    body: new URLSearchParams({
      grant_type: 'authorization_code',
      code,
      redirect_uri: redirectUri,
      code_verifier: codeVerifier,
      client_id: clientId,
      client_secret: clientSecret,
    }),
  });
  const { id_token: idToken, error } = fieldsOf(answer);
  if (answer.status === 200 && typeof idToken === 'string') return idToken;
  if (answer.status === 200 || typeof error !== 'string') throw unavailable(tokenUrl, `status ${answer.status} and neither an ID token nor an error`);
  if (refusals.includes(error)) throw new AppError('GOOGLE_REFUSED');
  throw new Error(`${tokenUrl} answers ${error}: are GOOGLE_CLIENT_ID, GOOGLE_CLIENT_SECRET and the redirect URI registered there?`);
}

function fieldsOf({ text }: Answer): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
  } catch {
    return {};
  }
}
