/** The links in mails, followed to their end on our own pages. */
import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { buildTestApp, type TestApp } from '../helpers/app.ts';
import { mailbox } from '../helpers/mailbox.ts';
import { guest, type Person } from '../helpers/people.ts';
import { ask, requireError } from './ask.ts';
import { submit, visit } from './visit.ts';

interface Post extends TestApp {
  /** The link in the next mail to this address that has one, at the port where the server really is. */
  link: (to: string) => Promise<URL>;
}

async function buildWithPost(t: TestContext, env: Record<string, string> = {}): Promise<Post> {
  const box = await mailbox(t);
  const built = await buildTestApp(t, { env: { SMTP_URL: box.smtpUrl, ...env } });
  const link = async (to: string): Promise<URL> => {
    for (;;) {
      const { link: found } = await box.next(to);
      if (found === undefined) continue;
      const { pathname, search } = new URL(found);
      return new URL(pathname + search, built.url);
    }
  };
  return { ...built, link };
}

/** A form goes to the path of its page: the token is in it, not in the address. */
const formOf = (link: URL): { address: URL; token: string } => ({ address: new URL(link.pathname, link), token: link.searchParams.get('token') ?? '' });

const isVerified = async (person: Person): Promise<boolean> => (await person.call('users.me')).emailVerified;

test('a verification link is good until its button is pressed, and then no more', async (t) => {
  const { person, link } = await buildWithPost(t);
  const ann = await person('Ann');
  const followed = await link(ann.email);
  assert.equal(followed.pathname, '/verify-email');
  const { address, token } = formOf(followed);
  for (const method of ['GET', 'GET', 'HEAD']) {
    const { status } = await fetch(followed, { method });
    assert.equal(status, 200);
  }
  assert.deepEqual((await visit(followed)).fields, { token });
  assert.equal(await isVerified(ann), false);

  assert.equal((await submit(address, { form: { token } })).title, 'Your address is confirmed');
  assert.equal(await isVerified(ann), true);
  const again = await visit(address, { form: { token }, language: 'ru' });
  assert.deepEqual([again.status, again.title], [410, 'Ссылка больше не действует']);
  const looked = await visit(followed);
  assert.deepEqual([looked.status, looked.fields], [200, { token }], 'to look at a link does not tell whether it is good');
});

test('a new address is confirmed, and given up again, by links', async (t) => {
  const { person, link, dispatch } = await buildWithPost(t);
  const ann = await person('Ann');
  const verify = formOf(await link(ann.email));
  await submit(verify.address, { form: { token: verify.token } });

  await ann.call('account.changeEmail', { email: 'new@example.org' });
  const confirm = formOf(await link('new@example.org'));
  assert.equal((await submit(confirm.address, { form: { token: confirm.token } })).title, 'Your account has its new address');
  assert.equal((await ann.call('users.me')).email, 'new@example.org');

  const undo = formOf(await link(ann.email));
  assert.equal((await submit(undo.address, { form: { token: undo.token } })).title, 'Your account is yours again');
  await assert.rejects(dispatch.call('auth.login', guest, { email: ann.email, password: ann.password }), { code: 'WRONG_CREDENTIALS' });
  const { address, token } = formOf(await link(ann.email));
  await submit(address, { form: { token, password: 'a new password', repeat: 'a new password' } });
  await dispatch.call('auth.login', guest, { email: ann.email, password: 'a new password' });
});

test('a new password is set by the link, once it is a good one', async (t) => {
  const { person, link, dispatch, url } = await buildWithPost(t);
  const ann = await person('Ann');
  await link(ann.email);
  await dispatch.call('account.sendResetEmail', guest, { email: ann.email });
  const { address, token } = formOf(await link(ann.email));

  const tries: [string, string, number, RegExp][] = [
    ['password1', 'password1', 422, /easy to guess/],
    ['short', 'short', 400, /too short or too long/],
    ['x'.repeat(73), 'x'.repeat(73), 400, /too short or too long/],
    ['with\ta tab in it', 'with\ta tab in it', 400, /tabs/],
    ['', '', 400, /too short or too long/],
    ['a new password', 'a new passwort', 400, /two different passwords/],
  ];
  for (const [password, repeat, status, sentence] of tries) {
    const page = await visit(address, { form: { token, password, repeat } });
    assert.equal(page.status, status);
    assert.match(page.wrong ?? '', sentence);
    assert.deepEqual(page.fields, { token, password: '', repeat: '' }, 'the token is kept, the password is not');
  }
  assert.equal((await visit(address, { form: { token } })).status, 400);

  const password = 'größer & "schöner" + 100% <語>';
  assert.equal((await submit(address, { form: { token, password, repeat: password } })).title, 'Your new password is set');
  await dispatch.call('auth.login', guest, { email: ann.email, password });
  requireError(await ask(url, '/user/me', { token: ann.accessToken }), 'UNAUTHENTICATED');
  assert.equal((await visit(address, { form: { token, password, repeat: password } })).status, 410);
});

test('pages for a new password are in the app if there is one; all others are our own', async (t) => {
  const { person, link, dispatch } = await buildWithPost(t, { PUBLIC_URL: 'https://chat.example.org', APP_URL: 'https://app.example.org' });
  const ann = await person('Ann');
  const verify = formOf(await link(ann.email));
  assert.deepEqual((await submit(verify.address, { form: { token: verify.token } })).links, ['https://app.example.org']);
  await dispatch.call('account.sendResetEmail', guest, { email: ann.email });
  const { address, token } = formOf(await link(ann.email));
  const password = 'a new password';
  assert.deepEqual((await submit(address, { form: { token, password, repeat: password } })).links, ['https://app.example.org'], 'ours works all the same');
});

test('too many forms from one address are told to wait, and lose nothing', async (t) => {
  const { url } = await buildTestApp(t, { env: { RATE_SCALE: '0.01' } });
  const token = 'T'.repeat(43);
  const address = new URL('/verify-email', url);
  assert.equal((await visit(address, { form: { token } })).status, 410);
  const refused = await visit(address, { form: { token } });
  assert.deepEqual([refused.status, refused.fields], [429, { token }]);
  assert.match(refused.wrong ?? '', new RegExp(` in ${refused.headers.get('retry-after')} seconds`));
  assert.equal((await visit(`${address.href}?token=${token}`)).status, 200, 'looking is free');
});

test('a form is taken by the pages alone', async (t) => {
  const { url } = await buildTestApp(t);
  for (const path of ['/auth/login', '/auth/register', '/auth/reset-pwd', '/user/me']) {
    const answer = await ask(url, path, { method: path === '/user/me' ? 'PATCH' : 'POST', raw: 'token=x&password=y', headers: { 'content-type': 'application/x-www-form-urlencoded' } });
    requireError(answer, path === '/user/me' ? 'UNAUTHENTICATED' : 'UNSUPPORTED_MEDIA_TYPE');
  }
  requireError(await ask(url, '/verify-email/nowhere'), 'NOT_FOUND');
});
