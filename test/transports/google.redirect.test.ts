/** Signing in with Google by redirect: there, back, and on to the app with a session or with what went wrong. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import { buildTestApp } from '../helpers/app.ts';
import { createAuthenticator } from '../helpers/authenticator.ts';
import { toMember } from '../helpers/google.ts';
import { visit } from './visit.ts';
import { ask, requireError } from './ask.ts';
import { appUrl, buildWay, createBrowser, pathOf, publicUrl, requireNobody, requireSentOn } from './google.way.ts';

const attributesOf = (line = ''): string[] => line.split('; ').slice(1).map((attribute) => attribute.toLowerCase()).sort();

test('a browser goes to Google and back, and is signed in at the app', async (t) => {
  const { issuer, browser, through } = await buildWay(t);
  const account = issuer.account();
  const ann = browser();
  const there = new URL(await ann.setOut('/settings'));
  assert.equal(there.origin + there.pathname, `${issuer.url}/auth`);
  const { state, nonce, code_challenge: challenge, ...others } = Object.fromEntries(there.searchParams);
  assert.deepEqual(others, {
    response_type: 'code',
    client_id: issuer.clientId,
    redirect_uri: `${publicUrl}/auth/google/callback`,
    scope: 'openid email profile',
    code_challenge_method: 'S256',
    prompt: 'select_account',
    ui_locales: 'en',
    hl: 'en',
  });
  for (const random of [state, nonce, challenge]) assert.match(random ?? '', /^[\w-]{43}$/);

  const back = await ann.visit(await through(there.href, account));
  requireSentOn(back, '/settings');
  assert.equal(await ann.whoAmI(), account.email);
  const [{ parameters, status } = { parameters: {}, status: 0 }] = issuer.tokenRequests;
  assert.equal(status, 200);
  assert.equal(createHash('sha256').update(parameters['code_verifier'] ?? '').digest('base64url'), challenge);
});

test('each way has a state, a nonce, a challenge and a cookie of its own', async (t) => {
  const { browser } = await buildWay(t);
  const ann = browser();
  const seen = new Set<string>();
  for (let way = 0; way < 3; way++) {
    const { searchParams } = new URL(await ann.setOut());
    for (const name of ['state', 'nonce', 'code_challenge']) seen.add(searchParams.get(name) ?? '');
    seen.add(ann.cookies.get('__Host-google') ?? '');
  }
  assert.equal(seen.size, 12);
});

test('Google and the page that is next are told no secret', async (t) => {
  const { issuer, browser, through, tokens } = await buildWay(t);
  const ann = browser();
  const there = await ann.setOut();
  const { data, ...stored } = (await (await tokens()).findOne({ _id: { $regex: '^google:' } as never })) as unknown as { data: Record<string, string>; hash: string };
  const secret = ann.cookies.get('__Host-google') ?? '';
  for (const kept of [secret, data['codeVerifier'] ?? '', data['browser'] ?? '', issuer.clientSecret]) assert.ok(kept.length > 30 && !there.includes(kept));
  assert.equal(JSON.stringify({ data, stored }).includes(secret), false, 'the store does not know what the browser keeps');
  assert.equal(JSON.stringify({ data, stored }).includes(new URL(there).searchParams.get('state') ?? ''), false, 'nor the state');
  const { location } = await ann.visit(await through(there));
  assert.equal(location, `${appUrl}/chats`);
});

test('the cookie of the way is for this host and this way only, and goes when it ends; then comes that of the session', async (t) => {
  const { browser, through } = await buildWay(t);
  const ann = browser();
  const begun = await ann.visit('/auth/google');
  assert.deepEqual([begun.setCookies.length, attributesOf(begun.setCookies[0])], [1, ['httponly', 'max-age=600', 'path=/', 'samesite=lax', 'secure']]);
  assert.match(begun.setCookies[0] ?? '', /^__Host-google=[\w-]{43};/);
  const { setCookies } = await ann.visit(await through(begun.location));
  const [cleared = '', session = ''] = setCookies;
  assert.match(cleared, /^__Host-google=;/);
  assert.deepEqual(attributesOf(cleared).filter((attribute) => !attribute.startsWith('expires') && !attribute.startsWith('max-age')), ['httponly', 'path=/', 'samesite=lax', 'secure']);
  assert.match(session, /^refreshToken=[\w.-]{80,};/);
  assert.deepEqual(attributesOf(session), ['httponly', 'max-age=2592000', 'path=/auth', 'samesite=strict', 'secure']);
});

test('nothing on the way is kept by a cache, or told to the next page as where one came from', async (t) => {
  const { browser, through } = await buildWay(t);
  const ann = browser();
  const begun = await ann.visit('/auth/google');
  for (const { headers } of [begun, await ann.visit(await through(begun.location)), await ann.visit('/auth/google/callback'), await ann.visit('/auth/google?returnTo=/elsewhere')]) {
    assert.deepEqual([headers.get('cache-control'), headers.get('referrer-policy')], ['no-store', 'no-referrer']);
  }
});

test('it goes on at a path of the list, the first if none is asked for', async (t) => {
  const { browser, through } = await buildWay(t);
  for (const [wish, path] of [[undefined, '/chats'], ['/chats', '/chats'], ['/settings', '/settings']] as const) {
    const ann = browser();
    requireSentOn(await ann.visit(await through(await ann.setOut(wish))), path);
  }
});

const elsewhere = ['//evil.example', '///evil.example', 'https://evil.example', 'https:evil.example', '/\\evil.example', '\\\\evil.example', '/%2F%2Fevil.example', '/%5Cevil.example', '/\t/evil.example', ' /chats', '/chats ', '/chats/', '/Chats', '/chats?to=x', '/chats#x', '/chats/../settings', '/chats@evil.example', `${appUrl}/chats`, 'javascript:alert(1)', 'evil.example', '.evil.example', '@evil.example', '/', '', '/chats,/settings', '/constructor', 'x'.repeat(501)];

test('it goes nowhere else, however that is spelt', async (t) => {
  const { url } = await buildWay(t);
  const queries = [
    ...elsewhere.map((wish) => `returnTo=${encodeURIComponent(wish)}`),
    'returnTo=//evil.example', 'returnTo=/%2F%2Fevil.example', 'returnTo=/\\evil.example',
    'returnTo=/chats&returnTo=//evil.example', 'returnTo[]=/chats', 'returnTo[$ne]=/chats', 'returnTo=/chats&next=//evil.example', 'return_to=/chats',
  ];
  for (const query of queries) {
    const answer = await ask(url, `/auth/google?${query}`);
    requireError(answer, 'RETURN_PATH_NOT_ALLOWED', 'VALIDATION_FAILED');
    assert.deepEqual([answer.cookies, answer.headers.get('location')], [[], null], query);
  }
});

test('who cancels at Google, or comes back without a code, is told at the path where they wanted to go', async (t) => {
  const { issuer, browser } = await buildWay(t);
  const withState = (there: string, query: string): string => `/auth/google/callback?state=${new URL(there).searchParams.get('state')}${query}`;
  const cancelled = [async (there: string) => pathOf(await issuer.cancel(there)), (there: string) => withState(there, '&error=access_denied')];
  const ways = [
    ...cancelled,
    (there: string) => withState(there, '&error=server_error'),
    (there: string) => withState(there, ''),
    (there: string) => withState(there, '&code='),
    (there: string) => withState(there, '&code=guessed'),
    (there: string) => withState(there, '&code=one&code=two'),
    (there: string) => withState(there, '&code[$ne]=x'),
  ];
  for (const comeBack of ways) {
    const ann = browser();
    const back = await ann.visit(await comeBack(await ann.setOut('/settings')));
    requireSentOn(back, '/settings', { error: cancelled.includes(comeBack) ? 'GOOGLE_CANCELLED' : 'GOOGLE_REFUSED' });
    await requireNobody(back, ann);
  }
  assert.deepEqual(issuer.tokenRequests.map(({ parameters }) => parameters['code']), ['', 'guessed'], 'Google is asked only where there is one code');
});

test('when Google does not answer, that is said', async (t) => {
  const { issuer, browser, through } = await buildWay(t);
  const [ann, bob] = [browser(), browser()];
  const [annsWay, bobsWay] = [await through(await ann.setOut('/settings')), await through(await bob.setOut())];
  issuer.replace('/token', (_, response) => response.writeHead(500).end());
  requireSentOn(await ann.visit(annsWay), '/settings', { error: 'GOOGLE_UNAVAILABLE' });
  await issuer.close();
  const back = await bob.visit(bobsWay);
  requireSentOn(back, '/chats', { error: 'GOOGLE_UNAVAILABLE' });
  await requireNobody(back, bob);
});

test('when Google does not take us for its client, the fault is ours, and no more than that is told', async (t) => {
  const { browser, through } = await buildWay(t, { GOOGLE_CLIENT_SECRET: 'another' });
  const ann = browser();
  requireSentOn(await ann.visit(await through(await ann.setOut())), '/chats', { error: 'INTERNAL' });
});

test('what Google says about an address counts on this way, too', async (t) => {
  const { issuer, browser, through, signUp } = await buildWay(t);
  await signUp('ann@example.org');
  for (const [claims, error] of [[{ email: 'ann@example.org' }, 'GOOGLE_NOT_LINKED'], [{ email_verified: false }, 'GOOGLE_EMAIL_UNVERIFIED']] as const) {
    const ann = browser();
    const back = await ann.visit(await through(await ann.setOut('/settings'), issuer.account(claims)));
    requireSentOn(back, '/settings', { error });
    await requireNobody(back, ann);
  }
});

test('with a second factor the fragment has the token for the second step, and no session comes before it', async (t) => {
  t.mock.timers.enable({ apis: ['Date'], now: Date.now() });
  const app = await buildWay(t);
  const { issuer, browser, through, enter, url } = app;
  const account = issuer.account();
  const member = await enter(account);
  const { uri } = await member.call('totp.enrol');
  const authenticator = createAuthenticator(uri);
  await member.call('totp.confirm', { code: authenticator.code(-1) });

  const ann = browser();
  const back = await ann.visit(await through(await ann.setOut('/settings'), account));
  const [, fragment = ''] = back.location.split('#');
  const challengeToken = new URLSearchParams(fragment).get('challengeToken') ?? '';
  assert.match(challengeToken, /^[\w-]{43}$/);
  requireSentOn(back, '/settings', { error: 'SECOND_FACTOR_REQUIRED', challengeToken, expiresIn: '300' });
  await requireNobody(back, ann);

  const signedIn = await ask(url, '/auth/second-factor', { method: 'POST', json: { challengeToken, code: authenticator.code(), refresh: 'body' } });
  assert.equal(signedIn.status, 200, signedIn.text);
  assert.equal((await toMember(app, signedIn.body as typeof member.signedIn)).id, member.id);
});

test('setting out and coming back count against the rate of signing in with Google', async (t) => {
  const { url } = await buildWay(t, { RATE_SCALE: '0.02' });
  assert.equal((await createBrowser(url).visit('/auth/google')).headers.get('ratelimit-remaining'), '0');
  for (const path of ['/auth/google', '/auth/google/callback']) requireError(await ask(url, path), 'RATE_LIMITED');
});

test('the app may live below a path', async (t) => {
  const { browser, through } = await buildWay(t, { APP_URL: `${appUrl}/parley/` });
  const ann = browser();
  assert.equal((await ann.visit(await through(await ann.setOut('/settings')))).location, `${appUrl}/parley/settings`);
});

test('without an app a page of our own says what came of it, and leads nowhere', async (t) => {
  const { issuer, browser, through } = await buildWay(t, { APP_URL: '' });
  const ann = browser();
  const account = issuer.account();
  const back = await ann.visit(await through(await ann.setOut('/settings'), account));
  assert.deepEqual([back.status, back.location, back.text.includes('<h1>You are signed in</h1>')], [200, '', true]);
  assert.equal(await ann.whoAmI(), account.email);
  const inVain = await ann.visit('/auth/google/callback?state=x&code=x');
  assert.deepEqual([inVain.status, inVain.location, inVain.text.includes('<h1>You are not signed in</h1>')], [401, '', true]);
  assert.equal(inVain.headers.get('content-security-policy')?.includes('script-src'), false);
});

test('where Google is not set up, the way does not begin, and does not end', async (t) => {
  const { url } = await buildTestApp(t, { env: { APP_URL: appUrl } });
  requireError(await ask(url, '/auth/google'), 'GOOGLE_OFF');
  requireSentOn(await createBrowser(url).visit('/auth/google/callback?state=x&code=x'), '/', { error: 'GOOGLE_REFUSED' });
});

test('where the way cannot begin, people see a page of ours, in their language, and programs an answer like any other', async (t) => {
  const [set, unset, busy] = [await buildWay(t), await buildTestApp(t), await buildWay(t, { RATE_SCALE: '0.02' })];
  await busy.browser().setOut();
  const dead = [[set.url, '?returnTo=//evil.example', 'RETURN_PATH_NOT_ALLOWED', 400], [unset.url, '', 'GOOGLE_OFF', 404], [busy.url, '', 'RATE_LIMITED', 429]] as const;
  for (const [url, query, code, status] of dead) {
    requireError(await ask(url, `/auth/google${query}`), code);
    const page = await visit(`${url}/auth/google${query}`, { language: 'ru' });
    assert.deepEqual([page.status, page.title, page.text.includes('Что-то пошло не так')], [status, 'Войти не удалось', false], code);
  }
});
