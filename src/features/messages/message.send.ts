/** Where a message goes, and in which order: the messages of one person are appended as they came. */
import { AppError, type ErrorCode } from '../../core/errors.ts';
import type { FileInfo } from '../../core/file.ts';
import type { Message, ReplyTo } from '../../core/message.ts';
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

export interface Text {
  id: MessageId;
  text?: string;
  fileIds?: readonly Id[];
  replyTo?: MessageId;
}

/** Gives files to a message that somebody is about to send. @throws FILE_NOT_FOUND */
export type Attach = (senderId: Id, fileIds: readonly Id[]) => Promise<FileInfo[]>;

type Send = (senderId: Id, target: Target, message: Text) => Promise<Appended>;

/** What is replied to, as its sender sees it. @throws MESSAGE_NOT_FOUND if it is not in this chat, or not to be seen; MESSAGE_REMOVED */
export type FindOriginal = (senderId: Id, chatId: Id, id: MessageId) => Promise<ReplyTo>;

/** What this very send has stored before, if it has and its sender still sees the chat. */
export type FindStored = (senderId: Id, target: Target, message: Text) => Promise<Message | undefined>;

/** What may have come to be since a message was stored: its repeat is answered all the same. */
const refusals: ReadonlySet<string> = new Set<ErrorCode>(['NOT_ALLOWED', 'BLOCKED', 'MESSAGE_NOT_FOUND', 'MESSAGE_REMOVED', 'FILE_NOT_FOUND']);

/** @throws what sending throws */
export function createRepeatableSend(chats: Pick<ChatsService, 'requireView'>, send: Send, findStored: FindStored): Send {
  return async (senderId, target, message) => {
    try {
      const appended = await send(senderId, target, message);
      // Where nothing is written nothing shows that another process has put them out.
      if (appended.deduplicated) await chats.requireView(senderId, appended.message.chatId);
      return appended;
    } catch (error) {
      const stored = error instanceof AppError && refusals.has(error.code) ? await findStored(senderId, target, message) : undefined;
      if (!stored) throw error;
      return { message: stored, deduplicated: true };
    }
  };
}

/** What goes along with a message, as it has been looked up. */
interface Accompanied {
  original?: ReplyTo;
  files?: FileInfo[];
}

export interface SendParts {
  chats: ChatsService;
  log: MessageLog;
  findOriginal: FindOriginal;
  attach: Attach;
}

/**
 * A chat may have to be looked up, or made, before its message can be appended. Whatever the same person sends meanwhile
 * waits for that; when nothing has to be looked up, nothing waits.
 * @throws VALIDATION_FAILED unless exactly one of chatId and to is given, USER_NOT_FOUND, CHAT_NOT_FOUND, NOT_ALLOWED, BLOCKED, and what the log throws
 */
export function createSend({ chats, log, findOriginal, attach }: SendParts): Send {
  const turns = createTurns();

  return async (senderId, target, message) => {
    const { id, text, fileIds = [], replyTo } = message;
    const append = (chatId: Id, { original, files }: Accompanied = {}): Promise<Appended> =>
      log.append({ id, chatId, senderId, content: { kind: 'text', ...(text !== undefined && { text }), ...(files && { files }), ...(original && { replyTo: original }) } });
    const { chatId, to } = target;
    if (replyTo === undefined && fileIds.length === 0 && !turns.isTaken(senderId) && to === undefined && chatId !== undefined && chats.isKnownSender(senderId, chatId)) return append(chatId);
    // In an object: the turn ends when the message is in the log's queue, and not when it is stored.
    const { appended } = await turns.take(senderId, async () => {
      const found = await findChat(chats, senderId, target, replyTo !== undefined);
      const accompanied: Accompanied = {
        ...(replyTo !== undefined && { original: await findOriginal(senderId, found, replyTo) }),
        ...(fileIds.length > 0 && { files: await attach(senderId, fileIds) }),
      };
      // Looked up again: what was known may have become outdated meanwhile.
      if (accompanied.original || accompanied.files) await chats.requireSender(senderId, found);
      return { appended: append(found, accompanied) };
    });
    return appended;
  };
}

async function findChat(chats: ChatsService, senderId: Id, { chatId, to }: Target, isReply: boolean): Promise<Id> {
  if ((to === undefined) === (chatId === undefined)) throw new AppError('VALIDATION_FAILED', { fields: [{ field: 'chatId', problem: 'give either chatId or to' }] });
  // Nobody can reply there yet, and a chat that is opened for nothing would be told to the other one.
  if (isReply && to !== undefined && (await chats.findPrivate(senderId, to)) === undefined) throw new AppError('MESSAGE_NOT_FOUND');
  const found = chatId ?? (await chats.openPrivate(senderId, to ?? ''));
  if (!chats.isKnownSender(senderId, found)) await chats.requireSender(senderId, found);
  return found;
}
