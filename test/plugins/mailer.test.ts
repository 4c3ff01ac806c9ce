/** Mails on their way out: to a real mail server, or into files. */
import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { createMailer, type Mail, type Mailer } from '../../src/plugins/mailer.ts';
import { mailbox, readOutbox, type Mailbox } from '../helpers/mailbox.ts';
import { until } from '../helpers/until.ts';

const from = 'Parley <no-reply@chat.example.org>';
const link = 'https://app.example.org/reset?token=a-secret-token';

const mail: Mail = {
  id: '665f1c2ab3d4e5f60718293a',
  to: 'ann@example.org',
  subject: 'Новый пароль',
  text: `Задать его можно здесь:\n\n${link}\n`,
  html: `<p><a href="${link}">Задать новый пароль</a></p>`,
};

async function withServer(t: TestContext): Promise<{ box: Mailbox; mailer: Mailer }> {
  const box = await mailbox(t);
  const mailer = createMailer({ smtpUrl: box.smtpUrl, from, dataDir: '/nowhere', log: { warn: () => assert.fail('nothing is to be said') } });
  t.after(() => mailer.close());
  return { box, mailer };
}

function withoutServer(t: TestContext): { dataDir: string; mailer: Mailer; said: unknown[][] } {
  const dataDir = mkdtempSync(join(tmpdir(), 'parley-outbox-'));
  t.after(() => rmSync(dataDir, { recursive: true }));
  const said: unknown[][] = [];
  return { dataDir, said, mailer: createMailer({ smtpUrl: undefined, from, dataDir, log: { warn: (...line) => said.push(line) } }) };
}

const isPermanent = (error: unknown): boolean => (error as { permanent?: boolean }).permanent === true;
const isPassing = (error: unknown): boolean => !isPermanent(error);

test('a mail arrives with text and HTML, a stable Message-ID at our host, and a word to those who answer by themselves', async (t) => {
  const { box, mailer } = await withServer(t);
  await mailer.send(mail);
  const got = await box.next(mail.to);
  assert.deepEqual([got.subject, got.text.trim(), got.html.trim(), got.link], [mail.subject, mail.text.trim(), mail.html, link]);
  assert.deepEqual([got.from, got.to, got.recipients], ['no-reply@chat.example.org', [mail.to], [mail.to]]);
  assert.equal(got.messageId, `<${mail.id}@chat.example.org>`);
  assert.equal(got.headers.find(({ key }) => key === 'auto-submitted')?.value, 'auto-generated');
});

test('nothing in a subject becomes a header or a recipient', async (t) => {
  const { box, mailer } = await withServer(t);
  await mailer.send({ ...mail, subject: 'Hello\r\nBcc: eve@example.org\r\nX-Evil: yes\r\n\r\nBody' });
  const got = await box.next(mail.to);
  assert.deepEqual(got.recipients, [mail.to]);
  assert.deepEqual(got.headers.filter(({ key }) => ['bcc', 'x-evil'].includes(key)), []);
  assert.ok(got.text.startsWith('Задать'));
});

for (const [name, make] of [
  ['a mail server', withServer],
  ['files', withoutServer],
] as const) {
  test(`with ${name}, what is not exactly one address is refused for good`, async (t) => {
    const { mailer } = await make(t);
    for (const to of ['ann@example.org, eve@example.org', 'ann@example.org\r\nBcc: eve@example.org', 'Ann <ann@example.org>', 'ann@example.org>', 'ann@eve@example.org', 'ann', '']) {
      await assert.rejects(mailer.send({ ...mail, to }), isPermanent, to);
    }
  });
}

test('a mail refused with 5xx is refused for good, one refused with 4xx is not', async (t) => {
  const { box, mailer } = await withServer(t);
  box.refuse(550);
  await assert.rejects(mailer.send(mail), isPermanent);
  box.refuse(451);
  await assert.rejects(mailer.send(mail), isPassing);
  box.unrefuse();
  await mailer.send(mail);
});

test('a refusal of our own address, or nobody at home, is not the fault of the mail', async (t) => {
  const { box, mailer } = await withServer(t);
  box.refuse(550, 'MAIL FROM');
  await assert.rejects(mailer.send(mail), isPassing);
  const lonely = createMailer({ smtpUrl: 'smtp://127.0.0.1:1', from, dataDir: '/nowhere', log: { warn: () => undefined } });
  await assert.rejects(lonely.send(mail), isPassing);
});

test('a mail under way is broken off on demand, and the next one goes through', async (t) => {
  const { box, mailer } = await withServer(t);
  box.hang();
  const attempt = new AbortController();
  const sending = mailer.send(mail, attempt.signal);
  await until('an offer', box.offered);
  attempt.abort();
  await assert.rejects(sending, isPassing);
  box.unrefuse();
  await mailer.send({ ...mail, to: 'bob@example.org' });
  assert.deepEqual(box.received.map(({ to }) => to), [['bob@example.org']]);
});

test('closing ends the connections, also one on which the server does not answer', async (t) => {
  const { box, mailer } = await withServer(t);
  await mailer.send(mail);
  box.hang();
  const sending = assert.rejects(mailer.send(mail));
  await until('an offer', () => box.offered() === 2);
  await mailer.close();
  await until('an end', () => box.peers() === 0);
  await sending;
});

test('without a mail server, mails become files that only their owner can read', async (t) => {
  const { dataDir, mailer } = withoutServer(t);
  await mailer.send(mail);
  const [got, ...others] = await readOutbox(dataDir);
  assert.deepEqual(others, []);
  assert.ok(got);
  assert.deepEqual([got.subject, got.text.trim(), got.html.trim(), got.link], [mail.subject, mail.text.trim(), mail.html, link]);
  assert.deepEqual([got.from, got.to, got.messageId], ['no-reply@chat.example.org', [mail.to], `<${mail.id}@chat.example.org>`]);
  assert.equal(statSync(got.file).mode & 0o777, 0o600);
  assert.equal(statSync(join(dataDir, 'outbox')).mode & 0o777, 0o700);
  assert.equal(readdirSync(join(dataDir, 'outbox')).length, 1, 'no draft is left');
});

test('the log names the recipient, the subject and the file, and nothing of the content', async (t) => {
  const { dataDir, mailer, said } = withoutServer(t);
  await mailer.send(mail);
  const [{ file } = { file: '' }] = await readOutbox(dataDir);
  assert.deepEqual(said.map(([details]) => details), [{ to: mail.to, subject: mail.subject, file }]);
  assert.equal(JSON.stringify(said).includes('token'), false);
});

test('the files sort in the order in which they were written, whatever they are called', async (t) => {
  const { dataDir, mailer } = withoutServer(t);
  const subjects = ['Zebra / ..', '', 'Ä'.repeat(300), 'Конец', 'a\0b'];
  for (const subject of subjects) {
    await mailer.send({ ...mail, subject });
    const before = Date.now();
    await until('the next millisecond', () => Date.now() > before);
  }
  assert.deepEqual((await readOutbox(dataDir)).map(({ subject }) => subject[0]), subjects.map((subject) => subject[0]));
});

test('a mail that cannot be written is reported, and may be tried again', async (t) => {
  const { dataDir, mailer } = withoutServer(t);
  rmSync(dataDir, { recursive: true });
  const blocked = createMailer({ smtpUrl: undefined, from, dataDir: '/dev/null', log: { warn: () => assert.fail('nothing was written') } });
  await assert.rejects(blocked.send(mail), isPassing);
  await mailer.send(mail);
  assert.equal((await readOutbox(dataDir)).length, 1);
});
