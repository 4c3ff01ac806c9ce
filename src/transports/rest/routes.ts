/** The whole REST API on one screen: method, path, operation, status of success. */
import type { OperationName } from '../../contracts.ts';

export interface Route {
  method: 'GET' | 'HEAD' | 'POST' | 'PATCH' | 'DELETE';
  /** Names in the path are fields of the operation's input; the rest comes from the query (GET, DELETE) or the body. */
  path: string;
  operation: OperationName;
  status: 200 | 201 | 204;
  /** The input travels in the body of a DELETE, because it holds a secret. */
  body?: true;
  /** Bytes come in a form, or in pieces, or go as the answer. */
  bytes?: 'in' | 'pieces' | 'out';
  /** The body may be a form as well, with a file in this field: it is sent in first, and its id takes its place. */
  form?: 'photo';
  /** The refresh token travels in a cookie unless the client asks otherwise; pages of other origins are refused. */
  cookie?: true;
}

export const routes: readonly Route[] = [
  { method: 'POST', path: '/auth/register', operation: 'auth.register', status: 201, cookie: true },
  { method: 'POST', path: '/auth/login', operation: 'auth.login', status: 200, cookie: true },
  { method: 'POST', path: '/auth/second-factor', operation: 'auth.verifySecondFactor', status: 200, cookie: true },
  { method: 'POST', path: '/auth/google', operation: 'auth.loginWithGoogle', status: 200, cookie: true },
  { method: 'POST', path: '/auth/confirm', operation: 'auth.confirm', status: 204 },
  { method: 'POST', path: '/auth/refresh', operation: 'auth.refresh', status: 200, cookie: true },
  { method: 'POST', path: '/auth/logout', operation: 'auth.logout', status: 204, cookie: true },
  { method: 'POST', path: '/auth/send-reset-email', operation: 'account.sendResetEmail', status: 204 },
  { method: 'POST', path: '/auth/reset-pwd', operation: 'account.resetPassword', status: 204 },
  { method: 'POST', path: '/auth/send-verification-email', operation: 'account.sendVerificationEmail', status: 204 },
  { method: 'POST', path: '/auth/verify-email', operation: 'account.verifyEmail', status: 204 },
  { method: 'POST', path: '/auth/confirm-email', operation: 'account.confirmEmail', status: 204 },
  { method: 'POST', path: '/auth/undo', operation: 'account.undo', status: 204 },
  { method: 'GET', path: '/auth/session', operation: 'sessions.list', status: 200 },
  { method: 'DELETE', path: '/auth/session/:id', operation: 'sessions.end', status: 204 },
  { method: 'DELETE', path: '/auth/session', operation: 'sessions.endOthers', status: 204 },

  { method: 'GET', path: '/user/me', operation: 'users.me', status: 200 },
  { method: 'DELETE', path: '/user/me', operation: 'account.remove', status: 204, body: true },
  { method: 'GET', path: '/user/me/security', operation: 'security.list', status: 200 },
  { method: 'POST', path: '/user/me/email', operation: 'account.changeEmail', status: 204 },
  { method: 'POST', path: '/user/me/password', operation: 'account.changePassword', status: 204 },
  { method: 'POST', path: '/user/me/google', operation: 'account.linkGoogle', status: 204 },
  { method: 'DELETE', path: '/user/me/google', operation: 'account.unlinkGoogle', status: 204 },
  { method: 'POST', path: '/user/me/totp', operation: 'totp.enrol', status: 200 },
  { method: 'POST', path: '/user/me/totp/confirm', operation: 'totp.confirm', status: 200 },
  { method: 'POST', path: '/user/me/totp/recovery-codes', operation: 'totp.renewRecoveryCodes', status: 200 },
  { method: 'DELETE', path: '/user/me/totp', operation: 'totp.disable', status: 204, body: true },
  { method: 'GET', path: '/user/:id', operation: 'users.get', status: 200 },
  { method: 'PATCH', path: '/user/:id', operation: 'users.update', status: 200, form: 'photo' },
  { method: 'POST', path: '/user/:id', operation: 'users.update', status: 200, form: 'photo' },
  { method: 'POST', path: '/user/:id/photo', operation: 'users.update', status: 200, form: 'photo' },
  { method: 'GET', path: '/user', operation: 'users.search', status: 200 },

  { method: 'GET', path: '/block', operation: 'blocks.list', status: 200 },
  { method: 'POST', path: '/block', operation: 'blocks.create', status: 204 },
  { method: 'DELETE', path: '/block/:userId', operation: 'blocks.remove', status: 204 },

  { method: 'GET', path: '/chat', operation: 'chats.list', status: 200 },
  { method: 'POST', path: '/chat', operation: 'chats.open', status: 201 },
  { method: 'GET', path: '/chat/:id', operation: 'chats.get', status: 200 },
  { method: 'GET', path: '/chat/unread', operation: 'chats.unread', status: 200 },
  { method: 'POST', path: '/chat/receive', operation: 'chats.receive', status: 204 },
  { method: 'POST', path: '/chat/:id/read', operation: 'chats.read', status: 204 },
  { method: 'PATCH', path: '/chat/:id/mine', operation: 'chats.arrange', status: 200 },
  { method: 'POST', path: '/chat/:id/clear', operation: 'chats.clear', status: 200 },

  { method: 'POST', path: '/chat/group', operation: 'groups.create', status: 201 },
  { method: 'PATCH', path: '/chat/:id', operation: 'groups.update', status: 200, form: 'photo' },
  { method: 'POST', path: '/chat/:id/photo', operation: 'groups.update', status: 200, form: 'photo' },
  { method: 'DELETE', path: '/chat/:id', operation: 'groups.remove', status: 204 },
  { method: 'POST', path: '/chat/:id/leave', operation: 'groups.leave', status: 204 },
  { method: 'GET', path: '/chat/:id/member', operation: 'groups.members', status: 200 },
  { method: 'POST', path: '/chat/:id/member', operation: 'groups.add', status: 200 },
  { method: 'PATCH', path: '/chat/:id/member/:userId', operation: 'groups.appoint', status: 204 },
  { method: 'DELETE', path: '/chat/:id/member/:userId', operation: 'groups.expel', status: 204 },
  { method: 'GET', path: '/chat/:id/ban', operation: 'groups.banned', status: 200 },
  { method: 'POST', path: '/chat/:id/ban', operation: 'groups.ban', status: 204 },
  { method: 'DELETE', path: '/chat/:id/ban/:userId', operation: 'groups.unban', status: 204 },

  { method: 'POST', path: '/message', operation: 'messages.send', status: 201 },
  { method: 'GET', path: '/message', operation: 'messages.list', status: 200 },
  { method: 'POST', path: '/message/sync', operation: 'messages.sync', status: 200 },
  { method: 'GET', path: '/message/:id', operation: 'messages.get', status: 200 },
  { method: 'GET', path: '/message/:id/seen', operation: 'messages.seen', status: 200 },
  { method: 'PATCH', path: '/message/:id', operation: 'messages.edit', status: 200 },
  { method: 'DELETE', path: '/message/:id', operation: 'messages.remove', status: 204 },
  { method: 'POST', path: '/message/:id/hide', operation: 'messages.hide', status: 204 },
  { method: 'POST', path: '/message/:id/reaction', operation: 'messages.react', status: 200 },
  { method: 'DELETE', path: '/message/:id/reaction/:emoji', operation: 'messages.unreact', status: 200 },

  { method: 'POST', path: '/file', operation: 'files.upload', status: 201, bytes: 'in' },
  { method: 'POST', path: '/file/upload', operation: 'files.create', status: 201 },
  { method: 'HEAD', path: '/file/:id/upload', operation: 'files.progress', status: 200, bytes: 'pieces' },
  { method: 'PATCH', path: '/file/:id/upload', operation: 'files.append', status: 204, bytes: 'pieces' },
  { method: 'POST', path: '/file/:id/complete', operation: 'files.complete', status: 200 },
  { method: 'GET', path: '/file/quota', operation: 'files.quota', status: 200 },
  { method: 'GET', path: '/file/:id', operation: 'files.get', status: 200 },
  { method: 'DELETE', path: '/file/:id', operation: 'files.remove', status: 204 },
  { method: 'GET', path: '/file/:id/content', operation: 'files.content', status: 200, bytes: 'out' },
  { method: 'GET', path: '/file/:id/thumbnail', operation: 'files.thumbnail', status: 200, bytes: 'out' },
  { method: 'GET', path: '/photo/:key', operation: 'files.photo', status: 200, bytes: 'out' },

  { method: 'POST', path: '/presence', operation: 'presence.get', status: 200 },
  { method: 'POST', path: '/chat/:chatId/typing', operation: 'presence.type', status: 204 },

  { method: 'GET', path: '/search', operation: 'search.messages', status: 200 },
];

/** Every method that some route has. */
export const methods: readonly string[] = [...new Set(routes.map(({ method }) => method))];
