/** What is left to do for an account once it is erased: done twice, each of it is done as well. */
import type { Id } from '../../core/schemas.ts';
import type { BlocksService } from '../blocks/blocks.service.ts';
import type { MailQueue } from '../mails/mails.service.ts';
import type { FilesService } from '../files/files.service.ts';
import type { PhotosService } from '../files/photos.service.ts';
import type { GroupsService } from '../chats/groups.service.ts';
import type { MessagesService } from '../messages/messages.service.ts';
import type { SecurityService } from '../security/security.service.ts';
import type { SessionsService } from '../sessions/sessions.service.ts';
import type { TokensService } from '../tokens/tokens.service.ts';
import type { CredentialsService, Removal } from '../users/credentials.service.ts';
import type { TellOfUser } from '../users/users.service.ts';

export type RemovalStep = (userId: Id, removal: NotedRemoval) => Promise<unknown>;

export interface NotedRemoval extends Removal {
  /** Breaks off what takes long, when the server stops. */
  signal: AbortSignal;
}

export interface RemovalStepsParts {
  credentials: CredentialsService;
  sessions: SessionsService;
  tokens: TokensService;
  security: SecurityService;
  mails: MailQueue;
  blocks: Pick<BlocksService, 'removeAll'>;
  tellOfMember: TellOfUser;
  groups: Pick<GroupsService, 'leaveAll'>;
  messages: Pick<MessagesService, 'purge'>;
  files: Pick<FilesService, 'removeUnused'>;
  photos: Pick<PhotosService, 'release'>;
}

/** In their order. */
export const createRemovalSteps = ({ credentials, sessions, tokens, security, mails, blocks, tellOfMember, groups, messages, files, photos }: RemovalStepsParts): RemovalStep[] => [
  (userId) => sessions.endAll(userId),
  (userId) => tokens.removeAll(userId),
  (userId) => security.forget(userId),
  (userId) => blocks.removeAll(userId),
  (userId) => files.removeUnused(userId),
  (userId) => photos.release({ kind: 'user', id: userId }),
  (userId) => tellOfMember(userId, { profile: true, receipts: true }),

  async (userId, { farewell }) => {
    if (!farewell) return;
    const { to, name, language } = farewell;
    await mails.enqueue({ id: userId, kind: 'account-removed', to, language, values: { name } });
    await credentials.endFarewell(userId);
  },

  // Its messages first: what they are in has to be known.
  async (userId, removal) => removal.messages === 'remove' && messages.purge(userId, removal.signal),
  (userId, removal) => groups.leaveAll(userId, removal.signal),
];
