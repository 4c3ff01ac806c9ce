/** The life of an account in a browser, with real mails, a real OpenID provider as Google, and two devices. */
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import type { Page } from 'playwright-core';
import { buildTestApp } from '../helpers/app.ts';
import { openPage } from '../helpers/browser.ts';
import { startIssuer } from '../helpers/issuer.ts';
import { mailbox } from '../helpers/mailbox.ts';
import { servePage } from '../helpers/page.ts';
import { freePort } from '../helpers/process.ts';
import { press } from './story.ts';

const email = 'ann@example.org';
const template = await readFile('test/browser/account.html', 'utf8');

const enter = async (page: Page, password: string): Promise<void> => {
  await page.getByLabel('E-mail').fill(email);
  await page.getByLabel('Password').fill(password);
};
const closing = (page: Page): Promise<void> => page.locator('p', { hasText: 'closed with 4401' }).waitFor();

test('somebody registers, verifies, enters with Google on a phone, sets a new password, and ends the session of the phone', async (t) => {
  const [box, issuer, port] = [await mailbox(t), await startIssuer(t), String(await freePort())];
  const api = `http://localhost:${port}`;
  const appUrl = await servePage(t, { html: template.replaceAll('%API%', api) });
  issuer.allow(`${api}/auth/google/callback`);
  issuer.account({ email, email_verified: true });
  await buildTestApp(t, { env: { ...issuer.env, PORT: port, PUBLIC_URL: api, APP_URL: appUrl, SMTP_URL: box.smtpUrl } });
  const [laptop, phone] = [await openPage(t), await openPage(t)];

  await laptop.page.goto(appUrl);
  await enter(laptop.page, 'correct horse');
  assert.equal(await press(laptop.page, 'Register'), 'connection.ready');
  assert.equal(await press(laptop.page, 'Who am I'), `${email} unverified password`);

  const mail = await laptop.context.newPage();
  await mail.goto((await box.next(email)).link ?? '');
  await mail.getByRole('button').click();
  await mail.getByRole('heading', { name: 'confirmed' }).waitFor();
  assert.equal(await press(laptop.page, 'Log in'), 'connection.ready');
  assert.equal(await press(laptop.page, 'Who am I'), `${email} verified password`);

  await phone.page.goto(appUrl);
  await phone.page.getByRole('link', { name: 'Continue with Google' }).click();
  await phone.page.getByRole('button', { name: email }).click();
  await phone.page.getByRole('button', { name: 'Continue' }).click();
  await phone.page.waitForURL(`${appUrl}/`);
  assert.equal(await press(phone.page, 'Go on'), 'connection.ready');
  assert.equal(await press(phone.page, 'Who am I'), `${email} verified password,google`);
  assert.match((await box.next(email)).subject, /Google/);

  assert.equal(await press(laptop.page, 'Forgot password'), 'sent');
  const { link = '' } = await box.next(email);
  assert.ok(link.startsWith(`${appUrl}/reset-password?token=`));
  await mail.goto(link);
  await enter(mail, 'a better horse');
  assert.equal(await press(mail, 'Set password'), 'set');
  await Promise.all([closing(laptop.page), closing(phone.page)]);

  for (const { page } of [laptop, phone]) {
    await page.goto(appUrl);
    await enter(page, 'a better horse');
    assert.equal(await press(page, 'Log in'), 'connection.ready');
  }
  assert.equal(await press(laptop.page, 'Sessions'), 'Chrome on Linux; Chrome on Linux (this one)');
  assert.equal(await press(laptop.page, 'End others'), 'ended');
  await closing(phone.page);
  assert.equal(await press(phone.page, 'Who am I'), 'UNAUTHENTICATED');
  assert.equal(await press(laptop.page, 'Sessions'), 'Chrome on Linux (this one)');
  assert.deepEqual([laptop.failures, phone.failures, laptop.errors], [[], [], []]);
});
