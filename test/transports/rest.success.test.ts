/** What each route answers when all is well. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { routes } from '../../src/transports/rest/routes.ts';
import { buildTestApp } from '../helpers/app.ts';
import { buildGoogleApp } from '../helpers/google.ts';
import { ask } from './ask.ts';
import { tellStory } from './story.ts';

test('every route answers 200, 201 with the thing made, or 204 with nothing', async (t) => {
  t.mock.timers.enable({ apis: ['Date'], now: Date.now() });
  const server = await buildGoogleApp(t);
  const [ann, bob] = await Promise.all([server.verified('Ann'), server.verified('Bob')]);
  assert.deepEqual([...(await tellStory({ server, ann, bob }))].sort(), routes.map(({ method, path }) => `${method} ${path}`).sort());
});

test('the probes and the documents need no token', async (t) => {
  const { url } = await buildTestApp(t);
  for (const path of ['/healthz', '/readyz', '/openapi.json', '/asyncapi.json']) assert.equal((await ask(url, path)).status, 200, path);
});
