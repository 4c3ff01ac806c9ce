/** Who may do what: every operation, what it is aimed at, and what each kind of person gets for it. */
import { randomUUID } from 'node:crypto';
import type { OperationName } from '../../src/contracts.ts';
import type { ErrorCode } from '../../src/core/errors.ts';
import { createAuthenticator } from './authenticator.ts';
import type { Hold, Kind, Scene, Someone } from './matrix.world.ts';

export type Outcome = 'ok' | ErrorCode;
export type Gets = Record<Kind, Outcome>;

export interface Row {
  /** What it is aimed at, or what is done. */
  at: string;
  input: (scene: Scene, who: Someone, hold: Hold) => object | Promise<object>;
  gets: Gets;
  /** It changes who may do what: it is done to a group of its own. */
  destroys?: true;
  /** It ends the session it is done in, or its own account: it is done in a session of its own. */
  endsSession?: true;
  /** Those who are not in it are answered, and just as if it did not exist. */
  answersAlike?: true;
  /** What it says of something that is not mine, by design. */
  tells?: string;
}

const noSession = { suspended: 'UNAUTHENTICATED', anonymous: 'UNAUTHENTICATED' } as const;
const outside = (outcome: Outcome) => ({ left: outcome, removed: outcome, banned: outcome, stranger: outcome });

/** Of a group: what its owner, its admins and its members get. Whoever is not in it cannot tell that it exists. */
const group = (owner: Outcome, admin: Outcome, member: Outcome, others: Outcome = 'CHAT_NOT_FOUND'): Gets => ({ owner, admin, member, blocked: member, ...outside(others), ...noSession });

/** Of the private chat of owner and member. */
const pair = (owner: Outcome, member: Outcome, others: Outcome = 'CHAT_NOT_FOUND'): Gets => ({ owner, member, admin: others, blocked: others, ...outside(others), ...noSession });

/** Of the private chat of the owner and the blocked one: whoever blocks writes nothing there, and whoever is blocked notices nothing. */
const frozen = (owner: Outcome, blocked: Outcome, others: Outcome = 'CHAT_NOT_FOUND'): Gets => ({ owner, blocked, admin: others, member: others, ...outside(others), ...noSession });

/** The same for everybody who is signed in. */
const user = (outcome: Outcome): Gets => group(outcome, outcome, outcome, outcome);

/** The same for everybody, signed in or not. */
const anyone = (outcome: Outcome): Gets => ({ ...user(outcome), suspended: outcome, anonymous: outcome });

/** What is the owner's alone. */
const owners = (others: Outcome): Gets => ({ ...user(others), owner: 'ok' });

/** On what is one's own, or on nothing in particular. */
const own = (input: Row['input'] = () => ({})): Row => ({ at: 'my own', input, gets: user('ok') });

const later = '2100-01-01T00:00:00.000Z';
const better = 'another horse battery';
const madeUp = 'of-no-mail';

export const matrix: Record<OperationName, Row[]> = {
  // people
  'users.me': [own()],
  'users.get': [{ at: 'the owner', input: ({ people }) => ({ id: people.owner }), gets: user('ok') }],
  'users.search': [{ at: 'everybody', input: () => ({ search: 'owner' }), gets: user('ok') }],
  'users.update': [own(() => ({ id: 'me', about: 'anything' })), { at: 'the owner', input: ({ people }) => ({ id: people.owner, about: 'anything' }), gets: owners('NOT_YOURSELF') }],
  'security.list': [own(), { at: 'before an entry of the owner', input: ({ entry }) => ({ before: entry }), gets: user('ok'), answersAlike: true }],

  // sessions
  'sessions.list': [own()],
  'sessions.end': [{ at: 'a session of the owner', input: async ({ session }) => ({ id: await session() }), gets: owners('SESSION_NOT_FOUND') }],
  'sessions.endOthers': [own()],

  // the second factor
  'totp.enrol': [own()],
  'totp.confirm': [
    own(async (_, { kind, person }, { authenticators }) => {
      const authenticator = createAuthenticator((await person.call('totp.enrol')).uri);
      authenticators.set(kind, authenticator);
      return { code: authenticator.code(-1) };
    }),
  ],
  'totp.renewRecoveryCodes': [own((_, { kind }, { authenticators }) => ({ code: authenticators.get(kind)?.code() ?? madeUp }))],
  'totp.disable': [own((_, { kind, person }, { authenticators }) => ({ password: person.password, code: authenticators.get(kind)?.code(1) ?? madeUp }))],

  // signing in
  'auth.register': [{ at: 'a new account', input: () => ({ email: `${randomUUID()}@example.org`, password: better, firstName: 'Rita' }), gets: anyone('ok') }],
  'auth.login': [
    { at: 'with the password', input: (_, { person: { email, password } }) => ({ email, password }), gets: anyone('ok') },
    { at: 'as the owner, without it', input: ({ email }) => ({ email, password: better }), gets: anyone('WRONG_CREDENTIALS') },
  ],
  'auth.loginWithGoogle': [{ at: 'with a credential', input: (_, __, { credential }) => ({ credential: credential() }), gets: anyone('ok') }],
  'auth.verifySecondFactor': [
    { at: 'after the first step', input: async (_, __, { challenge }) => challenge(), gets: anyone('ok') },
    { at: 'without it', input: () => ({ challengeToken: madeUp, code: '123456' }), gets: anyone('CHALLENGE_EXPIRED') },
  ],
  'auth.confirm': [own((_, { person: { password } }) => ({ password }))],
  'auth.refresh': [
    {
      at: 'with the refresh token of the session',
      input: async (_, { kind, person }, { newSession }) => (kind === 'anonymous' ? {} : { refreshToken: kind === 'suspended' ? person.refreshToken : (await newSession(person)).refreshToken }),
      gets: { ...user('ok'), suspended: 'SESSION_ENDED', anonymous: 'SESSION_ENDED' },
    },
  ],
  'auth.renew': [
    own((_, { person: { accessToken } }) => ({ accessToken })),
    { at: 'with the token of another session', input: async (_, { person }, { newSession }) => ({ accessToken: (await newSession(person)).accessToken }), gets: user('UNAUTHENTICATED') },
  ],
  'auth.logout': [{ at: 'my session, if there is one', input: () => ({}), gets: anyone('ok'), endsSession: true }],

  // the account
  'account.sendVerificationEmail': [own()],
  'account.changeEmail': [own(() => ({ email: `${randomUUID()}@example.org` }))],
  'account.changePassword': [own((_, { person: { password } }) => ({ oldPassword: password, password }))],
  'account.sendResetEmail': [{ at: 'the owner', input: ({ email }) => ({ email }), gets: anyone('ok'), answersAlike: true }],
  'account.verifyEmail': byLink('verify-email'),
  'account.confirmEmail': byLink('confirm-email'),
  'account.undo': byLink('undo'),
  'account.resetPassword': byLink('reset-password', { password: better }),
  'account.linkGoogle': [own((_, __, { credential }) => ({ credential: credential() }))],
  'account.unlinkGoogle': [own()],

  // my chats
  'chats.open': [
    { at: 'with the owner', input: ({ people }) => ({ userId: people.owner }), gets: user('ok') },
    { at: 'with the blocked one', input: ({ people }) => ({ userId: people.blocked }), gets: user('ok') },
  ],
  'chats.list': [own()],
  'chats.get': ofChats(({ id }) => ({ id })),
  'chats.unread': [own()],
  'chats.read': ofChats(({ id }) => ({ id, seq: 1 })),
  'chats.receive': [{ at: 'the group', input: (scene) => ({ chats: { [scene.group]: 1 } }), gets: user('ok'), answersAlike: true }],
  'chats.arrange': ofChats(({ id }) => ({ id, pinned: true, mutedUntil: later })),

  // groups
  'groups.create': [{ at: 'with the newcomer in it', input: ({ people }) => ({ title: 'a group', userIds: [people.newcomer] }), gets: user('ok') }],
  'groups.update': [
    { at: 'its title', input: (scene) => ({ id: scene.group, title: `${scene.word} now` }), gets: group('ok', 'ok', 'NOT_ALLOWED') },
    { at: 'its description', input: (scene) => ({ id: scene.group, description: `${scene.word} now` }), gets: group('ok', 'ok', 'NOT_ALLOWED') },
    { at: 'its title, where everybody may', input: ({ reserved, word }) => ({ id: reserved, title: `${word} now` }), gets: group('ok', 'ok', 'ok') },
    { at: 'its settings', input: (scene) => ({ id: scene.group, settings: { history: 'everyone' } }), gets: group('ok', 'ok', 'NOT_ALLOWED') },
    { at: 'a private chat', input: (scene) => ({ id: scene.pair, title: 'a group' }), gets: user('CHAT_NOT_FOUND') },
  ],
  'groups.remove': [
    { at: 'a group', input: (scene) => ({ id: scene.group }), gets: group('ok', 'NOT_ALLOWED', 'NOT_ALLOWED'), destroys: true },
    { at: 'a private chat', input: (scene) => ({ id: scene.pair }), gets: user('CHAT_NOT_FOUND') },
  ],
  'groups.leave': [
    { at: 'a group', input: (scene) => ({ id: scene.group }), gets: group('ok', 'ok', 'ok'), destroys: true },
    { at: 'a private chat', input: (scene) => ({ id: scene.pair }), gets: user('CHAT_NOT_FOUND') },
  ],
  'groups.members': [
    { at: 'a group', input: (scene) => ({ id: scene.group }), gets: group('ok', 'ok', 'ok') },
    { at: 'a private chat', input: (scene) => ({ id: scene.pair }), gets: user('CHAT_NOT_FOUND') },
  ],
  'groups.add': [
    { at: 'the newcomer', input: (scene) => ({ id: scene.group, userIds: [scene.people.newcomer] }), gets: group('ok', 'ok', 'ok') },
    { at: 'the newcomer, where only admins may', input: ({ reserved, people }) => ({ id: reserved, userIds: [people.newcomer] }), gets: group('ok', 'ok', 'NOT_ALLOWED') },
    { at: 'myself', input: (scene, { person }) => ({ id: scene.group, userIds: [person.id] }), gets: group('ok', 'ok', 'ok') },
    { at: 'somebody, to a private chat', input: ({ pair: id, people }) => ({ id, userIds: [people.newcomer] }), gets: user('CHAT_NOT_FOUND') },
  ],
  'groups.expel': [
    { at: 'a member', input: ({ group: id, people }, { kind }) => ({ id, userId: kind === 'owner' ? people.pawn : people.rook }), gets: group('ok', 'ok', 'NOT_ALLOWED'), destroys: true },
    { at: 'an admin', input: (scene) => ({ id: scene.group, userId: scene.people.admin }), gets: group('ok', 'NOT_ALLOWED', 'NOT_ALLOWED'), destroys: true },
    { at: 'the owner', input: (scene) => ({ id: scene.group, userId: scene.people.owner }), gets: group('NOT_ALLOWED', 'NOT_ALLOWED', 'NOT_ALLOWED') },
    { at: 'somebody who is not in it', input: (scene) => ({ id: scene.group, userId: scene.people.stranger }), gets: group('MEMBER_NOT_FOUND', 'MEMBER_NOT_FOUND', 'NOT_ALLOWED') },
  ],
  'groups.ban': [
    { at: 'a member', input: (scene) => ({ id: scene.group, userId: scene.people.pawn }), gets: group('ok', 'ok', 'NOT_ALLOWED'), destroys: true },
    { at: 'an admin', input: (scene) => ({ id: scene.group, userId: scene.people.admin }), gets: group('ok', 'NOT_ALLOWED', 'NOT_ALLOWED'), destroys: true },
    { at: 'the owner', input: (scene) => ({ id: scene.group, userId: scene.people.owner }), gets: group('NOT_ALLOWED', 'NOT_ALLOWED', 'NOT_ALLOWED') },
    { at: 'somebody who is not in it', input: (scene) => ({ id: scene.group, userId: scene.people.left }), gets: group('ok', 'ok', 'NOT_ALLOWED'), destroys: true },
  ],
  'groups.unban': [
    { at: 'the banned one', input: (scene) => ({ id: scene.group, userId: scene.people.banned }), gets: group('ok', 'ok', 'NOT_ALLOWED'), destroys: true },
    { at: 'somebody who is not banned', input: (scene) => ({ id: scene.group, userId: scene.people.stranger }), gets: group('ok', 'ok', 'NOT_ALLOWED') },
  ],
  'groups.banned': [{ at: 'a group', input: (scene) => ({ id: scene.group }), gets: group('ok', 'ok', 'NOT_ALLOWED') }],
  'groups.appoint': [
    { at: 'a member as admin', input: (scene) => ({ id: scene.group, userId: scene.people.pawn, role: 'admin' }), gets: group('ok', 'NOT_ALLOWED', 'NOT_ALLOWED'), destroys: true },
    { at: 'an admin as member', input: (scene) => ({ id: scene.group, userId: scene.people.admin, role: 'member' }), gets: group('ok', 'NOT_ALLOWED', 'NOT_ALLOWED'), destroys: true },
    { at: 'another owner', input: (scene) => ({ id: scene.group, userId: scene.people.pawn, role: 'owner' }), gets: group('ok', 'NOT_ALLOWED', 'NOT_ALLOWED'), destroys: true },
    { at: 'somebody who is not in it', input: (scene) => ({ id: scene.group, userId: scene.people.stranger, role: 'admin' }), gets: group('MEMBER_NOT_FOUND', 'NOT_ALLOWED', 'NOT_ALLOWED') },
  ],

  // messages
  'messages.send': [
    { at: 'to a group', input: (scene) => ({ chatId: scene.group, text: scene.word }), gets: group('ok', 'ok', 'ok') },
    { at: 'to a group where only admins may', input: ({ reserved, word }) => ({ chatId: reserved, text: word }), gets: group('ok', 'ok', 'NOT_ALLOWED') },
    { at: 'to a private chat', input: (scene) => ({ chatId: scene.pair, text: 'hello' }), gets: pair('ok', 'ok') },
    { at: 'to the owner', input: ({ people }) => ({ to: people.owner, text: 'hello' }), gets: user('ok') },
    { at: 'to the blocked one', input: ({ people }) => ({ to: people.blocked, text: 'hello' }), gets: { ...user('ok'), owner: 'BLOCKED' } },
    { at: 'to a private chat of a blocked person', input: (scene) => ({ chatId: scene.frozen, text: scene.unheardWord }), gets: frozen('BLOCKED', 'ok') },
    { at: 'as a reply in a group', input: (scene) => ({ chatId: scene.group, text: 'hello', replyTo: scene.said.owner }), gets: group('ok', 'ok', 'ok') },
    { at: 'as a reply to what was there before me', input: ({ young, early }) => ({ chatId: young, text: 'hello', replyTo: early }), gets: group('ok', 'ok', 'MESSAGE_NOT_FOUND') },
    { at: 'as a reply to a message of another chat', input: ({ said }, { notes }) => ({ chatId: notes, text: 'hello', replyTo: said.owner }), gets: user('MESSAGE_NOT_FOUND') },
    { at: 'with the id of a message', input: ({ said }, { notes }) => ({ chatId: notes, text: 'hello', id: said.owner }), gets: user('CONFLICT'), tells: 'whoever knows an id learns that it is taken: a repeat must not be stored twice' },
  ],
  'messages.list': ofChats(({ id }) => ({ chatId: id })),
  'messages.get': [
    ...ofMessages((id) => ({ id }), { others: 'ok' }),
    { at: 'a notice', input: (scene) => ({ id: scene.notice }), gets: group('ok', 'ok', 'ok', 'MESSAGE_NOT_FOUND') },
  ],
  'messages.seen': ofMessages((id) => ({ id }), { others: 'ok' }),
  'messages.edit': [
    ...ofMessages((id) => ({ id, text: 'hello' }), { others: 'NOT_THE_SENDER', blocker: 'BLOCKED', heard: 'amended' }),
    { at: 'a notice', input: (scene) => ({ id: scene.notice, text: 'hello' }), gets: group('NOT_CHANGEABLE', 'NOT_CHANGEABLE', 'NOT_CHANGEABLE', 'MESSAGE_NOT_FOUND') },
  ],
  'messages.react': ofMessages((id) => ({ id, emoji: '👍' }), { others: 'ok', blocker: 'BLOCKED' }),
  'messages.unreact': ofMessages((id) => ({ id, emoji: '👍' }), { others: 'ok' }),
  'messages.sync': [own(), { at: 'a place in the group', input: (scene) => ({ chats: { [scene.group]: { seq: 0, rev: 0 } } }), gets: user('ok'), answersAlike: true }],
  'search.messages': [
    { at: 'a word of the group', input: ({ word }) => ({ search: word }), gets: user('ok') },
    { at: 'in the group', input: (scene) => ({ search: scene.word, chatId: scene.group }), gets: group('ok', 'ok', 'ok') },
    { at: 'what the blocked one has said to the owner since', input: ({ unheardWord }) => ({ search: unheardWord }), gets: user('ok') },
    { at: 'of the owner', input: ({ word, people }) => ({ search: word, senderId: people.owner }), gets: user('ok'), answersAlike: true },
  ],

  // who is here and who types
  'presence.get': [{ at: 'the owner', input: ({ people }) => ({ userIds: [people.owner] }), gets: user('ok') }],
  'presence.watch': [own(), { at: 'the owner', input: ({ people }) => ({ userIds: [people.owner] }), gets: user('ok') }],
  'presence.type': [
    { at: 'in a group', input: (scene) => ({ chatId: scene.group }), gets: group('ok', 'ok', 'ok') },
    { at: 'in a group where only admins may', input: ({ reserved }) => ({ chatId: reserved }), gets: group('ok', 'ok', 'NOT_ALLOWED') },
    { at: 'in a private chat', input: (scene) => ({ chatId: scene.pair }), gets: pair('ok', 'ok') },
    { at: 'in a private chat of a blocked person', input: (scene) => ({ chatId: scene.frozen }), gets: frozen('BLOCKED', 'ok') },
  ],

  // files
  'files.upload': [own()],
  'files.quota': [own()],
  'files.create': [own(() => ({ name: 'a file', size: 1 }))],
  'files.progress': ofUploads(owners('FILE_NOT_FOUND')),
  'files.append': ofUploads(owners('FILE_NOT_FOUND')),
  'files.complete': ofUploads({ ...user('FILE_NOT_FOUND'), owner: 'UPLOAD_INCOMPLETE' }),
  'files.get': ofFiles(),
  'files.content': ofFiles(),
  'files.thumbnail': ofFiles(),
  'files.photo': [
    { at: 'of the owner', input: ({ photo }) => ({ key: photo }), gets: anyone('ok') },
    { at: 'of nobody', input: () => ({ key: `${'0'.repeat(32)}-64` }), gets: anyone('FILE_NOT_FOUND') },
  ],
  'files.remove': [
    { at: 'one that a message has', input: ({ files }) => ({ id: files.group }), gets: { ...user('FILE_NOT_FOUND'), owner: 'FILE_IN_USE' } },
    { at: 'one that none has', input: ({ files }) => ({ id: files.unused }), gets: owners('FILE_NOT_FOUND') },
  ],

  // what changes what is to be seen
  'blocks.list': [own()],
  'blocks.create': [
    { at: 'another member', input: ({ people }) => ({ userId: people.rook }), gets: user('ok') },
    { at: 'myself', input: (_, { person }) => ({ userId: person.id }), gets: user('NOT_WITH_YOURSELF') },
  ],
  'blocks.remove': [
    { at: 'another member', input: ({ people }) => ({ userId: people.rook }), gets: user('ok') },
    { at: 'somebody whom I do not block', input: ({ people }) => ({ userId: people.owner }), gets: user('ok'), answersAlike: true },
  ],
  'messages.remove': [
    { at: 'what a member has said', input: async ({ say }) => ({ id: await say('member') }), gets: { ...group('ok', 'ok', 'ok', 'MESSAGE_NOT_FOUND'), blocked: 'NOT_THE_SENDER' } },
    { at: 'what the owner has said', input: async ({ say }) => ({ id: await say('owner') }), gets: group('ok', 'ok', 'NOT_THE_SENDER', 'MESSAGE_NOT_FOUND') },
    { at: 'what the owner has said in a private chat', input: async ({ whisper }) => ({ id: await whisper() }), gets: pair('ok', 'NOT_THE_SENDER', 'MESSAGE_NOT_FOUND') },
    { at: 'what was there before me', input: ({ early }) => ({ id: early }), gets: group('ok', 'ok', 'MESSAGE_NOT_FOUND', 'MESSAGE_NOT_FOUND') },
    { at: 'a notice', input: (scene) => ({ id: scene.notice }), gets: group('NOT_CHANGEABLE', 'NOT_CHANGEABLE', 'NOT_CHANGEABLE', 'MESSAGE_NOT_FOUND') },
    { at: 'what a blocked person had said to the owner', input: ({ heard }) => ({ id: heard.kept }), gets: frozen('NOT_THE_SENDER', 'ok', 'MESSAGE_NOT_FOUND') },
    { at: 'what a blocked person has said to the owner since', input: ({ unheard }) => ({ id: unheard }), gets: frozen('MESSAGE_NOT_FOUND', 'ok', 'MESSAGE_NOT_FOUND') },
  ],
  'messages.hide': ofMessages((id) => ({ id }), { others: 'ok' }),
  'chats.clear': ofChats(({ id }) => ({ id })),

  // last of all, for it takes everybody away
  'account.remove': [own((_, { person: { password } }) => ({ password }))],
};

/** What stands and falls with being in a chat. */
function ofChats(input: (chat: { id: string }) => object): Row[] {
  return [
    { at: 'a group', input: (scene) => input({ id: scene.group }), gets: group('ok', 'ok', 'ok') },
    { at: 'a private chat', input: (scene) => input({ id: scene.pair }), gets: pair('ok', 'ok') },
    { at: 'a private chat of a blocked person', input: (scene) => input({ id: scene.frozen }), gets: frozen('ok', 'ok') },
  ];
}

interface ForOthers {
  /** What others get who see it, and among them whoever has blocked its sender. */
  others: Outcome;
  blocker?: Outcome;
  /** A message that both have seen in a private chat of a blocked person. */
  heard?: 'kept' | 'amended';
}

/** What the sender may do with a message, and what others may. */
function ofMessages(input: (id: string) => object, { others, blocker = others, heard: which = 'kept' }: ForOthers): Row[] {
  return [
    { at: 'what a member has said', input: async ({ say }) => input(await say('member')), gets: { ...group(others, others, others, 'MESSAGE_NOT_FOUND'), member: 'ok' } },
    { at: 'what the owner has said in a private chat', input: ({ whispered }) => input(whispered), gets: pair('ok', others, 'MESSAGE_NOT_FOUND') },
    { at: 'what was there before me', input: ({ early }) => input(early), gets: group('ok', others, 'MESSAGE_NOT_FOUND', 'MESSAGE_NOT_FOUND') },
    { at: 'a reply to what was there before me', input: ({ late }) => input(late), gets: group('ok', others, others, 'MESSAGE_NOT_FOUND') },
    { at: 'what a blocked person had said to the owner', input: ({ heard }) => input(heard[which]), gets: frozen(blocker, 'ok', 'MESSAGE_NOT_FOUND') },
    { at: 'what a blocked person has said to the owner since', input: ({ unheard }) => input(unheard), gets: frozen('MESSAGE_NOT_FOUND', 'ok', 'MESSAGE_NOT_FOUND') },
  ];
}

/** Who may have a file of the owner. */
function ofFiles(): Row[] {
  const seenBy = (gets: Gets): Gets => ({ ...gets, owner: 'ok' });
  return [
    { at: 'in a group', input: ({ files }) => ({ id: files.group }), gets: seenBy(group('ok', 'ok', 'ok', 'FILE_NOT_FOUND')) },
    { at: 'in a private chat', input: ({ files }) => ({ id: files.pair }), gets: seenBy(pair('ok', 'ok', 'FILE_NOT_FOUND')) },
    { at: 'in no message', input: ({ files }) => ({ id: files.unused }), gets: owners('FILE_NOT_FOUND') },
  ];
}

/** What whoever has a link may do, signed in or not. */
function byLink(what: Parameters<Hold['link']>[0], more: object = {}): Row[] {
  return [
    { at: 'with the link', input: async (_, { kind }, { link }) => ({ token: await link(what, kind), ...more }), gets: anyone('ok') },
    { at: 'without it', input: () => ({ token: madeUp, ...more }), gets: anyone('LINK_EXPIRED') },
  ];
}

/** What the owner has begun to send, of which nothing has come yet. */
function ofUploads(gets: Gets): Row[] {
  return [{ at: 'one that the owner sends', input: ({ files }) => ({ id: files.coming }), gets }];
}
