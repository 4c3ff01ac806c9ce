/** Editing a message: the new text is hidden from whoever blocks its sender, and nothing that the sender can time tells of it. */
import { setTimeout as pause } from 'node:timers/promises';
import { createCallerTurns } from '../../core/caller.turns.ts';
import { AppError } from '../../core/errors.ts';
import type { Message } from '../../core/message.ts';
import type { Id, MessageId } from '../../core/schemas.ts';
import { lastSeen, type View } from '../../core/view.ts';
import type { ChatsService } from '../chats/chats.service.ts';
import type { Decide } from './message.changes.ts';
import { toUuid, type MessageCollection, type MessageDocument } from './message.model.ts';
import { editOf } from './message.updates.ts';
import type { MessagesService } from './messages.service.ts';

export interface Sight {
  message: Message;
  view: View & { mayRemoveAny: boolean };
}

export type RequireMessage = (userId: Id, id: MessageId) => Promise<Sight>;

/** Changes a message as is decided for what it is, and what the person may see, when its turn has come. */
export type Change = (userId: Id, id: MessageId, decide: (message: MessageDocument, view: Sight['view']) => ReturnType<Decide>) => Promise<Message>;

export interface EditParts {
  messages: MessageCollection;
  chats: Pick<ChatsService, 'requireSender' | 'hideFromBlockers'>;
  /** Milliseconds for which a message can be edited. */
  editWindow: number;
  change: Change;
  requireMessage: RequireMessage;
}

/** Milliseconds before the edit itself: more than it takes to write that the message is hidden. */
const timeToHide = 50;

/**
 * It is hidden before the edit takes its turn in the chat, in a time that is the same where nobody blocks the sender, and
 * one edit of a person at a time, or many at once would add up what each takes longer. In its turn it is hidden from those
 * alone who have begun to block meanwhile.
 */
export function createEdit({ messages, chats, editWindow, change, requireMessage }: EditParts): MessagesService['edit'] {
  const inTurn = createCallerTurns();
  return inTurn(async ({ userId }, { id, text }) => {
    const { view } = await requireMessage(userId, id);
    const decide: Parameters<Change>[2] = async (message, view) => {
      requireUnblocked(view);
      // To say something else is to say something.
      await chats.requireSender(userId, message.chatId.toHexString());
      return editOf(message, userId, text, editWindow);
    };
    const hide = async (message: MessageDocument): Promise<void> => {
      if (await decide(message, view)) await chats.hideFromBlockers(userId, message.chatId.toHexString(), message.seq);
    };
    const message = await messages.findOne({ _id: toUuid(id) });
    if (message) await Promise.all([hide(message), pause(timeToHide)]);
    return change(userId, id, decide);
  });
}

/** Whoever blocks the other one of a chat writes nothing there. @throws BLOCKED */
export function requireUnblocked(view: View): void {
  if (lastSeen(view) !== Infinity) throw new AppError('BLOCKED');
}
