/** What the headers say when an operation that was let through refuses for a while itself. */
import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import Fastify from 'fastify';
import { AppError } from '../../src/core/errors.ts';
import { registerErrors } from '../../src/transports/rest/errors.ts';
import { tellStanding } from '../../src/transports/rest/standing.ts';

/** The headers of an answer to somebody with 59 of 60 requests left, whose operation throws this. */
async function headersAfter(t: TestContext, error: AppError): Promise<unknown[]> {
  const app = Fastify();
  t.after(() => app.close());
  registerErrors(app);
  app.get('/', (_request, reply) => {
    tellStanding(reply, { limit: 60, remaining: 59, reset: 1 });
    throw error;
  });
  const { headers } = await app.inject('/');
  return ['ratelimit-limit', 'ratelimit-remaining', 'ratelimit-reset', 'retry-after'].map((name) => headers[name]);
}

test('who has guessed too often is told that nothing remains until the wait is over', async (t) => {
  assert.deepEqual(await headersAfter(t, new AppError('RATE_LIMITED', { retryAfter: 90 })), ['60', '0', '90', '90']);
});

test('a server that cannot answer just now counts as nobody\'s fault', async (t) => {
  for (const code of ['BUSY', 'UNAVAILABLE', 'SHUTTING_DOWN'] as const) assert.deepEqual(await headersAfter(t, new AppError(code)), ['60', '59', '1', '1']);
});

test('other errors come with no wait', async (t) => {
  assert.deepEqual(await headersAfter(t, new AppError('USER_NOT_FOUND')), ['60', '59', '1', undefined]);
});
