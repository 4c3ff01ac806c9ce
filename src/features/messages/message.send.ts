/** Where a message goes, and in which order: the messages of one person are appended as they came. */
import { AppError } from '../../core/errors.ts';
import type { Id, MessageId } from '../../core/schemas.ts';
import { createTurns } from '../../core/turns.ts';
import type { ChatsService } from '../chats/chats.service.ts';
import type { Appended } from './log.queue.ts';
import type { MessageLog } from './message.log.ts';

/** A chat, or a person whose private chat with the sender it is. */
export interface Target {
  chatId?: Id;
  to?: Id;
}

type Send = (senderId: Id, target: Target, message: { id: MessageId; text: string }) => Promise<Appended>;

/**
 * A chat may have to be looked up, or made, before its message can be appended. Whatever the same person sends meanwhile
 * waits for that; when nothing has to be looked up, nothing waits.
 * @throws VALIDATION_FAILED unless exactly one of chatId and to is given, USER_NOT_FOUND, CHAT_NOT_FOUND, NOT_ALLOWED, and what the log throws
 */
export function createSend(chats: ChatsService, log: MessageLog): Send {
  const turns = createTurns();

  return async (senderId, target, message) => {
    const append = (chatId: Id): Promise<Appended> => log.append({ id: message.id, chatId, senderId, content: { kind: 'text', text: message.text } });
    const { chatId, to } = target;
    if (!turns.isTaken(senderId) && to === undefined && chatId !== undefined && chats.isKnownSender(senderId, chatId)) return append(chatId);
    // In an object: the turn ends when the message is in the log's queue, and not when it is stored.
    const { appended } = await turns.take(senderId, async () => ({ appended: append(await findChat(chats, senderId, target)) }));
    return appended;
  };
}

async function findChat(chats: ChatsService, senderId: Id, { chatId, to }: Target): Promise<Id> {
  if (to !== undefined && chatId === undefined) return chats.openPrivate(senderId, to);
  if (chatId === undefined || to !== undefined) throw new AppError('VALIDATION_FAILED', { fields: [{ field: 'chatId', problem: 'give either chatId or to' }] });
  await chats.requireSender(senderId, chatId);
  return chatId;
}
