/** Builds each service once, lowest first: who needs whom. */
import type { Connection } from 'mongoose';
import type { Clock } from './core/buckets.ts';
import type { Bus } from './core/bus.ts';
import { createCallerTurns } from './core/caller.turns.ts';
import type { Inspector, MediaStore, Pieces, Spool } from './core/media.ts';
import type { Message } from './core/message.ts';
import { photoKey, type PhotoAddress } from './core/photo.ts';
import type { Id } from './core/schemas.ts';
import { createAccountMails } from './features/account/account.mails.ts';
import { createRemovals } from './features/account/account.removal.ts';
import { createAccountService, type AccountService } from './features/account/account.service.ts';
import { createRemovalSteps } from './features/account/removal.steps.ts';
import { createAuthService, type AuthService } from './features/auth/auth.service.ts';
import type { GoogleSignIn } from './features/auth/google.entry.ts';
import { takingEachOnce } from './features/auth/google.once.ts';
import { blockModel } from './features/blocks/block.model.ts';
import { createBlocksService, type BlocksService } from './features/blocks/blocks.service.ts';
import { createChatAccess } from './features/chats/chat.access.ts';
import { createBlocking } from './features/chats/chat.blocking.ts';
import { createChatHeads } from './features/chats/chat.heads.ts';
import { createChatMarks } from './features/chats/chat.marks.ts';
import { chatIdsAfter } from './features/chats/chat.ids.ts';
import { chatModel } from './features/chats/chat.model.ts';
import { createOwnChanges } from './features/chats/chat.own.ts';
import { createViews } from './features/chats/chat.views.ts';
import { createChatsService, type ChatsService } from './features/chats/chats.service.ts';
import { createGroupChanges } from './features/chats/group.changes.ts';
import { createTelling } from './features/chats/group.telling.ts';
import { createGroupsService, type GroupsService } from './features/chats/groups.service.ts';
import { createMemberNoting, createMemberTelling } from './features/chats/member.telling.ts';
import { findViews, membershipModel } from './features/chats/membership.model.ts';
import { counterCollection } from './features/counters/counter.model.ts';
import { createCountersService } from './features/counters/counters.service.ts';
import { mailModel } from './features/mails/mail.model.ts';
import { createMailWorker, type MailWorkerOptions } from './features/mails/mail.worker.ts';
import { createMailQueue } from './features/mails/mails.service.ts';
import { changeCollection } from './features/messages/change.model.ts';
import { createMessageChanges } from './features/messages/message.changes.ts';
import { createMessageHistory, type MessageHistory } from './features/messages/message.history.ts';
import { createMessageLog } from './features/messages/message.log.ts';
import { createMessageTelling, type MessageTelling } from './features/messages/message.telling.ts';
import { messageCollection } from './features/messages/message.model.ts';
import { createMessagesService, type MessagesService } from './features/messages/messages.service.ts';
import { createFileAddresses } from './features/files/file.addresses.ts';
import { fileCollection } from './features/files/file.model.ts';
import { createDirectUploads } from './features/files/file.direct.ts';
import { createHolding, type FileLimits } from './features/files/file.holding.ts';
import { createReceiving } from './features/files/file.receiving.ts';
import { createSweeping } from './features/files/file.sweeping.ts';
import { createFilesService, type FilesService } from './features/files/files.service.ts';
import { createPhotosService, type PhotosParts } from './features/files/photos.service.ts';
import { createGuesses } from './features/passwords/guesses.service.ts';
import { createPasswordHashing } from './features/passwords/password.hashing.ts';
import { createPasswordsService } from './features/passwords/passwords.service.ts';
import { createPresenceService, type PresenceService } from './features/presence/presence.service.ts';
import { placeCollection } from './features/search/place.model.ts';
import { createFilling } from './features/search/search.filling.ts';
import { reindex } from './features/search/search.reindex.ts';
import { createSearchService, type SearchService } from './features/search/search.service.ts';
import { createSearchWorker } from './features/search/search.worker.ts';
import { termCollection } from './features/search/term.model.ts';
import { securityModel } from './features/security/security.model.ts';
import { createSecurityService, type SecurityService } from './features/security/security.service.ts';
import { createAccessTokens } from './features/sessions/access.tokens.ts';
import { revocationModel } from './features/sessions/revocation.model.ts';
import { sessionModel } from './features/sessions/session.model.ts';
import { createSessionsService, type SessionsService } from './features/sessions/sessions.service.ts';
import { tokenModel } from './features/tokens/token.model.ts';
import { createTokensService } from './features/tokens/tokens.service.ts';
import { createTotpService, type TotpService } from './features/totp/totp.service.ts';
import { createCredentialsService } from './features/users/credentials.service.ts';
import { createNoticesService } from './features/users/notices.service.ts';
import { userModel } from './features/users/user.model.ts';
import { createUsersService, type UsersParts, type UsersService } from './features/users/users.service.ts';

export interface Services {
  users: UsersService;
  security: SecurityService;
  sessions: SessionsService;
  totp: TotpService;
  auth: AuthService;
  blocks: BlocksService;
  chats: ChatsService;
  groups: GroupsService;
  messages: MessagesService;
  search: SearchService;
  presence: PresenceService;
  files: FilesService;
  account: AccountService;
}

export interface ServicesOptions {
  connection: Connection;
  bus: Bus;
  mailer: MailWorkerOptions['mailer'];
  /** Milliseconds between two looks for mails that have come up; a second unless given. */
  mailMilliseconds?: number | undefined;
  /** Absent where signing in with Google is not set up. */
  google: GoogleSignIn | undefined;
  /** Where people reach the server, and the browser app if there is one. */
  publicUrl: string;
  appUrl: string | undefined;
  /** The paths of the app to which a sign-in with Google may return. */
  returnPaths: readonly string[];
  /** The first signs, all verify. */
  jwtSecrets: readonly string[];
  /** Seconds for which an access token is good; a quarter of an hour unless given. */
  accessTokenLifetime?: number | undefined;
  /** bcrypt's cost: the work of a hash doubles with each step. */
  passwordCost: number;
  /** Milliseconds for which read and delivery marks gather before others are told. */
  marksGather: number;
  /** Milliseconds for which news of who is here gather. */
  presenceGather: number;
  /** What presence and typing are measured by; the clock of the process unless given. */
  clock?: Clock | undefined;
  /** Where files are kept, and how they come there. */
  media: { store: MediaStore; spool: Spool; pieces: Pieces; inspector: Inspector };
  fileLimits: FileLimits;
  /** Milliseconds between two looks for files that nothing has, and for which a file stays when a message that had it is removed. */
  fileMilliseconds: { sweep: number; release: number };
  /** Milliseconds for which a message can be edited. */
  editWindow: number;
  /** Milliseconds that each sync looks back behind the one before. */
  syncOverlap: number;
  /** Multiplies how many guesses are allowed. */
  rateScale: number;
  onError: (error: unknown) => void;
}

export interface BuiltServices {
  services: Services;
  /** Begins what goes on in the background; the indexes must be there. */
  start(): void;
  /** Refuses whoever waits for work that has not begun: the server closes. */
  refuse(): void;
  /** Writes what is still on its way to the store; nothing is taken any more. */
  drain(): Promise<void>;
}

/** The connection must be open. */
export function createServices(options: ServicesOptions): BuiltServices {
  const people = createPeople(options, followUsers(() => conversations));
  const conversations = createConversations(options, people.services.users);
  const { sessions, security } = people.services;
  const { credentials, passwords, mails } = people;

  const removals = createRemovals({
    credentials,
    sessions,
    passwords,
    steps: createRemovalSteps({ ...people, ...people.services, ...conversations.services, photos: conversations.photos, tellOfMember: conversations.tellOfMember }),
    onError: options.onError,
  });
  const account = createAccountService({ ...people, ...people.services, removals });
  const worker = createMailWorker({
    mails: mailModel(options.connection),
    queue: mails,
    mailer: options.mailer,
    prepare: createAccountMails({ ...people, sessions, security, publicUrl: options.publicUrl, appUrl: options.appUrl }),
    onError: options.onError,
    ...(options.mailMilliseconds && { pace: { idle: options.mailMilliseconds } }),
  });

  return {
    services: { ...people.services, ...conversations.services, account },
    start() {
      sessions.start();
      worker.start();
      removals.start();
      conversations.start();
    },
    refuse: () => people.hashing.refuse(),
    async drain() {
      sessions.stop();
      // None waits for another: a store that is silent must not hide what the log could not write.
      await Promise.all([worker.stop(), removals.stop(), conversations.drain()]);
    },
  };
}

/** What follows in conversations, which are built later, when somebody changes what is told of them. */
const followUsers = (conversations: () => ReturnType<typeof createConversations>): Pick<UsersParts, 'photos' | 'onChanging' | 'onChanged'> => ({
  photos: { replace: async (holder, made, write) => conversations().photos.replace(holder, made, write) },
  onChanging: async (userId, change) => conversations().noteMember(userId, change),
  async onChanged(userId, change) {
    if (change.lastSeen) conversations().services.presence.review(userId);
    await conversations().tellOfMember(userId, change);
  },
});

/** Where everybody finds the photos of people and groups. */
const photoAddressOf = ({ media: { store } }: ServicesOptions): PhotoAddress => (key, side) => store.addressOf(photoKey(key, side));

/** Who people are and how they prove it. */
function createPeople(options: ServicesOptions, userChanges: Pick<UsersParts, 'photos' | 'onChanging' | 'onChanged'>) {
  const { connection, bus, onError } = options;
  const mails = createMailQueue(mailModel(connection), onError);
  const tokens = createTokensService(tokenModel(connection));
  const google = options.google && takingEachOnce(options.google, tokens);
  const security = createSecurityService(securityModel(connection));
  const photoAddress = photoAddressOf(options);
  const counters = createCountersService(counterCollection(connection));
  const guesses = createGuesses({ counters, scale: options.rateScale });
  const hashing = createPasswordHashing(options.passwordCost);
  const passwords = createPasswordsService({ hashing, guesses, security });
  const users = createUsersService({ users: userModel(connection), security, bus, photoAddress, ...userChanges });
  const credentials = createCredentialsService({ users: userModel(connection), bus, photoAddress });
  const accessTokens = createAccessTokens(options.jwtSecrets, options.accessTokenLifetime);
  const sessions = createSessionsService({ sessions: sessionModel(connection), revocations: revocationModel(connection), accessTokens, credentials, security, bus, onError });
  const notices = createNoticesService({ mails, security, onError });
  const totp = createTotpService({ credentials, sessions, passwords, guesses, security, notices });
  const callbackUrl = `${options.publicUrl}/auth/google/callback`;
  const auth = createAuthService({ credentials, sessions, passwords, totp, tokens, security, notices, mails, google, callbackUrl, returnPaths: options.returnPaths, onError });
  return { services: { users, security, sessions, totp, auth }, google, notices, mails, tokens, counters, passwords, credentials, hashing };
}

/** Who talks with whom, and what they say. */
function createConversations(options: ServicesOptions, users: UsersService) {
  const { connection, bus, onError } = options;
  const documents = { chats: chatModel(connection), memberships: membershipModel(connection) };
  const messageDocuments = messageCollection(connection);
  const telling = noting(createMessageTelling(bus), { search: (message) => searchWorker.note(message), presence: ({ chatId, senderId }) => presence.sent(chatId, senderId) });
  const heads = createChatHeads({ ...documents, onWritten: (written) => chats.noteWritten(written), onError });
  const access = createChatAccess(documents.chats, documents.memberships);
  const log = createMessageLog({
    messages: messageDocuments,
    chats: { ...access, raise: (message) => heads.raise(message), settle: (chatId) => groupChanges.carryOut(chatId) },
    onStored: (message) => telling.created(message),
    onError,
  });
  const history = createMessageHistory(messageCollection(connection, { readConcern: 'majority' }), log, (userIds, chatIds) => findViews(documents.memberships, userIds, chatIds));
  const searchWorker = createSearchWorker({ ...searchIndex(connection, history), onError });
  const views = createViews({ ...documents, users, history, photoAddress: photoAddressOf(options) });
  const onChanged = (userId: Id, otherId: Id): Promise<void> => applyBlock(userId, otherId).then(() => [userId, otherId].forEach((id) => presence.review(id)));
  const blocks = createBlocksService({ blocks: blockModel(connection), users, bus, onChanged, onError });
  const parts = { ...documents, users, blocks, history, access, views, bus, inTurn: createCallerTurns(), onError };
  const own = createOwnChanges(parts);
  const applyBlock = createBlocking({ ...parts, own });
  const marks = createChatMarks({ ...parts, own, gathering: options.marksGather });
  const groupChanges = createGroupChanges({ ...parts, log: { append: (draft) => log.append(draft), find: (id) => history.find(id), settle: (chatId) => log.settle(chatId) }, onSettled: createTelling(parts) });
  const chats = createChatsService({ ...parts, own, marks, changes: groupChanges, applyBlock, onPaired: (one, other) => presence.pair(one, other), onContact: (one, other) => [one, other].forEach((id) => presence.review(id)) });
  const groups = createGroupsService({ ...parts, contacts: chats, changes: groupChanges, photos: { replace: async (holder, made, write) => photos.replace(holder, made, write) } });
  const changes = createMessageChanges({ messages: messageDocuments, changes: changeCollection(connection), chats, onChanged: (message, update) => telling.changed(message, update), release: (ids) => files.release(ids), onError });
  const messages = createMessagesService({ messages: messageDocuments, chats, users, blocks, log, changes, history, attach: (senderId, ids) => files.attach(senderId, ids), inTurn: parts.inTurn, editWindow: options.editWindow, syncOverlap: options.syncOverlap });
  const search = createSearchService({ terms: termCollection(connection), chats, findMessages: (ids, viewer) => history.findAll(ids, viewer) });
  const presence = createPresenceService({ users, chats, apartFrom: (userId, others) => blocks.apartFrom(userId, others), bus, onError, now: options.clock ?? (() => performance.now()), gathering: options.presenceGather });

  const { files, photos, sweeping } = createFiles(options, { messages, users, groups });

  const workers = [blocks, groupChanges, searchWorker, presence, sweeping];
  const drain = async (): Promise<void> => {
    changes.stop();
    await marks.drain();
    await Promise.all([...workers.map((worker) => worker.stop()), log.drain().finally(() => heads.drain())]);
  };
  return { services: { blocks, chats, groups, messages, search, presence, files }, photos, tellOfMember: createMemberTelling({ ...parts, marks }), noteMember: createMemberNoting(parts), start: () => workers.forEach((worker) => worker.start()), drain };
}

/** What people send along. */
function createFiles({ connection, media, publicUrl, jwtSecrets, fileLimits: limits, fileMilliseconds: { sweep, release: releaseTime }, onError }: ServicesOptions, { messages, users, groups }: Pick<Services, 'messages' | 'users' | 'groups'>) {
  const documents = fileCollection(connection);
  const parts = { files: documents, ...media, hold: createHolding(documents, limits), onError };
  const receiving = createReceiving(parts);
  const files = createFilesService({ ...parts, messages, receive: (ownerId, file) => receiving.receive(ownerId, file), direct: createDirectUploads({ ...parts, publicUrl }), addresses: createFileAddresses(publicUrl, jwtSecrets), limits, releaseTime });
  const shows: PhotosParts['shows'] = { user: async (id, key) => users.showsPhoto(id, key), chat: async (id, key) => groups.showsPhoto(id, key) };
  const photos = createPhotosService({ ...parts, shows, releaseTime });
  const sweeping = createSweeping({ ...parts, isUsed: (file) => (file.photo ? photos.isShown(file.photo) : messages.hasFile(file._id.toHexString())), interval: sweep });
  return { files, photos, sweeping: { start: () => sweeping.start(), stop: () => Promise.all([sweeping.stop(), receiving.stop()]) } };
}

/** Whoever tells of a message notes it for search as well, and a text that was sent for presence. */
const noting = (telling: MessageTelling, note: { search: (message: Message) => void; presence: (message: Message) => void }): MessageTelling => ({
  created(message) {
    telling.created(message);
    note.search(message);
    if (message.kind === 'text') note.presence(message);
  },
  changed(message, update) {
    telling.changed(message, update);
    note.search(message);
  },
});

/** What fills the index of words, and what it is filled from. */
function searchIndex(connection: Connection, log: MessageHistory) {
  const filling = createFilling({ terms: termCollection(connection), places: placeCollection(connection), log });
  const chats = chatModel(connection);
  const surveyed = { idsAfter: async (chatId: Id | undefined, limit: number) => chatIdsAfter(chats, chatId, limit), heads: async (chatIds: readonly Id[]) => log.heads(chatIds) };
  return { filling, surveyed };
}

/** Builds the index of words anew, in a process that sends no messages itself; `prepare` makes what indexes its models ask for. */
export async function reindexMessages(connection: Connection, { prepare, onProgress }: { prepare: () => Promise<void>; onProgress: (chats: number) => void }): Promise<void> {
  const history = createMessageHistory(messageCollection(connection, { readConcern: 'majority' }), { settled: () => Promise.resolve() });
  const index = searchIndex(connection, history);
  await prepare();
  await reindex({ ...index, onProgress });
}
