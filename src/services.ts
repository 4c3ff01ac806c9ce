/** Builds each service once, lowest first: who needs whom. */
import type { Connection } from 'mongoose';
import type { Bus } from './core/bus.ts';
import { createAuthService, type AuthService } from './features/auth/auth.service.ts';
import { sessionModel } from './features/auth/session.model.ts';
import { createAccessTokens } from './features/auth/tokens.ts';
import { createChatHeads } from './features/chats/chat.heads.ts';
import { chatModel } from './features/chats/chat.model.ts';
import { createChatsService, type ChatsService } from './features/chats/chats.service.ts';
import { membershipModel } from './features/chats/membership.model.ts';
import { changeCollection } from './features/messages/change.model.ts';
import { createMessageChanges } from './features/messages/message.changes.ts';
import { createMessageHistory } from './features/messages/message.history.ts';
import { createMessageLog } from './features/messages/message.log.ts';
import { messageCollection } from './features/messages/message.model.ts';
import { createMessagesService, type MessagesService } from './features/messages/messages.service.ts';
import { createPasswords } from './features/passwords/passwords.service.ts';
import { userModel } from './features/users/user.model.ts';
import { createUsersService, type UsersService } from './features/users/users.service.ts';

export interface Services {
  users: UsersService;
  auth: AuthService;
  chats: ChatsService;
  messages: MessagesService;
}

export interface ServicesOptions {
  connection: Connection;
  bus: Bus;
  /** The first signs, all verify. */
  jwtSecrets: readonly string[];
  /** bcrypt's cost: the work of a hash doubles with each step. */
  passwordCost: number;
  onError: (error: unknown) => void;
}

export interface BuiltServices {
  services: Services;
  /** Refuses whoever waits for work that has not begun: the server closes. */
  refuse(): void;
  /** Writes what is still on its way to the store; nothing is taken any more. */
  drain(): Promise<void>;
}

/** The connection must be open. */
export function createServices({ connection, bus, jwtSecrets, passwordCost, onError }: ServicesOptions): BuiltServices {
  const users = createUsersService(userModel(connection));
  const passwords = createPasswords(passwordCost);
  const auth = createAuthService({
    users,
    sessions: sessionModel(connection),
    passwords,
    accessTokens: createAccessTokens(jwtSecrets),
    bus,
  });

  const chatDocuments = chatModel(connection);
  const memberships = membershipModel(connection);
  const messageDocuments = messageCollection(connection);
  const heads = createChatHeads(chatDocuments, memberships, onError);
  const log = createMessageLog({
    messages: messageDocuments,
    heads,
    onStored: (message) => bus.publish(`chat:${message.chatId}`, { name: 'message.created', payload: message }),
    onError,
  });
  const history = createMessageHistory(messageCollection(connection, { readConcern: 'majority' }), log);
  const chats = createChatsService({ chats: chatDocuments, memberships, users, history, bus });
  const changes = createMessageChanges({
    messages: messageDocuments,
    changes: changeCollection(connection),
    onChanged: (message) => bus.publish(`chat:${message.chatId}`, { name: message.removedAt === undefined ? 'message.edited' : 'message.removed', payload: message }),
    onError,
  });
  const messages = createMessagesService({ chats, log, changes, history });

  const drain = async (): Promise<void> => {
    changes.stop();
    await log.drain();
    await heads.drain();
  };
  return { services: { users, auth, chats, messages }, refuse: () => passwords.refuse(), drain };
}
