/** The pages of our own: every one of them in every language, whatever comes from outside. */
import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import fc from 'fast-check';
import Fastify from 'fastify';
import { requireOperation, type OperationName } from '../../src/contracts.ts';
import type { Language } from '../../src/core/contract.ts';
import { AppError, commonErrors, errorCodes, statusOf, type ErrorCode } from '../../src/core/errors.ts';
import { languageOf } from '../../src/transports/authenticate.ts';
import { parseForm } from '../../src/transports/rest/pages/form.body.ts';
import { html } from '../../src/transports/rest/pages/html.ts';
import { registerPages } from '../../src/transports/rest/pages/index.ts';
import { sendPage } from '../../src/transports/rest/pages/page.ts';
import { signedInPage, signInFailedPage } from '../../src/transports/rest/pages/problems.ts';
import { readHtml } from '../helpers/html.ts';
import { visit, type Visit } from './visit.ts';

const languages: Language[] = ['en', 'ru'];
const names = ['verify-email', 'confirm-email', 'undo', 'reset-password'] as const;
const operationOf: Record<(typeof names)[number], OperationName> = {
  'verify-email': 'account.verifyEmail',
  'confirm-email': 'account.confirmEmail',
  'undo': 'account.undo',
  'reset-password': 'account.resetPassword',
};
const token = 'T'.repeat(43);
const password = 'correct horse battery';

/** A server with nothing but the pages; `outcome` is what comes of every form. */
async function servePages(t: TestContext, outcome: () => unknown, appUrl?: string): Promise<string> {
  const app = Fastify();
  t.after(() => app.close());
  await registerPages(app, { appUrl, dispatch: { call: async () => outcome() } });
  app.get('/signed-in', async (request, reply) => sendPage(reply, languageOf(request), signedInPage(languageOf(request))));
  app.get('/failed/:code', async (request, reply) => {
    const error = new AppError((request.params as { code: ErrorCode }).code);
    return sendPage(reply, languageOf(request), signInFailedPage(languageOf(request), error), error);
  });
  return app.listen({ host: '127.0.0.1', port: 0 });
}

const fail = (code: ErrorCode, details?: Record<string, unknown>) => () => {
  throw new AppError(code, details);
};

for (const language of languages) {
  for (const name of names) {
    test(`/${name} says in ${language} what its button does, and what came of it`, async (t) => {
      const url = await servePages(t, () => null, 'https://app.example.org/?a=1&b="2"');
      const asked = await visit(`${url}/${name}?token=${token}`, { language });
      const fields = name === 'reset-password' ? { token, password: '', repeat: '' } : { token };
      assert.deepEqual([asked.status, asked.wrong, asked.fields, asked.links], [200, undefined, fields, []]);
      const done = await visit(`${url}/${name}/done`, { language });
      assert.deepEqual([done.status, done.fields, done.links], [200, undefined, name === 'undo' ? [] : ['https://app.example.org/?a=1&b="2"']]);
      assert.notEqual(done.title, asked.title);
    });

    test(`/${name} has a sentence in ${language} for every error that its operation can give`, async (t) => {
      const codes = [...requireOperation(operationOf[name]).errors, ...commonErrors];
      let code: ErrorCode = 'INTERNAL';
      const url = await servePages(t, () => fail(code, { retryAfter: 250 })());
      const said = new Map<string, ErrorCode>();
      for (code of codes) {
        const { status, headers, wrong, title, text, fields } = await visit(`${url}/${name}`, { language, form: { token, password, repeat: password } });
        assert.equal(status, statusOf(code));
        assert.equal(headers.get('retry-after'), status === 429 || status === 503 ? '250' : null);
        assert.equal(said.get(text), undefined, `${code} has a sentence of its own`);
        said.set(text, code);
        const isOver = code === 'LINK_EXPIRED' || code === 'EMAIL_TAKEN';
        assert.equal(wrong === undefined, isOver, `${code}: ${title}`);
        assert.equal(fields?.['token'], isOver ? undefined : token);
      }
    });
  }

  test(`a sign-in with Google ends in ${language} with a page for whatever came of it`, async (t) => {
    const url = await servePages(t, () => null);
    const said = new Set([(await visit(`${url}/signed-in`, { language })).text]);
    const { errors } = requireOperation('auth.loginWithGoogle');
    const codes = new Set([...errorCodes.filter((code) => code.startsWith('GOOGLE_')), ...errors]);
    for (const code of codes) {
      const { status, text } = await visit(`${url}/failed/${code}`, { language });
      assert.equal(status, statusOf(code));
      said.add(text);
    }
    assert.equal(said.size, codes.size + 1, 'each has a sentence of its own');
    const { text } = await visit(`${url}/failed/INTERNAL`, { language });
    assert.equal((await visit(`${url}/failed/CHAT_NOT_FOUND`, { language })).text, text, 'what has none is our fault');
  });
}

test('how long to wait is told in seconds or minutes, never too short', async (t) => {
  let retryAfter = 0;
  const url = await servePages(t, () => fail('RATE_LIMITED', { retryAfter })());
  const wait = async (seconds: number, language: Language): Promise<string | undefined> => {
    retryAfter = seconds;
    return (await visit(`${url}/verify-email`, { language, form: { token } })).wrong;
  };
  assert.match((await wait(1, 'en')) ?? '', / in 1 second\.$/);
  assert.match((await wait(99, 'en')) ?? '', / in 99 seconds\.$/);
  assert.match((await wait(121, 'en')) ?? '', / in 3 minutes\.$/);
  assert.match((await wait(1, 'ru')) ?? '', / через 1 секунду\.$/);
  assert.match((await wait(3600, 'ru')) ?? '', / через 60 минут\.$/);
});

test('what is wrong with the link leads back to the app if there is one', async (t) => {
  const links = async (url: string): Promise<string[]> => (await visit(`${url}/reset-password`, { form: { token, password, repeat: password } })).links;
  assert.deepEqual(await links(await servePages(t, fail('LINK_EXPIRED'), 'https://app.example.org')), ['https://app.example.org']);
  assert.deepEqual(await links(await servePages(t, fail('LINK_EXPIRED'))), []);
});

test('text stays text wherever it is put, and comes out as it went in', () => {
  const awkward = fc.oneof(fc.string(), fc.string({ unit: 'binary' }), fc.string({ unit: fc.constantFrom('<', '>', '&', '"', "'", '/', '=', '-', '!', ';', ' ', 'a', 'on') }));
  fc.assert(
    fc.property(awkward, awkward, (one, other) => {
      const [element] = readHtml(html`<!doctype html>
<p title="${one}">${other}${[html`${one}`]}</p>`.html);
      assert.deepEqual(element, { name: 'p', attributes: { title: one }, text: other + one });
    }),
  );
});

test('nothing that comes from outside becomes part of a page but as text', async (t) => {
  const url = await servePages(t, fail('PASSWORD_TOO_EASY'));
  const hostile = fc.oneof(fc.string(), fc.string({ unit: fc.constantFrom('"', '<', '>', "'", '&', '=', '/', ' ', 'on', 'script') }), fc.constantFrom(token, '"><script>alert(1)</script>', '" autofocus onfocus="alert(1)'));
  const header = fc.stringMatching(/^[!-~]([ -~]{0,50}[!-~])?$/);
  await fc.assert(
    fc.asyncProperty(fc.constantFrom(...names), hostile, hostile, header, fc.boolean(), async (name, given, typed, acceptLanguage, isForm) => {
      const query = isForm ? '' : `?${new URLSearchParams({ token: given }).toString()}`;
      const response = await fetch(`${url}/${name}${query}`, {
        headers: { 'accept-language': acceptLanguage },
        ...(isForm && { method: 'POST', body: new URLSearchParams({ token: given, password: typed, repeat: typed }) }),
      });
      const elements = readHtml(await response.text());
      const inputs = elements.filter(({ name: tag }) => tag === 'input').map(({ attributes }) => attributes['value']);
      assert.ok(elements.every(({ name: tag, attributes }) => tag !== 'script' && Object.keys(attributes).every((attribute) => !attribute.startsWith('on'))));
      assert.deepEqual(inputs.filter((value) => value !== undefined), given === token ? [token] : [], 'what is no token is not repeated');
      assert.ok(['en', 'ru'].includes(elements[0]?.attributes['lang'] ?? ''));
    }),
    { numRuns: 300 },
  );
});

test('a form is read as browsers write it, to the letter', () => {
  fc.assert(
    fc.property(fc.dictionary(fc.string({ unit: 'grapheme' }), fc.string({ unit: 'grapheme' })), (fields) => {
      const sent = new URLSearchParams(Object.entries(fields));
      assert.deepEqual(Object.entries(parseForm(Buffer.from(sent.toString()))), [...sent]);
    }),
  );
  assert.deepEqual(Object.entries(parseForm(Buffer.from('a&b=&=c&&d=1=2+3%20'))), [['a', ''], ['b', ''], ['', 'c'], ['d', '1=2 3 ']]);
});

test('a form that is not whole, not UTF-8, not a form or too large is refused with a page', async (t) => {
  const seen: unknown[] = [];
  const url = await servePages(t, () => seen.push(1));
  const post = (raw: string | Buffer, type?: string): Promise<Visit> => visit(`${url}/reset-password`, { method: 'POST', raw, ...(type !== undefined && { type }) });
  const good = `token=${token}&password=correct+horse&repeat=correct+horse`;
  const whole = (await visit(`${url}/reset-password`)).title;

  for (const raw of ['', '&', 'token', 'token=', `token[]=${token}`, `token[0]=${token}`, `Token=${token}`, `token=${token}x`, `token=${token.slice(1)}`, `token=%20${token}`, `__proto__=${token}`, good.replace('token', 'toString')]) {
    const { status, title } = await post(raw);
    assert.deepEqual([status, title], [400, whole], raw);
  }
  for (const raw of [`token=a&token=b`, `${good}&token=${token}`, `${good}&password=x`, `${good}%`, `${good}%ff`, `${good}%c3`, Buffer.concat([Buffer.from(good), Buffer.from([0xff])]), Buffer.from(`${good}caf\u00e9`, 'latin1')]) {
    const { status, text, fields } = await post(raw);
    assert.equal(status, 400);
    assert.match(text, /The form did not arrive/);
    assert.equal(fields, undefined);
  }
  for (const [raw, type] of [[JSON.stringify({ token, password: 'correct horse' }), 'application/json'], [good, 'text/plain'], [good, 'multipart/form-data; boundary=x'], [good, 'nonsense'], [good, '']] as const) {
    assert.equal((await post(raw, type)).status, 415, type);
  }
  assert.equal((await post(`${good}&more=${'x'.repeat(16 * 1024)}`)).status, 413);
  for (const query of ['', '?token', '?token=', `?token=${token}&token=${token}`, `?token[]=${token}`, `?token=${token}.`, '?token=%ff', `?Token=${token}`]) {
    const { status, title } = await visit(`${url}/verify-email${query}`);
    assert.deepEqual([status, title], [400, whole], query);
  }
  assert.deepEqual(seen, [], 'nothing of this was done');
  assert.equal((await post(`${good}&stray=1`, 'application/x-www-form-urlencoded; charset=UTF-8')).status, 303);
  assert.equal((await visit(`${url}/verify-email?utm_source=mail&token=${token}`)).status, 200);
});
