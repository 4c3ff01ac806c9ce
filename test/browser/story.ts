/** What a person does in a browser app, button by button. */
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import type { Cookie, Page } from 'playwright-core';
import type { OpenPage } from '../helpers/browser.ts';

export const appHtml = await readFile('test/browser/app.html', 'utf8');

/** Presses a button of the app and gives what comes of it. */
export async function press(page: Page, button: string): Promise<string | null> {
  await page.getByRole('button', { name: button }).click();
  return page.locator('output:not(:empty)').textContent();
}

async function onlyCookie({ context }: OpenPage): Promise<Cookie> {
  const [cookie, ...others] = await context.cookies();
  assert.ok(cookie);
  assert.deepEqual(others, []);
  return cookie;
}

/** Registers, loses its memory, logs in, loses it again, goes on by the cookie alone, and logs out. Gives the cookie it went on with. */
export async function live(opened: OpenPage, appUrl: string, api: string): Promise<Cookie> {
  const { page } = opened;
  const load = (): Promise<unknown> => page.goto(`${appUrl}/?api=${api}`);
  const enterCredentials = async (): Promise<void> => {
    await page.getByLabel('E-mail').fill('ann@example.org');
    await page.getByLabel('Password').fill('correct horse');
  };

  await load();
  await enterCredentials();
  assert.equal(await press(page, 'Register'), 'Ann: connection.ready');
  const registered = await onlyCookie(opened);

  await load();
  await enterCredentials();
  assert.equal(await press(page, 'Log in'), 'Ann: connection.ready');
  const loggedIn = await onlyCookie(opened);
  assert.notEqual(loggedIn.value, registered.value);

  await load();
  assert.equal(await press(page, 'Go on'), 'Ann: connection.ready');
  const refreshed = await onlyCookie(opened);
  assert.notEqual(refreshed.value, loggedIn.value);
  assert.equal(await page.evaluate('document.cookie'), '', 'no script sees it');

  assert.equal(await press(page, 'Log out'), 'bye');
  assert.deepEqual(await opened.context.cookies(), []);
  assert.deepEqual([opened.errors, opened.failures], [[], []]);
  return refreshed;
}
