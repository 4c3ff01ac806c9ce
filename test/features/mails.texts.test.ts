/** What mails say, in both languages, and what they can never be made to say or be. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Language } from '../../src/core/contract.ts';
import { mailKinds } from '../../src/features/mails/mail.model.ts';
import { freshDatabase } from '../helpers/app.ts';
import { accounts, hasLink, notice, startProcess, tokenMark, values } from '../helpers/mail.process.ts';
import { mailbox, type ReceivedMail } from '../helpers/mailbox.ts';

const hrefsOf = (html: string): string[] => [...html.matchAll(/(?:href|src)="([^"]*)"/g)].map(([, href = '']) => href.replaceAll('&amp;', '&'));

for (const language of ['en', 'ru'] as const satisfies Language[]) {
  test(`every kind of mail arrives complete, as text and as HTML, in the language ${language}`, async (t) => {
    const box = await mailbox(t);
    const { queue } = await startProcess(t, freshDatabase(t), box);
    await Promise.all(mailKinds.map((kind) => queue.enqueue({ kind, language, to: `${kind}@example.org`, values })));
    for (const kind of mailKinds) {
      const { subject, text, html, link } = await box.next(`${kind}@example.org`);
      const whole = `${subject}\n${text}\n${html}`;
      assert.equal(/[а-яё]/i.test(subject), language === 'ru', subject);
      assert.equal(/[а-яё]/i.test(text), language === 'ru', text);
      assert.ok(html.includes(`<html lang="${language}">`));
      assert.ok(text.includes('Ann') && html.includes('Ann'));
      assert.doesNotMatch(whole, /\{|\}|undefined/);
      assert.equal(link?.includes(tokenMark) ?? false, hasLink(kind));
      assert.deepEqual(hrefsOf(html), hasLink(kind) ? [link] : [], 'the link, and nothing else from elsewhere');
      assert.doesNotMatch(html, /<(?!\/?(?:html|head|meta|title|body|div|p|a)\b|!doctype)|url\(/i);
    }
  });
}

test('a mail names what happened: the device, the moment, the new address', async (t) => {
  const box = await mailbox(t);
  const { queue } = await startProcess(t, freshDatabase(t), box);
  const year = String(new Date().getUTCFullYear());
  await queue.enqueue(notice('en@example.org'));
  await queue.enqueue(notice('ru@example.org', { language: 'ru' }));
  await queue.enqueue(notice('old@example.org', { kind: 'email-changed' }));
  for (const to of ['en@example.org', 'ru@example.org']) {
    const { text, html } = await box.next(to);
    for (const part of [text, html]) for (const named of [values.device, year, 'UTC']) assert.ok(part.includes(named), `${named} in ${part}`);
  }
  const { text, html } = await box.next('old@example.org');
  for (const part of [text, html]) assert.ok(part.includes(values.newEmail));
});

test('whoever did not sign up is told not to follow the link', async (t) => {
  const box = await mailbox(t);
  const { queue } = await startProcess(t, freshDatabase(t), box);
  await queue.enqueue({ kind: 'verify-email', language: 'en', to: 'en@example.org' });
  await queue.enqueue({ kind: 'verify-email', language: 'ru', to: 'ru@example.org' });
  assert.match((await box.next('en@example.org')).text, /not you who signed up, do not follow the link/);
  assert.match((await box.next('ru@example.org')).text, /регистрировались не вы, не переходите по ссылке/);
});

const headersOf = ({ headers }: ReceivedMail): string[] => headers.map(({ key }) => key);

test('whatever a name or a value holds, it becomes no header, no recipient, no markup and no line', async (t) => {
  const box = await mailbox(t);
  const uri = freshDatabase(t);
  const harmless = await startProcess(t, uri, box);
  await harmless.queue.enqueue(notice('plain@example.org'));
  const plain = await box.next('plain@example.org');
  await harmless.worker.stop();
  const hostile = [
    '<script>alert(1)</script>',
    '"><img src=x onerror=alert(1)>',
    `O'Brien "Bob" & <b>sons</b>`,
    'Ann\r\nBcc: eve@example.org\r\n\r\nHello',
    'Ann\n.\nMAIL FROM:<eve@example.org>',
    'Ann\u2028\u2029\u0085\u0000 Bcc: eve@example.org',
    '\u202Eevil\u2066\u200F',
    '{newEmail} {link} $& $1',
    '=?utf-8?q?Bcc:_eve@example.org?=',
  ];
  for (const [index, name] of hostile.entries()) {
    const to = `hostile-${index}@example.org`;
    const { queue, worker } = await startProcess(t, uri, box, { prepare: accounts(name) });
    await queue.enqueue(notice(to, { values: { device: name } }));
    const mail = await box.next(to);
    await worker.stop();
    assert.deepEqual(headersOf(mail), headersOf(plain), name);
    assert.deepEqual([mail.to, mail.recipients, mail.subject], [[to], [to], plain.subject]);
    assert.equal(mail.text.split('\n').length, plain.text.split('\n').length, mail.text);
    assert.deepEqual(mail.html.match(/<[\w/!]+/g), plain.html.match(/<[\w/!]+/g), mail.html);
    assert.doesNotMatch(mail.text + mail.html, /[\u202A-\u202E\u2066-\u2069\u200E\u200F]|(?![\n\r])\p{Cc}/u);
  }
});

test('people are greeted by their names, unless a mail program would make a link of it', async (t) => {
  const box = await mailbox(t);
  const uri = freshDatabase(t);
  for (const [index, [name, greeting]] of [
    ['Ann', 'Hello Ann,'],
    ["Séan O'Brien Jr. ☘️", "Hello Séan O'Brien Jr. ☘️,"],
    ['نرگس\u200Cپور', 'Hello نرگس\u200Cپور,'],
    ['You won https://evil.example', 'Hello,'],
    ['evil.example', 'Hello,'],
    ['claim@evil.example', 'Hello,'],
    ['A'.repeat(65), 'Hello,'],
    ['\u202E', 'Hello,'],
  ].entries()) {
    const { queue, worker } = await startProcess(t, uri, box, { prepare: accounts(name) });
    await queue.enqueue(notice(`${index}@example.org`));
    const { text } = await box.next(`${index}@example.org`);
    await worker.stop();
    assert.equal(text.split('\n')[0], greeting);
  }
});
