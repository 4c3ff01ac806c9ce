/** Messages: what a person may do with them. How they are kept is the business of the log. */
import { v7 as uuid } from 'uuid';
import type { Bus } from '../../core/bus.ts';
import type { EventOf, Service } from '../../core/contract.ts';
import { AppError } from '../../core/errors.ts';
import type { Id, Message, MessageId } from '../../core/schemas.ts';
import type { ChatsService } from '../chats/chats.service.ts';
import type { Update } from './change.model.ts';
import type { MessageChanges } from './message.changes.ts';
import type { MessageHistory } from './message.history.ts';
import type { MessageLog } from './message.log.ts';
import type { MessageDocument } from './message.model.ts';
import { createSync } from './message.sync.ts';
import { editOf, removalOf } from './message.updates.ts';
import type { messagesContract } from './messages.contract.ts';

export type MessagesService = Service<typeof messagesContract>;
export type MessageEvents = EventOf<typeof messagesContract>;

export interface MessagesParts {
  chats: ChatsService;
  log: MessageLog;
  changes: MessageChanges;
  history: MessageHistory;
  bus: Bus<MessageEvents>;
}

export function createMessagesService({ chats, log, changes, history, bus }: MessagesParts): MessagesService {
  /** @throws MESSAGE_NOT_FOUND for everybody who is not in its chat, whether it exists or not */
  const requireMessage = async (userId: Id, id: MessageId): Promise<Message> => {
    const message = await history.find(id);
    if (!message || !(await chats.isMember(userId, message.chatId))) throw new AppError('MESSAGE_NOT_FOUND');
    return message;
  };

  const change = async (userId: Id, id: MessageId, event: 'message.edited' | 'message.removed', decide: (message: MessageDocument) => Update | undefined): Promise<Message> => {
    const { chatId } = await requireMessage(userId, id);
    const { message, changed } = await changes.change(chatId, id, decide);
    if (changed) bus.publish(`chat:${chatId}`, { name: event, payload: message });
    return message;
  };

  return {
    sync: createSync({ chats, history }),
    get: async (caller, { id }) => requireMessage(caller.userId, id),

    async send(caller, { id, chatId, to, text }) {
      const target = await targetOf(chats, caller.userId, chatId, to);
      await chats.requireMember(caller.userId, target);
      const { message, deduplicated } = await log.append({ id: id ?? uuid(), chatId: target, senderId: caller.userId, text });
      return deduplicated ? { ...message, deduplicated } : message;
    },

    async list(caller, { chatId, ...request }) {
      await chats.requireMember(caller.userId, chatId);
      requireOneDirection(request);
      return history.page(chatId, request);
    },

    edit: async (caller, { id, text }) => change(caller.userId, id, 'message.edited', (message) => editOf(message, caller.userId, text)),

    async remove(caller, { id }) {
      await change(caller.userId, id, 'message.removed', (message) => removalOf(message, caller.userId));
      return null;
    },
  };
}

/** The chat a message goes to. @throws VALIDATION_FAILED unless exactly one of chatId and to is given */
async function targetOf(chats: ChatsService, userId: Id, chatId: Id | undefined, to: Id | undefined): Promise<Id> {
  if (chatId !== undefined && to === undefined) return chatId;
  if (to !== undefined && chatId === undefined) return chats.openPrivate(userId, to);
  throw invalid('chatId', 'give either chatId or to');
}

function requireOneDirection({ before, after, around }: { before?: number; after?: number; around?: number }): void {
  if ([before, after, around].filter((number) => number !== undefined).length > 1) {
    throw invalid('before', 'give only one of before, after and around');
  }
}

const invalid = (field: string, problem: string): AppError => new AppError('VALIDATION_FAILED', { fields: [{ field, problem }] });
