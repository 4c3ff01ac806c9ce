/** A person in a browser who follows the links in mails. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { buildTestApp } from '../helpers/app.ts';
import { openPage } from '../helpers/browser.ts';
import { mailbox } from '../helpers/mailbox.ts';
import { guest } from '../helpers/people.ts';
import { freePort } from '../helpers/process.ts';

test('a password is set by the link in a mail, with nothing blocked, and a reload does not set it again', async (t) => {
  const box = await mailbox(t);
  const port = String(await freePort());
  const { person, dispatch } = await buildTestApp(t, { env: { PORT: port, PUBLIC_URL: `http://127.0.0.1:${port}`, SMTP_URL: box.smtpUrl } });
  const ann = await person('Ann');
  await box.next(ann.email);
  await dispatch.call('account.sendResetEmail', guest, { email: ann.email });
  const { link = '' } = await box.next(ann.email);

  const { page, errors, failures } = await openPage(t);
  const set = async (password: string, repeat: string): Promise<void> => {
    await page.getByLabel('New password', { exact: true }).fill(password);
    await page.getByLabel('New password once more').fill(repeat);
    await page.getByRole('button', { name: 'Set new password' }).click();
  };
  await page.goto(link);
  assert.equal(await page.evaluate('getComputedStyle(document.querySelector("main")).maxWidth'), '432px', 'the style is let in');
  await set('a new password', 'another password');
  await page.getByRole('alert').filter({ hasText: 'two different passwords' }).waitFor();
  assert.equal(new URL(page.url()).search, '');
  await set('a new password', 'a new password');
  await page.getByRole('heading', { name: 'Your new password is set' }).waitFor();
  await page.reload();
  await page.getByRole('heading', { name: 'Your new password is set' }).waitFor();

  await dispatch.call('auth.login', guest, { email: ann.email, password: 'a new password' });
  // A refused form is an error on the console of the browser.
  assert.deepEqual([errors.filter((error) => !error.includes('status of 400')), failures], [[], []]);
});
