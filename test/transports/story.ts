/** One story in which every route is asked for, and answers that all is well. */
import assert from 'node:assert/strict';
import { createAuthenticator } from '../helpers/authenticator.ts';
import { picture, toForm, toPiece, tus } from '../helpers/files.ts';
import { tokenOf, type GoogleApp } from '../helpers/google.ts';
import type { Output, Person } from '../helpers/people.ts';
import { ask, requireError, type Asking } from './ask.ts';

interface Scene {
  server: GoogleApp;
  /** Asks as Ann unless told otherwise. */
  expect: (status: number, route: string, path: string, asking?: Asking) => Promise<Record<string, unknown>>;
  ann: Person;
  bob: Person;
}

/** Ann and Bob have verified addresses, and the clock stands still: codes are good for half a minute. Gives the routes asked for. */
export async function tellStory({ server, ann, bob }: Omit<Scene, 'expect'>): Promise<Set<string>> {
  const asked = new Set<string>();
  const expect: Scene['expect'] = async (status, route, path, asking = {}) => {
    asked.add(route);
    const answer = await ask(server.url, path, { method: route.split(' ')[0] ?? '', token: ann.accessToken, ...asking });
    assert.equal(answer.status, status, `${route} ${answer.text}`);
    if (status === 204) assert.equal(answer.text, '');
    else if (answer.body !== undefined) assert.equal(answer.type, 'application/json; charset=utf-8');
    return (answer.body ?? {}) as Record<string, unknown>;
  };
  for (const chapter of [signUp, mails, google, secondFactor, people, chats, groups, messages, files, sessions, removal]) await chapter({ server, expect, ann, bob });
  return asked;
}

async function signUp({ expect, ann }: Scene): Promise<void> {
  const account = { email: 'cleo@example.org', password: 'correct horse', firstName: 'Cleo', refresh: 'body' };
  const made = await expect(201, 'POST /auth/register', '/auth/register', { json: account });
  assert.equal((made['user'] as { firstName: string }).firstName, 'Cleo');
  const { refreshToken } = await expect(200, 'POST /auth/login', '/auth/login', { json: { email: account.email, password: account.password, refresh: 'body' } });
  const refreshed = await expect(200, 'POST /auth/refresh', '/auth/refresh', { json: { refreshToken } });
  // With her own access token: that session would be ended, too.
  await expect(204, 'POST /auth/logout', '/auth/logout', { json: { refreshToken: refreshed['refreshToken'] }, token: String(refreshed['accessToken']) });
  await expect(204, 'POST /auth/confirm', '/auth/confirm', { json: { password: ann.password } });
  await expect(204, 'POST /user/me/password', '/user/me/password', { json: { oldPassword: ann.password, password: 'another horse battery' } });
}

/** Dora's address is verified, changed and changed back, and she gets a new password. */
async function mails({ expect, server: { mails, person } }: Scene): Promise<void> {
  const { email, accessToken: token } = await person('Dora');
  const tokenTo = async (address: string): Promise<string> => tokenOf((await mails.next(address)).link ?? '');
  // Each mail makes the link of the one before worthless.
  await tokenTo(email);
  await expect(204, 'POST /auth/send-verification-email', '/auth/send-verification-email', { token });
  await expect(204, 'POST /auth/verify-email', '/auth/verify-email', { json: { token: await tokenTo(email) } });
  await expect(204, 'POST /user/me/email', '/user/me/email', { json: { email: 'dora@example.org' }, token });
  await expect(204, 'POST /auth/confirm-email', '/auth/confirm-email', { json: { token: await tokenTo('dora@example.org') } });
  await expect(204, 'POST /auth/undo', '/auth/undo', { json: { token: await tokenTo(email) } });
  await tokenTo(email);
  await expect(204, 'POST /auth/send-reset-email', '/auth/send-reset-email', { json: { email } });
  await expect(204, 'POST /auth/reset-pwd', '/auth/reset-pwd', { json: { token: await tokenTo(email), password: 'another horse battery' } });
}

async function google({ expect, server: { issuer } }: Scene): Promise<void> {
  const credential = (): string => issuer.credential(issuer.account());
  await expect(200, 'POST /auth/google', '/auth/google', { json: { credential: credential() } });
  await expect(204, 'POST /user/me/google', '/user/me/google', { json: { credential: credential() } });
  await expect(204, 'DELETE /user/me/google', '/user/me/google');
}

async function secondFactor({ expect, server: { url }, bob: { email, password, accessToken: token } }: Scene): Promise<void> {
  const { uri } = await expect(200, 'POST /user/me/totp', '/user/me/totp', { token });
  const authenticator = createAuthenticator(String(uri));
  await expect(200, 'POST /user/me/totp/confirm', '/user/me/totp/confirm', { json: { code: authenticator.code(-1) }, token });
  const { recoveryCodes } = await expect(200, 'POST /user/me/totp/recovery-codes', '/user/me/totp/recovery-codes', { json: { code: authenticator.code() }, token });
  const { details } = requireError(await ask(url, '/auth/login', { method: 'POST', json: { email, password } }), 'SECOND_FACTOR_REQUIRED');
  const { challengeToken } = details as { challengeToken: string };
  await expect(200, 'POST /auth/second-factor', '/auth/second-factor', { json: { challengeToken, code: (recoveryCodes as string[])[0] } });
  await expect(204, 'DELETE /user/me/totp', '/user/me/totp', { json: { password, code: authenticator.code(1) }, token });
}

async function people({ expect, ann, bob }: Scene): Promise<void> {
  await expect(200, 'GET /user/me', '/user/me');
  await expect(200, 'GET /user/me/security', '/user/me/security');
  await expect(200, 'GET /user/:id', `/user/${bob.id}`);
  await expect(200, 'GET /user', '/user?search=Bob');
  await expect(200, 'PATCH /user/:id', `/user/${ann.id}`, { json: { about: 'Anything.' } });
  await expect(200, 'POST /user/:id', `/user/${ann.id}`, { json: { about: null } });
  await expect(204, 'POST /block', '/block', { json: { userId: bob.id } });
  await expect(200, 'GET /block', '/block');
  await expect(204, 'DELETE /block/:userId', `/block/${bob.id}`);
}

async function chats({ expect, bob }: Scene): Promise<void> {
  const { id } = await expect(201, 'POST /chat', '/chat', { json: { userId: bob.id } });
  await expect(200, 'GET /chat', '/chat');
  await expect(200, 'GET /chat/:id', `/chat/${String(id)}`);
  await expect(200, 'GET /chat/unread', '/chat/unread');
  await expect(204, 'POST /chat/receive', '/chat/receive', { json: { chats: { [String(id)]: 1 } } });
  await expect(200, 'PATCH /chat/:id/mine', `/chat/${String(id)}/mine`, { json: { pinned: true } });
  await expect(200, 'POST /chat/:id/clear', `/chat/${String(id)}/clear`, { json: {} });
}

async function groups({ expect, bob, server: { person } }: Scene): Promise<void> {
  const cleo = await person('Cleo');
  const { id } = await expect(201, 'POST /chat/group', '/chat/group', { json: { title: 'Chess', userIds: [bob.id] } });
  const group = `/chat/${String(id)}`;
  await expect(200, 'PATCH /chat/:id', group, { json: { title: 'Go' } });
  await expect(200, 'POST /chat/:id/member', `${group}/member`, { json: { userIds: [cleo.id] } });
  await expect(200, 'GET /chat/:id/member', `${group}/member`);
  await expect(204, 'PATCH /chat/:id/member/:userId', `${group}/member/${bob.id}`, { json: { role: 'admin' } });
  await expect(204, 'DELETE /chat/:id/member/:userId', `${group}/member/${bob.id}`);
  await expect(204, 'POST /chat/:id/ban', `${group}/ban`, { json: { userId: bob.id } });
  await expect(200, 'GET /chat/:id/ban', `${group}/ban`);
  await expect(204, 'DELETE /chat/:id/ban/:userId', `${group}/ban/${bob.id}`);
  await expect(204, 'PATCH /chat/:id/member/:userId', `${group}/member/${cleo.id}`, { json: { role: 'owner' } });
  await expect(204, 'POST /chat/:id/leave', `${group}/leave`, { json: {} });
  await expect(204, 'DELETE /chat/:id', group, { token: cleo.accessToken });
}

async function files({ expect }: Scene): Promise<void> {
  const image = await picture().png().toBuffer();
  const me = (await expect(200, 'POST /user/:id/photo', '/user/me/photo', await toForm(image, { field: 'photo' }))) as unknown as Output<'users.me'>;
  await expect(200, 'GET /photo/:key', new URL(me.photo?.url ?? '').pathname);
  const group = await expect(201, 'POST /chat/group', '/chat/group', { json: { title: 'With a photo' } });
  await expect(200, 'POST /chat/:id/photo', `/chat/${String(group['id'])}/photo`, await toForm(image, { field: 'photo' }));
  const { id } = await expect(201, 'POST /file', '/file', await toForm(image));
  const { id: large } = await expect(201, 'POST /file/upload', '/file/upload', { json: { name: 'a text', size: 6 } });
  await expect(204, 'PATCH /file/:id/upload', `/file/${String(large)}/upload`, toPiece('a text'));
  await expect(200, 'HEAD /file/:id/upload', `/file/${String(large)}/upload`, { headers: tus });
  await expect(200, 'POST /file/:id/complete', `/file/${String(large)}/complete`);
  await expect(200, 'GET /file/:id', `/file/${String(id)}`);
  await expect(200, 'GET /file/:id/content', `/file/${String(id)}/content`);
  await expect(200, 'GET /file/:id/thumbnail', `/file/${String(id)}/thumbnail`);
  await expect(200, 'GET /file/quota', '/file/quota');
  await expect(204, 'DELETE /file/:id', `/file/${String(id)}`);
}

async function messages({ expect, bob }: Scene): Promise<void> {
  const { id, chatId } = (await expect(201, 'POST /message', '/message', { json: { to: bob.id, text: 'hello' } })) as { id: string; chatId: string };
  await expect(204, 'POST /chat/:id/read', `/chat/${chatId}/read`, { json: { seq: 1 } });
  await expect(200, 'GET /message', `/message?chatId=${chatId}`);
  await expect(200, 'GET /search', '/search?search=hello');
  await expect(204, 'POST /chat/:chatId/typing', `/chat/${chatId}/typing`, { json: {} });
  await expect(200, 'POST /presence', '/presence', { json: { userIds: [bob.id] } });
  await expect(200, 'POST /message/sync', '/message/sync', { json: {} });
  await expect(200, 'GET /message/:id', `/message/${id}`);
  await expect(200, 'GET /message/:id/seen', `/message/${id}/seen`);
  await expect(200, 'PATCH /message/:id', `/message/${id}`, { json: { text: 'hello again' } });
  await expect(200, 'POST /message/:id/reaction', `/message/${id}/reaction`, { json: { emoji: '👍' } });
  await expect(200, 'DELETE /message/:id/reaction/:emoji', `/message/${id}/reaction/${encodeURIComponent('👍')}`);
  await expect(204, 'DELETE /message/:id', `/message/${id}`);
  await expect(204, 'POST /message/:id/hide', `/message/${id}/hide`, { json: {} });
}

async function sessions({ expect, server: { url }, bob: { email, password, accessToken: token } }: Scene): Promise<void> {
  for (let time = 0; time < 2; time++) await ask(url, '/auth/login', { method: 'POST', json: { email, password } });
  const { items } = (await expect(200, 'GET /auth/session', '/auth/session', { token })) as { items: { id: string; current: boolean }[] };
  const other = items.find(({ current }) => !current);
  await expect(204, 'DELETE /auth/session/:id', `/auth/session/${other?.id ?? ''}`, { token });
  await expect(204, 'DELETE /auth/session', '/auth/session', { token });
}

async function removal({ expect, bob: { password, accessToken: token } }: Scene): Promise<void> {
  await expect(204, 'DELETE /user/me', '/user/me', { json: { password, messages: 'remove' }, token });
}
