/** Names that try to become headers, further recipients or another subject of a mail. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startIssuer } from '../helpers/issuer.ts';
import { buildMailedApp, type MailedApp } from '../helpers/mailed.ts';
import type { ReceivedMail } from '../helpers/mailbox.ts';
import { guest } from '../helpers/people.ts';

const victim = 'victim@example.org';

/** Names that the contract refuses: they hold a control character, or half of one beyond the first plane. */
const refused = [
  `Ann\r\nBcc: ${victim}`,
  `Ann\nBcc: ${victim}`,
  `Ann\rBcc: ${victim}`,
  `Ann\r\n\r\n<h1>Hello</h1>`,
  `Ann\0Bcc: ${victim}`,
  `Ann\u0085Bcc: ${victim}`,
  `Ann\u001B]0;x\u0007`,
  'Ann\uD83D',
  'A'.repeat(51),
];

/** Names that anybody may have, and that a mail must not be impressed by. */
const allowed = [
  `Bcc: ${victim}`,
  `Ann, ${victim}`,
  `Ann <${victim}>`,
  `"Ann" <${victim}>;`,
  '=?utf-8?B?QW5uDQpCY2M6IHY=?=',
  '=?utf-8?Q?Ann=0D=0ABcc:_victim=40example.org?=',
  'Ann%0D%0ABcc: x',
  `Ann\u2028Bcc: x\u2029`,
  '\u202Egro.elpmaxe\u202C nnA',
  'آن',
  'Zoë 李 👩‍👩‍👧',
  'A'.repeat(50),
  '.',
  '{link} {newEmail} $& %s',
];

/** What mails have, and no more. */
const headers = ['auto-submitted', 'content-type', 'date', 'from', 'message-id', 'mime-version', 'subject', 'to'];

/** One mail, for one person, that says what it always says. */
function requirePlain(mail: ReceivedMail, to: string, subject: string): void {
  assert.deepEqual([mail.recipients, mail.to, mail.subject], [[to], [to], subject]);
  assert.deepEqual(mail.headers.map(({ key }) => key).sort(), headers);
  for (const { key, value } of mail.headers) assert.equal(value.includes('victim'), false, `${key}: ${value}`);
  assert.match(mail.html, /^<!doctype html>/);
}

const register = (app: MailedApp, email: string, name: string): Promise<unknown> => app.ask('auth.register', { email, password: 'correct horse', firstName: name, lastName: name });

test('a name with a line break in it, or another control character, is refused, and causes no mail', async (t) => {
  const app = await buildMailedApp(t);
  const ann = await app.verified('Ann');
  for (const [index, name] of refused.entries()) {
    await assert.rejects(register(app, `ann${index}@example.org`, name), { code: 'VALIDATION_FAILED' }, JSON.stringify(name));
    await assert.rejects(ann.call('users.update', { id: 'me', firstName: name }), { code: 'VALIDATION_FAILED' }, JSON.stringify(name));
  }
  assert.equal((await app.settled()).length, 1);
});

test('any other name goes to one recipient, into no header, and leaves the subject as it is', async (t) => {
  const app = await buildMailedApp(t);
  for (const [index, name] of allowed.entries()) {
    const email = `ann${index}@example.org`;
    await register(app, email, name);
    requirePlain(await app.box.next(email), email, 'Confirm your e-mail address');
    await app.ask('account.sendResetEmail', { email });
    requirePlain(await app.box.next(email), email, 'Set a new password');
  }
  assert.equal((await app.settled()).length, 2 * allowed.length);
});

test('a name that got past the contract does no harm either', async (t) => {
  const app = await buildMailedApp(t);
  for (const [index, name] of refused.entries()) {
    const email = `ann${index}@example.org`;
    const ann = await app.services.auth.register(guest, { email, password: 'correct horse', firstName: 'Ann', refresh: 'body' });
    await app.box.next(email);
    await app.store.collection('users').updateOne({ email: ann.user.email ?? '' }, { $set: { firstName: name, lastName: name } });
    await app.ask('account.sendResetEmail', { email });
    const mail = await app.box.next(email);
    requirePlain(mail, email, 'Set a new password');
    assert.match(mail.text.split('\n')[0] ?? '', /^Hello/);
    assert.equal(/^(?:Bcc|<h1>)/m.test(mail.text), false, mail.text);
  }
  assert.equal((await app.settled()).length, 2 * refused.length);
});

test('a name from Google does no harm either', async (t) => {
  const issuer = await startIssuer(t);
  const app = await buildMailedApp(t, { env: issuer.env });
  for (const [index, name] of [...refused, ...allowed].entries()) {
    const email = `ann${index}@example.org`;
    await app.ask('auth.loginWithGoogle', { credential: issuer.credential(issuer.account({ email, given_name: name, family_name: name })) });
    await app.ask('account.sendResetEmail', { email });
    requirePlain(await app.box.next(email), email, 'Set a new password');
  }
});

test('what is not one address is refused wherever one is asked for', async (t) => {
  const app = await buildMailedApp(t);
  const ann = await app.verified('Ann');
  const addresses = [
    `ann@example.org\r\nBcc: ${victim}`,
    `ann@example.org\n`,
    `ann@example.org,${victim}`,
    `ann@example.org ${victim}`,
    `Ann <${victim}>`,
    `<${victim}>`,
    `ann@example.org>\r\nRCPT TO:<${victim}`,
    `"ann@example.org" ${victim}`,
    `"a\\r\\n"@example.org`,
    `ann@[127.0.0.1]\r\n`,
    `=?utf-8?Q?ann=40example.org=2Cvictim?=@example.org\r\n`,
    '@example.org',
    `${'a'.repeat(250)}@example.org`,
  ];
  for (const email of addresses) {
    await assert.rejects(register(app, email, 'Ann'), { code: 'VALIDATION_FAILED' }, email);
    await assert.rejects(app.ask('account.sendResetEmail', { email }), { code: 'VALIDATION_FAILED' }, email);
    await assert.rejects(ann.call('account.changeEmail', { email }), { code: 'VALIDATION_FAILED' }, email);
  }
  assert.equal((await app.settled()).length, 1);
});

test('an odd address that is allowed gets its mail, and nobody else', async (t) => {
  const app = await buildMailedApp(t);
  const odd = ["o'brien+tag@example.org", '=?utf-8?q?x?=@example.org', 'a.b_c-d!#$%&*/=?^`{|}~@example.org'];
  for (const email of odd) {
    await register(app, email, 'Ann');
    const mail = await app.box.next(email);
    requirePlain(mail, email, 'Confirm your e-mail address');
  }
  assert.equal((await app.settled()).length, odd.length);
});

test('a device that calls itself a header becomes a word in the text', async (t) => {
  const app = await buildMailedApp(t);
  const ann = await app.verified('Ann');
  await app.dispatch.call('account.changePassword', { ...ann.caller, userAgent: `curl\r\nBcc: ${victim}` }, { oldPassword: ann.password, password: 'an even better horse' });
  const mail = await app.box.next(ann.email);
  requirePlain(mail, ann.email, 'Your password was changed');
  assert.equal(/^Bcc/m.test(mail.text), false);
});
