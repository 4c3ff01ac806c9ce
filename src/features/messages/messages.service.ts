/** Messages: what a person may do with them. How they are kept is the business of the log. */
import { v7 as uuid } from 'uuid';
import type { InTurn } from '../../core/caller.turns.ts';
import type { Service } from '../../core/contract.ts';
import { AppError } from '../../core/errors.ts';
import type { FileInfo } from '../../core/file.ts';
import { asSeen, toReplyTo } from '../../core/message.ts';
import type { Id } from '../../core/schemas.ts';
import { toFieldError } from '../../core/validate.ts';
import { isVisible } from '../../core/view.ts';
import type { BlocksService } from '../blocks/blocks.service.ts';
import type { ChatsService } from '../chats/chats.service.ts';
import type { UsersService } from '../users/users.service.ts';
import { isSameSend } from './log.repeat.ts';
import type { Decide, MessageChanges } from './message.changes.ts';
import type { MessageHistory } from './message.history.ts';
import type { MessageLog } from './message.log.ts';
import { toDocument, toUuid, type MessageCollection } from './message.model.ts';
import { createEdit, requireUnblocked, type Change, type RequireMessage } from './message.edit.ts';
import { createMessageFiles, type MessageFiles } from './message.files.ts';
import { createPurge } from './message.purge.ts';
import { createRepeatableSend, createSend, type Attach, type FindOriginal, type FindStored } from './message.send.ts';
import { createSync } from './message.sync.ts';
import { reactionOf, removalOf, unreactionOf } from './message.updates.ts';
import type { messagesContract } from './messages.contract.ts';

export interface MessagesService extends Service<typeof messagesContract>, MessageFiles {
  /** Removes everything that a person has sent, one after another. Rejects when the signal breaks it off. */
  purge(userId: Id, signal: AbortSignal): Promise<void>;
}

export interface MessagesParts {
  messages: MessageCollection;
  chats: ChatsService;
  users: Pick<UsersService, 'me'>;
  blocks: Pick<BlocksService, 'changedSince'>;
  log: MessageLog;
  changes: MessageChanges;
  history: MessageHistory;
  attach: Attach;
  /** What costs as much as somebody has chats: one at a time. */
  inTurn: InTurn;
  /** Milliseconds for which a message can be edited. */
  editWindow: number;
  /** Milliseconds that each sync looks back behind the one before. */
  syncOverlap: number;
}

export function createMessagesService({ messages, chats, users, blocks, log, changes, history, attach, inTurn, editWindow, syncOverlap }: MessagesParts): MessagesService {
  const requireMessage = createSight(chats, history);
  const send = createRepeatableSend(chats, createSend({ chats, log, findOriginal: createOriginals(requireMessage), attach }), createRepeats(messages, chats, history));

  return {
    sync: inTurn(createSync({ chats, users, blocks, history, overlap: syncOverlap })),
    purge: createPurge({
      messages,
      idsOf: (userId) => chats.chatsEverOf(userId),
      // Also what they do not see any more themselves.
      remove: (userId, chatId, id) => changes.change(chatId, id, (message) => removalOf(message, userId, false)),
    }),
    get: async (caller, { id }) => (await requireMessage(caller.userId, id)).message,

    async send(caller, { id, text, fileIds, replyTo, ...target }) {
      if (text === undefined && fileIds === undefined) throw toFieldError('text', 'is required, unless there are files');
      const { message, deduplicated } = await send(caller.userId, target, { id: id ?? uuid(), ...(text !== undefined && { text }), ...(fileIds && { fileIds }), ...(replyTo !== undefined && { replyTo }) });
      return deduplicated ? { ...message, deduplicated } : message;
    },

    async seen({ userId }, { id }) {
      const { chatId, seq, senderId } = (await requireMessage(userId, id)).message;
      return { users: (await chats.readersOf(userId, chatId, seq)).filter((user) => user.id !== senderId) };
    },

    async list(caller, { chatId, ...request }) {
      const view = await chats.requireView(caller.userId, chatId);
      requireOneDirection(request);
      return history.page(chatId, view, request);
    },

    ...createMessageFiles(messages, chats),

    ...createChanging({ messages, chats, changes, editWindow }, requireMessage),

    async hide(caller, { id }) {
      const { chatId, seq } = (await requireMessage(caller.userId, id)).message;
      await chats.hide(caller.userId, chatId, { from: seq, to: seq });
      return null;
    },
  };
}

/** What may be replied to: a message of the same chat that is there. */
const createOriginals =
  (requireMessage: RequireMessage): FindOriginal =>
  async (senderId, chatId, id) => {
    const { message } = await requireMessage(senderId, id);
    if (message.chatId !== chatId) throw new AppError('MESSAGE_NOT_FOUND');
    if (message.removedAt !== undefined) throw new AppError('MESSAGE_REMOVED');
    return toReplyTo(message);
  };

/** A file of which nothing is known but which it is. */
const unread = (id: Id): FileInfo => ({ id, name: '', kind: 'file', mime: '', size: 0 });

const createRepeats =
  (messages: MessageCollection, chats: ChatsService, history: MessageHistory): FindStored =>
  async (senderId, target, { id, text, fileIds = [], replyTo }) => {
    const stored = await messages.findOne({ _id: toUuid(id) });
    const chatId = target.chatId ?? (await chats.findPrivate(senderId, target.to ?? ''));
    if (!stored || chatId === undefined) return undefined;
    const sent = toDocument({ id, chatId, senderId, content: { kind: 'text', ...(text !== undefined && { text }), files: fileIds.map(unread), ...(replyTo !== undefined && { replyTo: { id: replyTo, seq: 0 } }) } });
    const message = isSameSend(sent, stored) ? await history.find(id, senderId) : undefined;
    // It may be one that they have hidden or cleared since; whoever is not in the chat any more is told nothing.
    const view = message && (await chats.findView(senderId, chatId));
    return view && asSeen(message, view);
  };

type Changing = Pick<MessagesService, 'edit' | 'react' | 'unreact' | 'remove'>;

/** What can be done to a message that is there. */
function createChanging({ messages, chats, changes, editWindow }: Pick<MessagesParts, 'messages' | 'chats' | 'changes' | 'editWindow'>, requireMessage: RequireMessage): Changing {
  const make: Change = async (userId, id, decide) => {
    const { chatId } = (await requireMessage(userId, id)).message;
    const decideNow: Decide = async (stored) => {
      // It may have waited long for its turn.
      const now = await chats.findView(userId, chatId);
      if (!now || !isVisible(now, stored.seq)) throw new AppError('MESSAGE_NOT_FOUND');
      return decide(stored, now);
    };
    return changes.change(chatId, id, decideNow, userId);
  };
  const change: Change = async (userId, id, decide) => {
    const message = await make(userId, id, decide);
    const view = await chats.findView(userId, message.chatId);
    if (!view || !isVisible(view, message.seq)) throw new AppError('MESSAGE_NOT_FOUND');
    return asSeen(message, view);
  };
  return {
    edit: createEdit({ messages, chats, editWindow, change, requireMessage }),
    react: async ({ userId }, { id, emoji }) =>
      change(userId, id, (message, view) => {
        requireUnblocked(view);
        return reactionOf(message, userId, emoji);
      }),
    unreact: async ({ userId }, { id, emoji }) => change(userId, id, (message) => unreactionOf(message, userId, emoji)),
    async remove({ userId }, { id }) {
      await make(userId, id, (message, { mayRemoveAny }) => removalOf(message, userId, mayRemoveAny));
      return null;
    },
  };
}

/** A message as somebody sees it. @throws MESSAGE_NOT_FOUND for everybody who may not see it, whether it exists or not */
function createSight(chats: ChatsService, history: MessageHistory): RequireMessage {
  return async (userId, id) => {
    const message = await history.find(id, userId);
    // Asked also about a message that does not exist: the time it takes would tell.
    const view = await chats.findView(userId, message?.chatId ?? userId);
    if (!message || !view || !isVisible(view, message.seq)) throw new AppError('MESSAGE_NOT_FOUND');
    return { message: asSeen(message, view), view };
  };
}

function requireOneDirection({ before, after, around }: { before?: number; after?: number; around?: number }): void {
  if ([before, after, around].filter((number) => number !== undefined).length > 1) {
    throw new AppError('VALIDATION_FAILED', { fields: [{ field: 'before', problem: 'give only one of before, after and around' }] });
  }
}

