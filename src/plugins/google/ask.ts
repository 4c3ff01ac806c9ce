/** Asks Google something over HTTP, within bounds: of time, of size, and never led elsewhere. */
import { AppError } from '../../core/errors.ts';

/** Milliseconds within which the whole answer has to be here. */
const patience = 5000;

/** Google's answers have a few kilobytes. */
const maximumBytes = 256 * 1024;

export interface Answer {
  status: number;
  text: string;
}

/**
 * What is answered, unless it is that the server cannot answer now (429, 5xx). Redirects are not followed: they would
 * take the client's secret to another place.
 * @throws AppError GOOGLE_UNAVAILABLE, with the reason as its cause
 */
export async function ask(url: string, request: RequestInit = {}): Promise<Answer> {
  try {
    const response = await fetch(url, { ...request, redirect: 'error', signal: AbortSignal.timeout(patience) });
    const { status } = response;
    if (status === 429 || status >= 500) {
      await response.body?.cancel();
      throw new Error(`status ${status}`);
    }
    return { status, text: await textOf(response) };
  } catch (error) {
    throw unavailable(url, error);
  }
}

/** Google is there and makes no sense, or is not there. */
export function unavailable(url: string, reason: unknown): AppError {
  return new AppError('GOOGLE_UNAVAILABLE', undefined, { cause: new Error(`No good answer from ${url}`, { cause: reason }) });
}

async function textOf({ body }: Response): Promise<string> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of (body ?? []) as AsyncIterable<Uint8Array>) {
    bytes += chunk.byteLength;
    // Leaving the loop closes the connection.
    if (bytes > maximumBytes) throw new Error(`more than ${maximumBytes} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString();
}
