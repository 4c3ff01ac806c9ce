/** Messages: what a person may do with them. How they are kept is the business of the log. */
import { v7 as uuid } from 'uuid';
import type { Service } from '../../core/contract.ts';
import { AppError } from '../../core/errors.ts';
import type { Message } from '../../core/message.ts';
import type { Id, MessageId } from '../../core/schemas.ts';
import { isVisible } from '../../core/view.ts';
import type { ChatsService } from '../chats/chats.service.ts';
import type { Update } from './change.model.ts';
import type { MessageChanges } from './message.changes.ts';
import type { MessageHistory } from './message.history.ts';
import type { MessageLog } from './message.log.ts';
import type { MessageCollection, MessageDocument } from './message.model.ts';
import { createPurge } from './message.purge.ts';
import { createSend } from './message.send.ts';
import { createSync } from './message.sync.ts';
import { editOf, removalOf } from './message.updates.ts';
import type { messagesContract } from './messages.contract.ts';

export interface MessagesService extends Service<typeof messagesContract> {
  /** Removes everything that a person has sent, one after another. Rejects when the signal breaks it off. */
  purge(userId: Id, signal: AbortSignal): Promise<void>;
}

export interface MessagesParts {
  messages: MessageCollection;
  chats: ChatsService;
  log: MessageLog;
  changes: MessageChanges;
  history: MessageHistory;
}

export function createMessagesService({ messages, chats, log, changes, history }: MessagesParts): MessagesService {
  /** @throws MESSAGE_NOT_FOUND for everybody who is not in its chat, whether it exists or not */
  const requireMessage = async (userId: Id, id: MessageId): Promise<Message> => {
    const message = await history.find(id);
    // Asked also about a message that does not exist: the time it takes would tell.
    const view = await chats.findView(userId, message?.chatId ?? userId);
    if (!message || !view || !isVisible(view, message.seq)) throw new AppError('MESSAGE_NOT_FOUND');
    return message;
  };

  const change = async (userId: Id, id: MessageId, decide: (message: MessageDocument) => Update | undefined): Promise<Message> => {
    const { chatId } = await requireMessage(userId, id);
    return changes.change(chatId, id, decide);
  };
  const removeOwn = (userId: Id, id: MessageId): Promise<Message> => change(userId, id, (message) => removalOf(message, userId));
  const send = createSend(chats, log);

  return {
    sync: createSync({ chats, history }),
    purge: createPurge({ messages, idsOf: async (userId) => (await chats.membershipsOf(userId)).map(({ chatId }) => chatId), remove: removeOwn }),
    get: async (caller, { id }) => requireMessage(caller.userId, id),

    async send(caller, { id, text, ...target }) {
      const { message, deduplicated } = await send(caller.userId, target, { id: id ?? uuid(), text });
      return deduplicated ? { ...message, deduplicated } : message;
    },

    async list(caller, { chatId, ...request }) {
      const view = await chats.requireView(caller.userId, chatId);
      requireOneDirection(request);
      return history.page(chatId, view, request);
    },

    edit: async (caller, { id, text }) => change(caller.userId, id, (message) => editOf(message, caller.userId, text)),

    async remove(caller, { id }) {
      await removeOwn(caller.userId, id);
      return null;
    },
  };
}

function requireOneDirection({ before, after, around }: { before?: number; after?: number; around?: number }): void {
  if ([before, after, around].filter((number) => number !== undefined).length > 1) {
    throw new AppError('VALIDATION_FAILED', { fields: [{ field: 'before', problem: 'give only one of before, after and around' }] });
  }
}

