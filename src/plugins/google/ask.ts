/** Asks Google something over HTTP, within bounds: of time, of size, and never led elsewhere. */
import { withDeadline } from '../../core/deadline.ts';
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
  const over = new AbortController();
  try {
    // Not by the signal alone: once the headers are here, Node 20 may collect what makes fetch listen to it.
    return await withDeadline(exchange(url, request, over.signal), patience);
  } catch (error) {
    over.abort();
    throw unavailable(url, error instanceof AppError ? new Error(`not all of it within ${patience} ms`) : error);
  }
}

async function exchange(url: string, request: RequestInit, signal: AbortSignal): Promise<Answer> {
  const { status, body } = await fetch(url, { ...request, redirect: 'error', signal });
  const reader = body?.getReader();
  // This closes the connection.
  signal.addEventListener('abort', () => void reader?.cancel().catch(() => undefined));
  if (status === 429 || status >= 500) throw new Error(`status ${status}`);
  return { status, text: reader ? await readText(reader) : '' };
}

/** Google is there and makes no sense, or is not there. */
export function unavailable(url: string, reason: unknown): AppError {
  return new AppError('GOOGLE_UNAVAILABLE', undefined, { cause: new Error(`No good answer from ${url}`, { cause: reason }) });
}

async function readText(reader: ReadableStreamDefaultReader<Uint8Array>): Promise<string> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for (let part = await reader.read(); !part.done; part = await reader.read()) {
    bytes += part.value.byteLength;
    if (bytes > maximumBytes) throw new Error(`more than ${maximumBytes} bytes`);
    chunks.push(part.value);
  }
  return Buffer.concat(chunks).toString();
}
