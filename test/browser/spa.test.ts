/** Browsers at a server: an app of another origin, and Swagger UI. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { buildTestApp } from '../helpers/app.ts';
import { openPage } from '../helpers/browser.ts';
import { servePage } from '../helpers/page.ts';
import { freePort } from '../helpers/process.ts';
import { appHtml, live } from './story.ts';

test('a browser app on another port logs in with cookies, refreshes, and connects the websocket', async (t) => {
  const appUrl = await servePage(t, { html: appHtml });
  const port = String(await freePort());
  const api = `http://localhost:${port}`;
  await buildTestApp(t, { env: { PORT: port, PUBLIC_URL: api, APP_URL: appUrl } });
  const { secure, httpOnly, sameSite } = await live(await openPage(t), appUrl, api);
  assert.deepEqual({ secure, httpOnly, sameSite }, { secure: true, httpOnly: true, sameSite: 'Strict' });
});

test('Swagger UI loads and tries out a request, without an error or anything blocked', async (t) => {
  const port = String(await freePort());
  const { url, person } = await buildTestApp(t, { env: { PORT: port, PUBLIC_URL: `http://127.0.0.1:${port}` } });
  const ann = await person('Ann');
  const { page, errors, failures } = await openPage(t);
  const press = (name: string): Promise<void> => page.getByRole('button', { name, exact: true }).click();

  await page.goto(`${url}/docs`);
  await press('Authorize');
  await page.getByLabel('auth-bearer-value').fill(ann.accessToken);
  await press('Apply credentials');
  await press('Close');
  await page.getByRole('button', { name: 'GET /user/me Who I am.' }).click();
  await press('Try it out');
  await press('Execute');
  await page.locator('.live-responses-table', { hasText: ann.email }).waitFor();
  assert.deepEqual([errors, failures], [[], []]);
});
