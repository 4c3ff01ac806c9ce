/** Forms as browsers send them: `application/x-www-form-urlencoded`, read strictly. */
import { isUtf8 } from 'node:buffer';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { AppError } from '../../../core/errors.ts';

/** In bytes: far more than our forms take, so that of a password it can still be said that it is too long. */
const bodyLimit = 16 * 1024;

/** Lets the routes of this scope take forms, and nothing else. */
export function readFormsOnly(scope: FastifyInstance): void {
  scope.removeAllContentTypeParsers();
  scope.addContentTypeParser('application/x-www-form-urlencoded', { parseAs: 'buffer', bodyLimit }, async (_request: FastifyRequest, body: Buffer) => parseForm(body));
}

/**
 * The fields of a form by name (WHATWG URL, section 5.1). What is not UTF-8 is refused, where others put replacement
 * characters: a password would be another one. So is a name that comes twice, for there is no telling which is meant.
 * @throws BAD_REQUEST
 */
export function parseForm(body: Buffer): Record<string, string> {
  if (!isUtf8(body)) throw new AppError('BAD_REQUEST');
  const pairs = body
    .toString()
    .split('&')
    .filter((pair) => pair !== '')
    .map((pair) => pair.split(/=(.*)/s, 2).map(decode));
  const names = new Set(pairs.map(([name]) => name));
  if (names.size < pairs.length) throw new AppError('BAD_REQUEST');
  return Object.fromEntries(pairs.map(([name = '', value = '']) => [name, value]));
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text.replaceAll('+', ' '));
  } catch {
    throw new AppError('BAD_REQUEST');
  }
}
