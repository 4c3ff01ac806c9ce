/** Texts over HTTP: what is no text at all, and how a text is measured. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { buildTestApp } from '../helpers/app.ts';
import { ask, requireInvalid, type Answer } from './ask.ts';

/** Two code points that NFC makes one of. */
const decomposed = 'e\u0301';
/** One code point that NFC makes two of (U+0958 is a composition exclusion). */
const expanding = '\u0958';

test('half a surrogate pair and NUL are refused wherever a text is taken', async (t) => {
  const { url, person } = await buildTestApp(t);
  const { accessToken: token, id } = await person('Ann');
  const post = (path: string, raw: string): Promise<Answer> => ask(url, path, { method: 'POST', token, raw, headers: { 'content-type': 'application/json' } });
  for (const bad of ['\\ud800', 'a\\udc00b', '\\ude00\\ud83d', '\\u0000', 'a\\u0000b', '\\u001b', '\\u007f', '\\u0085']) {
    requireInvalid(await post('/message', `{"to":"${id}","text":"${bad}"}`), 'text');
    for (const field of ['firstName', 'lastName', 'username', 'email', 'password']) {
      const account = { email: 'x@example.org', password: 'correct horse', firstName: 'X', [field]: '?' };
      requireInvalid(await post('/auth/register', JSON.stringify(account).replace('"?"', `"${bad}correct horse"`)), field);
    }
  }
  requireInvalid(await ask(url, '/user?search=%00', { token }), 'search');
});

test('a text of several lines is kept as it is; a name has one line', async (t) => {
  const { url, person } = await buildTestApp(t);
  const { accessToken: token, id } = await person('Ann');
  const text = 'one\n\ttwo 👩‍👩‍👧 \u202e three ';
  const { status, body } = await ask(url, '/message', { method: 'POST', token, json: { to: id, text } });
  assert.equal(status, 201);
  assert.equal((body as { text: string }).text, text);
  requireInvalid(await ask(url, '/auth/register', { method: 'POST', json: { email: 'x@example.org', password: 'correct horse', firstName: 'A\nB' } }), 'firstName');
});

test('the length of a text is that of its composed form', async (t) => {
  const { url, person } = await buildTestApp(t);
  const { accessToken: token, id } = await person('Ann');
  const send = (text: string): Promise<Answer> => ask(url, '/message', { method: 'POST', token, json: { to: id, text } });

  const fits = await send(decomposed.repeat(8000));
  assert.equal(fits.status, 201);
  assert.equal((fits.body as { text: string }).text, 'é'.repeat(8000));
  assert.equal((await send('👍'.repeat(8000))).status, 201);

  requireInvalid(await send(decomposed.repeat(8001)), 'text');
  requireInvalid(await send(expanding.repeat(4001)), 'text');
  assert.equal((await send(expanding.repeat(4000))).status, 201);
  requireInvalid(await send(''), 'text');
});

test('names are stored composed, and measured so', async (t) => {
  const { url } = await buildTestApp(t);
  const register = (firstName: string): Promise<Answer> => ask(url, '/auth/register', { method: 'POST', json: { email: 'x@example.org', password: 'correct horse', firstName } });
  requireInvalid(await register('é'.repeat(51)), 'firstName');
  const { status, body } = await register(decomposed.repeat(50));
  assert.equal(status, 201);
  assert.equal((body as { user: { firstName: string } }).user.firstName, 'é'.repeat(50));
});

test('a name has something to see, of a person as of a group', async (t) => {
  const { url, person } = await buildTestApp(t);
  const { accessToken: token } = await person('Ann');
  // Spaces and formats; fillers of Hangul; an empty cell of Braille; a joiner, a variation selector and a note without a head.
  for (const name of [' ', '\u00a0\u3000', '\u200b\u200d', '\u2028', '\u3164', '\u115f\u1160', '\uffa0', '\u2800 \u2800', '\u034f', '\ufe0f', '\u{1d159}', '\u180e\u17b4']) {
    requireInvalid(await ask(url, '/auth/register', { method: 'POST', json: { email: 'x@example.org', password: 'correct horse', firstName: name } }), 'firstName');
    requireInvalid(await ask(url, '/chat/group', { method: 'POST', token, json: { title: name } }), 'title');
  }
  for (const title of ['\u3164a', '⠓\u2800⠊', '❤\ufe0f', '한글', '𝅘']) assert.equal((await ask(url, '/chat/group', { method: 'POST', token, json: { title } })).status, 201, title);
});

test('a text of nothing but combining marks is refused before it costs anything', async (t) => {
  const { url, person } = await buildTestApp(t);
  const { accessToken: token, id } = await person('Ann');
  const send = (text: string): Promise<Answer> => ask(url, '/message', { method: 'POST', token, json: { to: id, text } });
  assert.equal((await send(`a${'\u0301'.repeat(30)}`)).status, 201);
  requireInvalid(await send(`a${'\u0301'.repeat(31)}`), 'text');
  requireInvalid(await send(`a${'\u0301\u0316'.repeat(60_000)}`), 'text');
});
